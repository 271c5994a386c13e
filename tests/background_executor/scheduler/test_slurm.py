"""SLURM's answers, as recorded from the real one, and what is asked of it."""

import contextlib
import os
import pwd
import shlex
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from background_executor.config import SubmitSection
from background_executor.errors import SchedulerError, SubmitRefusedError, SubmitUnknownError
from background_executor.records import ENDED_JOB_STATES, JobState
from background_executor.scheduler import JobScript, JobSighting
from background_executor.scheduler.elapsed import read_elapsed
from background_executor.scheduler.slurm import STATE_OF_WORD, SlurmScheduler
from background_executor.transport import CommandOutput, LocalTransport

RECORDED = Path(__file__).parents[2] / "data" / "slurm"
JOB = "8ef33979-85e1-4b17-9f19-3927c2082a2e"
OTHER_JOB = "04db993f-4dcd-4864-8963-169c286e51cf"
HEADER = "pmt|JOBID|STATE|TIME|START_TIME|NODELIST|REASON|NAME"
SITE = SubmitSection(
    partition="physical",
    account="punim0001",
    time_limit="1-00:00:00",
    memory="16G",
    cpus=4,
    module_lines=("module purge", "module load foss/2022a"),
    activate_lines=("source /data/my env/bin/activate",),
)


def job_script(folder: str = "/data/gpfs/pmt") -> JobScript:
    base = PurePosixPath(folder)
    return JobScript(JOB, base / "job.sh", base / f"job-{JOB}.json", base / f"log-{JOB}.txt", base)


def slurm() -> SlurmScheduler:
    return SlurmScheduler(SITE, "/opt/pmt/bin/python")


def answer(stdout: str, status: int = 0, stderr: str = "") -> CommandOutput:
    return CommandOutput(status, stdout, stderr)


def recorded(name: str) -> dict[str, JobSighting]:
    seen = slurm().read_queue(answer((RECORDED / name).read_text()))
    return {sighting.scheduler_id: sighting for sighting in seen.values()}


@pytest.mark.parametrize(
    ("name", "scheduler_id", "state", "word", "message"),
    [
        ("squeue_22.05.8_waiting.txt", "1", JobState.COMPLETED, "COMPLETED", ""),
        ("squeue_22.05.8_waiting.txt", "2", JobState.FAILED, "FAILED", "NonZeroExitCode"),
        ("squeue_22.05.8_waiting.txt", "3", JobState.RUNNING, "RUNNING", ""),
        ("squeue_22.05.8_waiting.txt", "4", JobState.FAILED, "FAILED", "JobLaunchFailure"),
        (
            "squeue_22.05.8_waiting.txt",
            "5",
            JobState.RUNNING,
            "COMPLETING",
            "the scheduler says COMPLETING",
        ),
        ("squeue_22.05.8_waiting.txt", "6", JobState.HELD, "PENDING", "JobHeldUser"),
        ("squeue_22.05.8_waiting.txt", "8", JobState.QUEUED, "PENDING", "Resources"),
        ("squeue_22.05.8_waiting.txt", "9", JobState.QUEUED, "PENDING", "Dependency"),
        ("squeue_22.05.8_ended.txt", "3", JobState.TIMEOUT, "TIMEOUT", "TimeLimit"),
        ("squeue_22.05.8_ended.txt", "5", JobState.CANCELLED, "CANCELLED", ""),
        ("squeue_22.05.8_ended.txt", "7", JobState.PREEMPTED, "PREEMPTED", ""),
        ("squeue_22.05.8_node_down.txt", "15", JobState.NODE_FAIL, "NODE_FAIL", "NodeDown"),
    ],
)
def test_a_recorded_line_is_read(
    name: str, scheduler_id: str, state: JobState, word: str, message: str
) -> None:
    sighting = recorded(name)[scheduler_id]
    assert (sighting.state, sighting.word, sighting.message) == (state, word, message)


def test_what_the_operator_sees_of_a_running_and_a_waiting_job_is_read() -> None:
    seen = recorded("squeue_22.05.8_waiting.txt")
    assert (seen["3"].node, seen["3"].run_time) == ("vm", timedelta(seconds=13))
    assert seen["3"].expected_start is None
    assert (seen["8"].node, seen["8"].run_time) == ("", None)
    assert seen["8"].expected_start == datetime(2026, 11, 28, 12, 38, 8, tzinfo=UTC)
    assert seen["9"].expected_start is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0:13", 13), ("59:59", 3599), ("1:02:03", 3723), ("2-01:02:03", 176523), ("0000:10:00", 600)],
)
def test_every_way_of_writing_a_run_time_is_read(text: str, seconds: int) -> None:
    assert read_elapsed(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "-", "INVALID", "13", "-1:00", "1:2:3:4", "N/A"])
def test_what_is_no_run_time_is_none(text: str) -> None:
    assert read_elapsed(text) is None


@pytest.mark.parametrize("word", sorted(STATE_OF_WORD))
def test_every_documented_word_has_its_state(word: str) -> None:
    seen = slurm().read_queue(answer(f"{HEADER}\npmt|7|{word}|0:01|N/A|n1|None|{JOB}\n"))
    assert seen[JOB].state is STATE_OF_WORD[word]
    assert seen[JOB].word == word


@pytest.mark.parametrize(
    ("word", "reason", "message"),
    [
        ("RUNNING", "None", ""),
        ("SUSPENDED", "None", "the scheduler says SUSPENDED"),
        ("STOPPED", "None", "the scheduler says STOPPED"),
        ("COMPLETING", "None", "the scheduler says COMPLETING"),
        ("SIGNALING", "Prolog", "the scheduler says SIGNALING Prolog"),
    ],
)
def test_a_job_that_is_there_and_does_not_work_is_not_shown_as_plainly_running(
    word: str, reason: str, message: str
) -> None:
    seen = slurm().read_queue(answer(f"{HEADER}\npmt|7|{word}|0:01|N/A|n1|{reason}|{JOB}\n"))
    assert (seen[JOB].state, seen[JOB].message) == (JobState.RUNNING, message)


def test_every_state_that_slurm_can_tell_of_is_reached_by_a_word() -> None:
    ours_alone = {
        JobState.INTENT,
        JobState.SUBMITTING,
        JobState.SUBMIT_UNKNOWN,
        JobState.LOST,
    }
    assert set(STATE_OF_WORD.values()) == set(JobState) - ours_alone


def test_an_unknown_word_keeps_the_job_alive_and_is_shown() -> None:
    seen = slurm().read_queue(answer(f"{HEADER}\npmt|7|TELEPORTING|0:01|N/A|n1|None|{JOB}\n"))
    assert seen[JOB].state not in ENDED_JOB_STATES
    assert "TELEPORTING" in seen[JOB].message


def test_a_header_alone_is_an_empty_queue() -> None:
    assert slurm().read_queue(answer(HEADER + "\n")) == {}


@pytest.mark.parametrize(
    "output",
    [
        answer("", 1, "slurm_load_jobs error: Socket timed out on send/recv operation"),
        answer("", 1, "slurm_load_jobs error: Unable to contact slurm controller"),
        answer(""),
        answer("Welcome to the cluster!\n"),
        answer(f"{HEADER}\npmt|7|RUNNING|0:01\n"),
    ],
)
def test_a_failed_query_is_not_an_empty_answer(output: CommandOutput) -> None:
    with pytest.raises(SchedulerError, match="squeue"):
        slurm().read_queue(output)


def test_what_a_login_shell_says_beside_is_passed_over() -> None:
    text = f"Welcome!\n{HEADER}\npmt|7|RUNNING|0:01|N/A|n1|None|{JOB}\nmodule loaded\n"
    assert set(slurm().read_queue(answer(text))) == {JOB}


def test_array_tasks_and_names_with_separators_are_read_without_harm() -> None:
    text = f"{HEADER}\npmt|7_3|RUNNING|0:01|N/A|n1|None|{JOB}\npmt|8|RUNNING|0:01|N/A|n1|None|a|b\n"
    assert set(slurm().read_queue(answer(text))) == {"a|b"}


def test_of_two_jobs_with_one_name_the_one_that_works_is_told() -> None:
    lines = [
        f"pmt|9|COMPLETED|0:01|N/A|n1|None|{JOB}",
        f"pmt|8|RUNNING|0:01|N/A|n1|None|{JOB}",
        f"pmt|7|PENDING|0:00|N/A||Dependency|{JOB}",
        f"pmt|12|FAILED|0:01|N/A|n1|None|{OTHER_JOB}",
        f"pmt|11|COMPLETED|0:01|N/A|n1|None|{OTHER_JOB}",
    ]
    seen = slurm().read_queue(answer("\n".join([HEADER, *lines])))
    assert (seen[JOB].scheduler_id, seen[OTHER_JOB].scheduler_id) == ("8", "11")


@pytest.mark.parametrize(("text", "expected"), [("4711\n", "4711"), ("4711;spartan\n", "4711")])
def test_an_id_is_read_from_sbatch(text: str, expected: str) -> None:
    assert slurm().read_submit(answer(text)) == expected


@pytest.mark.parametrize(
    "output",
    [
        answer("", 1, "sbatch: error: Batch job submission failed: Socket timed out on send/recv"),
        answer("", 1, "sbatch: error: Batch job submission failed: Unable to contact slurm"),
        answer(""),
        answer("Submitted batch job 12\n"),
        answer("12\n13\n"),
        answer("12\n", 1),
        answer("-1\n"),
    ],
)
def test_anything_but_digits_leaves_open_whether_there_is_a_job(output: CommandOutput) -> None:
    with pytest.raises(SubmitUnknownError):
        slurm().read_submit(output)


@pytest.mark.parametrize(
    ("status", "stderr"),
    [
        (1, "sbatch: error: Batch job submission failed: Invalid partition name specified"),
        (1, "sbatch: error: Memory specification can not be satisfied"),
        (
            1,
            (
                "sbatch: error: Batch job submission failed: Requested node configuration is not "
                "available"
            ),
        ),
        (127, "bash: line 1: sbatch: command not found"),
    ],
)
def test_a_clear_no_is_told_from_no_answer(status: int, stderr: str) -> None:
    with pytest.raises(SubmitRefusedError, match="sbatch"):
        slurm().read_submit(answer("", status, stderr))


def test_the_script_names_what_the_site_asks_for_and_ends_with_the_order() -> None:
    lines = slurm().script(job_script()).splitlines()
    assert lines[0] == "#!/bin/bash -l"
    assert lines[1:6] == [
        "#SBATCH --partition=physical",
        "#SBATCH --account=punim0001",
        "#SBATCH --time=1-00:00:00",
        "#SBATCH --mem=16G",
        "#SBATCH --cpus-per-task=4",
    ]
    assert lines[7:10] == [*SITE.module_lines, *SITE.activate_lines]
    order = f"/data/gpfs/pmt/job-{JOB}.json"
    assert lines[-1] == f"exec /opt/pmt/bin/python -m server_side watch {order}"


NONSENSE = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["", "²", "9" * 5000, "9" * 12 + "-00:00", "0001-01-01T00:00:00", "-1", "1e999"]
    ),
    st.sampled_from(["9999-12-31T23:59:59", "RUNNING", "PENDING", "None", "7", JOB]),
)


@given(st.lists(st.lists(NONSENSE, min_size=5, max_size=9), max_size=4), st.integers(-1, 2))
def test_no_nonsense_that_slurm_may_answer_ends_the_executor(
    rows: list[list[str]], status: int
) -> None:
    listing = "\n".join([HEADER, *("pmt|" + "|".join(row) for row in rows)])
    history = "\n".join("|".join(row) for row in rows)
    seen: dict[str, JobSighting] = {}
    with contextlib.suppress(SchedulerError):
        seen |= slurm().read_queue(answer(listing, status))
    with contextlib.suppress(SchedulerError):
        seen |= slurm().read_history(answer(history, status))
    for sighting in seen.values():
        assert sighting.scheduler_id.isascii()
        assert int(sighting.scheduler_id) >= 0
        start, ran = sighting.expected_start, sighting.run_time
        assert start is None or start.astimezone(ZoneInfo("Asia/Tokyo")) == start
        assert ran is None or datetime(2026, 1, 1, tzinfo=UTC) - ran < datetime.now(UTC)


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0\n\r"), min_size=1, max_size=30))
def test_no_folder_name_becomes_a_command(name: str) -> None:
    last_line = slurm().script(job_script(f"/data/{name}")).split("\n")[-2]
    words = shlex.split(last_line)
    assert words[:5] == ["exec", "/opt/pmt/bin/python", "-m", "server_side", "watch"]
    assert words[5:] == [str(job_script(f"/data/{name}").order_file)]


def test_the_script_is_valid_shell() -> None:
    text = slurm().script(job_script("/data/it's $(here); a folder"))
    subprocess.run(["bash", "-n"], input=text, text=True, check=True)


def test_submission_is_by_name_alone_in_its_name_and_never_requeued() -> None:
    argv = slurm().submit_argv(job_script("/data/50%"))
    assert argv[0] == "sbatch"
    assert {"--parsable", "--no-requeue", "--dependency=singleton"} < set(argv)
    assert f"--job-name={JOB}" in argv
    assert f"--output=/data/50%%/log-{JOB}.txt" in argv
    assert argv[-1] == "/data/50%/job.sh"


def test_a_job_is_cancelled_by_user_id_and_name_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scancel = tmp_path / "scancel"
    scancel.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    scancel.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    output = LocalTransport().run(slurm().cancel_argv("12", JOB), timeout_s=30)
    # Not "--me": scancel has it since 22.05 only.
    user = pwd.getpwuid(os.geteuid()).pw_name
    assert output.stdout.splitlines() == [f"--user={user}", f"--name={JOB}", "12"]


def test_one_query_asks_for_all_jobs_by_name() -> None:
    argv = slurm().queue_argv([JOB, OTHER_JOB], ["1"])
    assert argv[:3] == ["env", "TZ=UTC", "SLURM_TIME_FORMAT=standard"]
    assert argv[3:6] == ["squeue", "--me", "--states=all"]
    assert f"--name={JOB},{OTHER_JOB}" in argv
    assert "--json" not in argv


HISTORY = f"""\
41|COMPLETED|0:0|00:01:00|n1|somebody-elses
42|CANCELLED by 1000|0:15|00:02:00|n1|{JOB}
43|NODE_FAIL|1:0|00:03:00|n1|other-job
"""


def test_the_accounting_gives_the_end_of_a_forgotten_job() -> None:
    remembered = slurm().read_history(answer(HISTORY))
    assert remembered[JOB].state is JobState.CANCELLED
    assert remembered[JOB].message == "SLURM's accounting says CANCELLED by 1000, exit 0:15"
    assert (remembered[JOB].scheduler_id, remembered[JOB].node) == ("42", "n1")
    assert remembered["other-job"].state is JobState.NODE_FAIL
    assert slurm().read_history(answer("")) == {}
    assert f"--name={JOB}" in slurm().history_argv(JOB)


def test_a_site_without_accounting_says_nothing_of_a_job() -> None:
    with pytest.raises(SchedulerError, match="sacct gave no answer"):
        slurm().read_history(answer("", status=1))
