"""The process scheduler with real processes, driven as text through the transport."""

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

import pytest

from background_executor.errors import SchedulerError, SubmitRefusedError, SubmitUnknownError
from background_executor.records import JobState
from background_executor.scheduler import JobScript, JobSighting
from background_executor.scheduler.process import ProcessScheduler
from background_executor.transport import CommandOutput, LocalTransport
from server_side.job.process_launcher import JobFiles, read_record, start_ticks

TRANSPORT = LocalTransport()


class Machine:
    """A folder with jobs, and what the tests do with them."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.scheduler = ProcessScheduler(sys.executable, PurePosixPath(base), kill_after_s=0.5)

    def script(self, text: str, job: str | None = None) -> JobScript:
        job = job or str(uuid.uuid4())
        script = self.base / f"script-{job}.sh"
        script.write_text(text)
        return JobScript(
            job,
            PurePosixPath(script),
            PurePosixPath(self.base / "order"),
            PurePosixPath(self.base / f"log-{job}.txt"),
            PurePosixPath(self.base),
        )

    def submit(self, script: JobScript) -> str:
        argv = self.scheduler.submit_argv(script)
        return self.scheduler.read_submit(TRANSPORT.run(argv, timeout_s=30))

    def see(self, job: str) -> JobSighting | None:
        argv = self.scheduler.queue_argv([job], [])
        return self.scheduler.read_queue(TRANSPORT.run(argv, timeout_s=30)).get(job)

    def wait_for(self, job: str, state: JobState) -> JobSighting:
        give_up = time.monotonic() + 20
        while time.monotonic() < give_up:
            sighting = self.see(job)
            if sighting is not None and sighting.state is state:
                return sighting
            time.sleep(0.05)
        raise AssertionError(f"job is {self.see(job)}, not {state}")

    def cancel(self, scheduler_id: str, job: str) -> None:
        argv = self.scheduler.cancel_argv(scheduler_id, job)
        assert TRANSPORT.run(argv, timeout_s=30).exit_status == 0

    def pid(self, job: str) -> int:
        record = read_record(JobFiles(self.base / ".processes", job))
        assert record is not None
        return record.pid


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path)
    yield machine
    for record in (tmp_path / ".processes").glob("*.json"):
        sighting = machine.see(record.stem)
        if sighting is not None and sighting.state is JobState.RUNNING:
            machine.cancel(sighting.scheduler_id, record.stem)
            machine.wait_for(record.stem, JobState.CANCELLED)


def wait_until(condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.02)


def test_a_job_runs_to_its_end_and_its_output_is_kept(machine: Machine) -> None:
    job = machine.script("echo hello; pwd; echo oops >&2")
    machine.submit(job)
    machine.wait_for(job.job, JobState.COMPLETED)
    assert (machine.base / job.log_file.name).read_text() == f"hello\n{machine.base}\noops\n"


@pytest.mark.parametrize(
    ("text", "message"), [("exit 7", "exit status 7"), ("kill -9 $$", "signal 9")]
)
def test_a_job_that_fails_says_how(machine: Machine, text: str, message: str) -> None:
    job = machine.script(text)
    machine.submit(job)
    assert message in machine.wait_for(job.job, JobState.FAILED).message


def test_a_job_is_in_a_session_of_its_own_and_outlives_who_made_it(machine: Machine) -> None:
    job = machine.script("sleep 60")
    scheduler_id = machine.submit(job)
    pid = machine.pid(job.job)
    assert os.getsid(pid) == pid != os.getsid(0)
    sighting = machine.wait_for(job.job, JobState.RUNNING)
    assert (sighting.scheduler_id, sighting.job) == (scheduler_id, job.job)


def test_an_interpreter_without_the_launcher_makes_no_job_and_the_key_is_named(
    tmp_path: Path,
) -> None:
    bare = tmp_path / "bare-python"
    bare.write_text(f'#!/bin/sh\nexec {sys._base_executable} -I -S "$@"\n')  # type: ignore[attr-defined]
    bare.chmod(0o755)
    scheduler = ProcessScheduler(str(bare), PurePosixPath(tmp_path))
    argv = scheduler.submit_argv(Machine(tmp_path).script("true"))
    with pytest.raises(SubmitRefusedError, match=r"bare-python has no server_side: .*site\.python"):
        scheduler.read_submit(TRANSPORT.run(argv, timeout_s=30))


def test_a_job_asked_for_twice_is_made_once(machine: Machine) -> None:
    job = machine.script("echo once >> made; sleep 60")
    argv = machine.scheduler.submit_argv(job)
    askers = [
        subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(6)
    ]
    answers = {asker.communicate(timeout=60)[0] for asker in askers}
    assert len(answers) == 1
    wait_until((machine.base / "made").exists)
    assert (machine.base / "made").read_text() == "once\n"


def test_a_job_that_ended_is_not_made_again(machine: Machine) -> None:
    job = machine.script("echo once >> made")
    first = machine.submit(job)
    machine.wait_for(job.job, JobState.COMPLETED)
    assert machine.submit(job) == first
    assert machine.see(job.job).state is JobState.COMPLETED  # type: ignore[union-attr]
    assert (machine.base / "made").read_text() == "once\n"


def test_a_job_that_never_was_is_absent_from_a_whole_answer(machine: Machine) -> None:
    assert machine.see(str(uuid.uuid4())) is None


def test_all_jobs_are_asked_for_at_once(machine: Machine) -> None:
    jobs = [machine.script("sleep 60") for _ in range(3)]
    for job in jobs:
        machine.submit(job)
    argv = machine.scheduler.queue_argv([job.job for job in jobs], [])
    seen = machine.scheduler.read_queue(TRANSPORT.run(argv, timeout_s=30))
    assert set(seen) == {job.job for job in jobs}


def test_cancel_ends_the_job_and_its_children_and_no_other(machine: Machine) -> None:
    ours = machine.script("sleep 60 & echo $! > child; sleep 60")
    other = machine.script("sleep 60")
    stranger = subprocess.Popen(["sh", "-c", f": {ours.job}; sleep 60"], start_new_session=True)
    ours_id, other_id = machine.submit(ours), machine.submit(other)
    wait_until(lambda: (machine.base / "child").exists() and bool(child(machine)))

    machine.cancel(ours_id, ours.job)

    machine.wait_for(ours.job, JobState.CANCELLED)
    wait_until(lambda: start_ticks(child(machine)) is None)
    assert stranger.poll() is None
    assert machine.wait_for(other.job, JobState.RUNNING).scheduler_id == other_id
    stranger.kill()
    stranger.wait()


def child(machine: Machine) -> int:
    return int((machine.base / "child").read_text() or 0)


def test_a_job_that_ignores_the_signal_is_killed_after_the_grace(machine: Machine) -> None:
    job = machine.script("trap '' TERM; touch ready; while :; do sleep 0.1; done")
    scheduler_id = machine.submit(job)
    wait_until((machine.base / "ready").exists)
    pid = machine.pid(job.job)
    machine.cancel(scheduler_id, job.job)
    machine.wait_for(job.job, JobState.CANCELLED)
    assert start_ticks(pid) is None


@pytest.mark.parametrize("wrong", ["name", "id"])
def test_cancel_does_nothing_unless_id_and_name_agree(machine: Machine, wrong: str) -> None:
    job, other = machine.script("sleep 60"), machine.script("sleep 60")
    job_id, other_id = machine.submit(job), machine.submit(other)
    if wrong == "name":
        machine.cancel(job_id, other.job)
    else:
        machine.cancel(other_id, job.job)
    time.sleep(1)
    for each, scheduler_id in ((job, job_id), (other, other_id)):
        assert machine.wait_for(each.job, JobState.RUNNING).scheduler_id == scheduler_id
        assert start_ticks(machine.pid(each.job)) is not None


def test_a_recycled_process_id_is_not_taken_for_the_job(machine: Machine) -> None:
    job = machine.script("true")
    scheduler_id = machine.submit(job)
    machine.wait_for(job.job, JobState.COMPLETED)
    stranger = subprocess.Popen(["sleep", "60"], start_new_session=True)
    record = machine.base / ".processes" / f"{job.job}.json"
    recycled = record.read_text().replace(
        f'"pid": {machine.pid(job.job)},', f'"pid": {stranger.pid},'
    )
    record.write_text(recycled)
    recycled_id = f"{stranger.pid}-{scheduler_id.partition('-')[2]}"

    assert machine.see(job.job).state is JobState.COMPLETED  # type: ignore[union-attr]
    machine.cancel(recycled_id, job.job)

    time.sleep(0.7)
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_a_job_whose_keeper_was_killed_is_seen_until_it_is_gone(machine: Machine) -> None:
    job = machine.script("sleep 60")
    scheduler_id = machine.submit(job)
    pid = machine.pid(job.job)
    keeper = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(keeper, 9)
    machine.wait_for(job.job, JobState.RUNNING)
    os.killpg(pid, 9)
    sighting = machine.wait_for(job.job, JobState.LOST)
    assert (sighting.scheduler_id, sighting.word) == (scheduler_id, "vanished")


def test_a_job_with_an_unreachable_folder_is_an_unknown_submission(tmp_path: Path) -> None:
    (tmp_path / ".processes").write_text("a file in the way")
    machine = Machine(tmp_path)
    with pytest.raises(SubmitUnknownError, match="processes"):
        machine.submit(machine.script("true"))


@pytest.mark.parametrize(
    "output",
    [
        CommandOutput(0, "", ""),
        CommandOutput(1, "end\n", "Traceback"),
        CommandOutput(0, "a|1-2|running||5\n", ""),
        CommandOutput(0, "a|1-2|running\nend\n", ""),
        CommandOutput(0, "a|1-2|dancing||5\nend\n", ""),
    ],
)
def test_an_answer_that_is_none_is_an_error_and_not_an_empty_queue(output: CommandOutput) -> None:
    scheduler = ProcessScheduler("python3", PurePosixPath("/base"))
    with pytest.raises(SchedulerError):
        scheduler.read_queue(output)


@pytest.mark.parametrize(
    "output",
    [CommandOutput(1, "12-34\n", "x"), CommandOutput(0, "", ""), CommandOutput(0, "12\n", "")],
)
def test_an_id_is_pid_and_start_time_or_it_is_no_id(output: CommandOutput) -> None:
    with pytest.raises(SubmitUnknownError):
        ProcessScheduler("python3", PurePosixPath("/base")).read_submit(output)


def test_the_script_quotes_every_path() -> None:
    scheduler = ProcessScheduler("/opt/my python/bin/python", PurePosixPath("/base"))
    path = PurePosixPath("/base/it's here/job.json")
    text = scheduler.script(JobScript("uuid", path, path, path, path.parent))
    command = text.splitlines()[-1].removeprefix("exec ")
    printed = subprocess.run(
        ["sh", "-c", f"printf '%s\\n' {command}"], capture_output=True, text=True, check=True
    )
    assert printed.stdout.splitlines() == [
        "/opt/my python/bin/python",
        "-m",
        "server_side",
        "watch",
        str(path),
    ]
