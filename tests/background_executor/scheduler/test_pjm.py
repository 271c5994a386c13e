"""PJM's answers as its documents show them; none of this ran on a real PJM site."""

import os
import subprocess
from datetime import timedelta
from pathlib import Path, PurePosixPath

import pytest

from background_executor.config import SubmitSection
from background_executor.errors import SchedulerError, SubmitRefusedError, SubmitUnknownError
from background_executor.records import ENDED_JOB_STATES, WAITING_JOB_STATES, JobState
from background_executor.scheduler import JobScript
from background_executor.scheduler.pjm import STATE_OF_CODE, STATE_OF_WORD, PjmScheduler
from background_executor.transport import CommandOutput

JOB = "8ef33979-85e1-4b17-9f19-3927c2082a2e"
BASE = PurePosixPath("/disk02/pmt")
SCRIPT = JobScript(JOB, BASE / "job.sh", BASE / "job.json", BASE / "log.txt", BASE)
HEADER = "H,JOB_ID,JOB_NAME,ST,PC,REASON,START_DATE,ELAPSE_TIM"


def pjm() -> PjmScheduler:
    submit = SubmitSection(partition="lowe", account="hk", time_limit="2-01:30:00", memory="8G")
    return PjmScheduler(submit, "/opt/pmt/bin/python")


def answer(stdout: str, status: int = 0, stderr: str = "") -> CommandOutput:
    return CommandOutput(status, stdout, stderr)


def row(word: str, code: str = "-", reason: str = "-") -> str:
    return f",238,pmt-{JOB},{word},{code},{reason},2026/11/17 09:01:41,0000:10:00"


def queue(*rows: str) -> CommandOutput:
    return answer("\n".join([HEADER, *rows, HEADER, "pmt-end"]) + "\n")


@pytest.mark.parametrize("word", sorted(STATE_OF_WORD))
def test_every_documented_word_has_its_state(word: str) -> None:
    sighting = pjm().read_queue(queue(row(word)))[JOB]
    assert (sighting.state, sighting.word) == (STATE_OF_WORD[word], word)
    assert sighting.scheduler_id == "238"
    waits = sighting.state in WAITING_JOB_STATES
    assert sighting.run_time == (None if waits else timedelta(minutes=10))
    assert ("expected start 2026/11/17 09:01:41" in sighting.message) is waits


@pytest.mark.parametrize("code", [*STATE_OF_CODE, "16", "28"])
def test_how_a_job_ended_is_told_by_its_code(code: str) -> None:
    sighting = pjm().read_queue(queue(row("EXT", code)))[JOB]
    assert sighting.state is STATE_OF_CODE.get(code, JobState.FAILED)


def test_an_unknown_word_keeps_the_job_alive_and_is_shown() -> None:
    sighting = pjm().read_queue(queue(row("XYZ")))[JOB]
    assert sighting.state not in ENDED_JOB_STATES
    assert "XYZ" in sighting.message


def test_other_jobs_of_the_user_are_passed_over() -> None:
    assert pjm().read_queue(queue(",239,bulk.sh,RUN,-,-,-,-")) == {}


@pytest.mark.parametrize("number", ["²", "9" * 5000, "-1", ""])
def test_what_is_no_number_of_a_job_is_no_job(number: str) -> None:
    assert pjm().read_queue(queue(row("RUN").replace("238", number))) == {}


@pytest.mark.parametrize(
    "output",
    [
        answer("", 1, "[ERR.] PJM 0000 pjstat Internal error."),
        answer(HEADER + "\n"),
        answer(""),
    ],
)
def test_a_failed_query_is_not_an_empty_answer(output: CommandOutput) -> None:
    with pytest.raises(SchedulerError, match="pjstat"):
        pjm().read_queue(output)


def test_the_id_of_a_new_job_is_read() -> None:
    assert pjm().read_submit(answer("[INFO] PJM 0000 pjsub Job 12345 submitted.\n")) == "12345"


def test_no_id_is_no_job_that_is_known() -> None:
    with pytest.raises(SubmitUnknownError):
        pjm().read_submit(answer("", 1, "[ERR.] PJM 0001 pjsub internal error occurred"))
    with pytest.raises(SubmitUnknownError):
        pjm().read_submit(answer("12345\n"))


def test_a_clear_no_is_told_from_no_answer() -> None:
    refusal = "[ERR.] PJM 0056 pjsub The resource group does not exist"
    with pytest.raises(SubmitRefusedError, match="resource group"):
        pjm().read_submit(answer("", 1, refusal))


def test_the_script_asks_in_the_words_of_pjm() -> None:
    lines = pjm().script(SCRIPT).splitlines()
    assert lines[1:7] == [
        "#PJM --norestart",
        "#PJM -L rscgrp=lowe",
        "#PJM -g hk",
        "#PJM -L elapse=49:30:00",
        "#PJM -L node-mem=8Gi",
        "#PJM -L vnode-core=2",
    ]


def test_a_job_of_another_name_is_never_deleted(tmp_path: Path) -> None:
    """The cancel command runs against stand-ins of pjstat and pjdel."""
    (tmp_path / "pjstat").write_text(f"#!/bin/sh\necho {HEADER}\necho ',238,pmt-{JOB}'\n")
    (tmp_path / "pjdel").write_text("#!/bin/sh\necho deleted $1\n")
    for name in ("pjstat", "pjdel"):
        (tmp_path / name).chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}

    def cancel(job: str) -> str:
        argv = pjm().cancel_argv("238", job)
        run = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
        return run.stdout

    assert cancel(JOB) == "deleted 238\n"
    assert cancel(JOB.replace("8", "9")) == ""
