"""One job for each intent, whatever is lost on the way to the scheduler and back."""

import os
import signal
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path, PurePosixPath

import pytest

from background_executor import queries
from background_executor.audit import EventFilter
from background_executor.commands import StopScan
from background_executor.errors import RemoteFileError, UnreachableError
from background_executor.jobs.job_queue import MAX_SUBMISSIONS
from background_executor.records import ENDED_JOB_STATES, ScanRecord
from background_executor.scheduler.process import LAUNCHER
from background_executor.transport import CommandOutput, LocalTransport
from server_side.job.process_launcher import JobFiles, read_record
from tests.background_executor.bench import HANGS, Bench


class LossyTransport(LocalTransport):
    """Loses launcher commands on their way there, or their answers on the way back."""

    def __init__(self) -> None:
        self.lost_requests: set[str] = set()
        self.lost_answers: set[str] = set()
        self.errors: set[str] = set()
        """Acts that are done and answered with an error all the same."""
        self.asked: list[str] = []
        self.is_full = False
        """Nothing can be written."""

    def connect(self) -> None:
        if "connect" in self.lost_requests:
            raise UnreachableError("the line is dead")

    def write(self, path: PurePosixPath, content: bytes) -> None:
        if self.is_full:
            raise RemoteFileError(f"cannot write {path}: No space left on device")
        super().write(path, content)

    def run(
        self, argv: Sequence[str], *, timeout_s: float, stdin: bytes | None = None
    ) -> CommandOutput:
        act = argv[3] if LAUNCHER in argv else argv[0]
        self.asked.append(act)
        if act in self.lost_requests:
            raise UnreachableError("the line is dead")
        output = super().run(argv, timeout_s=timeout_s, stdin=stdin)
        if act in self.lost_answers:
            raise UnreachableError("the line went dead")
        if act in self.errors:
            return CommandOutput(1, "", "Socket timed out on send/recv operation")
        return output


@pytest.fixture
def transport() -> LossyTransport:
    return LossyTransport()


@pytest.fixture
def bench(settings_file: Path, transport: LossyTransport) -> Iterator[Bench]:
    bench = Bench(settings_file, transport=transport)
    bench.behave(replace(HANGS, publish=3))
    yield bench
    bench.close()


def claims(bench: Bench, scan: ScanRecord) -> int:
    return len(list(Path(bench.layout(scan).scan_folder).glob("claim-*")))


def processes(bench: Bench) -> int:
    return len(list(Path(bench.config.site.base_folder, ".processes").glob("*.json")))


def assert_one_job_and_each_point_once(bench: Bench, scan: ScanRecord) -> None:
    bench.until(lambda: bench.is_complete(scan), seconds=5)
    bench.assert_each_point_once(scan)
    assert (len(bench.jobs(scan)), claims(bench, scan), processes(bench)) == (1, 1, 1)


def test_an_answer_that_is_lost_does_not_make_a_second_job(
    bench: Bench, transport: LossyTransport
) -> None:
    transport.lost_answers.add("submit")
    scan = bench.start_scan()
    assert bench.jobs(scan)[0].state == "submit_unknown"
    assert_one_job_and_each_point_once(bench, scan)
    assert transport.asked.count("submit") == 1
    assert bench.jobs(scan)[0].scheduler_id is not None


def test_an_error_though_the_job_was_made_does_not_make_a_second_one(
    bench: Bench, transport: LossyTransport
) -> None:
    transport.errors.add("submit")
    scan = bench.start_scan()
    unknown = EventFilter(act="job submit_unknown")
    (event,) = queries.events(bench.store, "here", unknown)
    assert "timed out" in event.reason
    assert_one_job_and_each_point_once(bench, scan)
    assert transport.asked.count("submit") == 1


def test_a_request_that_was_lost_is_made_again_once_that_is_sure(
    bench: Bench, transport: LossyTransport
) -> None:
    transport.lost_requests.add("submit")
    scan = bench.start_scan()
    assert bench.jobs(scan)[0].state == "submit_unknown"
    transport.lost_requests.clear()
    bench.step(2)
    bench.step(2)
    assert transport.asked.count("submit") == 1
    assert_one_job_and_each_point_once(bench, scan)
    assert transport.asked.count("submit") == 2


def test_nothing_is_submitted_while_the_queue_gives_no_answer(
    bench: Bench, transport: LossyTransport
) -> None:
    transport.lost_requests |= {"submit", "queue"}
    scan = bench.start_scan()
    transport.lost_requests.remove("submit")
    for _ in range(20):
        bench.step(60)
    assert transport.asked.count("submit") == 1
    transport.lost_requests.clear()
    assert_one_job_and_each_point_once(bench, scan)


def test_a_queue_that_answers_with_an_error_is_no_empty_queue(
    bench: Bench, transport: LossyTransport
) -> None:
    bench.behave(replace(HANGS, publish=3, pace_s=2.0))
    scan = bench.start_scan()
    bench.until(lambda: bench.jobs(scan)[0].state == "running")
    transport.errors.add("queue")
    for _ in range(2):
        bench.step(60)
    executor = queries.executor(bench.store, "here")
    assert executor is not None
    assert "Socket timed out" in executor.message
    assert len(bench.jobs(scan)) == 1
    transport.errors.clear()
    assert_one_job_and_each_point_once(bench, scan)


def test_a_job_that_is_never_made_is_asked_for_a_few_times_and_then_said_to_have_failed(
    bench: Bench, transport: LossyTransport
) -> None:
    transport.lost_requests.add("submit")
    scan = bench.start_scan()
    bench.until(lambda: bench.jobs(scan)[0].state == "failed", seconds=20)
    assert transport.asked.count("submit") == MAX_SUBMISSIONS
    assert bench.scan(scan).state == "running"
    bench.step()
    assert "never made" in bench.scan(scan).message


def test_a_scan_that_is_stopped_before_its_job_was_made_leaves_no_job(
    bench: Bench, transport: LossyTransport
) -> None:
    transport.lost_requests.add("submit")
    scan = bench.start_scan()
    bench.ask(StopScan(scan_id=scan.scan_id))
    transport.lost_requests.clear()
    bench.until(lambda: bench.jobs(scan)[0].state == "cancelled", seconds=10)
    assert processes(bench) == 0


def test_an_intent_whose_scan_is_stopped_while_the_line_is_dead_is_never_asked_for(
    bench: Bench, transport: LossyTransport
) -> None:
    transport.lost_requests.add("connect")
    scan = bench.start_scan()
    assert bench.jobs(scan)[0].state == "intent"
    bench.ask(StopScan(scan_id=scan.scan_id))
    transport.lost_requests.clear()
    bench.step()
    (job,) = bench.jobs(scan)
    assert (job.state, job.message) == (
        "cancelled",
        "its scan was stopped before it was asked for",
    )
    assert "submit" not in transport.asked


def test_jobs_end_though_the_disk_is_too_full_for_their_stop_files(
    bench: Bench, transport: LossyTransport
) -> None:
    bench.behave(replace(HANGS, waits_after=1))
    scans = [bench.start_scan("KQ0146", 1), bench.start_scan("KQ0151", 2)]
    bench.until(lambda: all(bench.states(scan)[0] == "stored" for scan in scans))
    transport.is_full = True
    for scan in scans:
        bench.ask(StopScan(scan_id=scan.scan_id))
    executor = queries.executor(bench.store, "here")
    assert executor is not None
    assert "No space left" in executor.message
    bench.until(lambda: all(bench.jobs(scan)[0].ended_at for scan in scans), seconds=5)
    assert transport.asked.count("cancel") >= 2


def test_a_dead_line_is_said_and_nothing_is_lost(bench: Bench, transport: LossyTransport) -> None:
    scan = bench.start_scan()
    transport.lost_requests |= {"queue", "submit", "cancel", "tail"}
    bench.step(30)
    executor = queries.executor(bench.store, "here")
    assert executor is not None
    assert (executor.link, executor.link_message) == ("disconnected", "the line is dead")
    assert executor.synced_at is not None
    assert executor.beat_at - executor.synced_at >= timedelta(seconds=30)
    transport.lost_requests.clear()
    assert_one_job_and_each_point_once(bench, scan)


def test_a_job_that_was_killed_ends_with_a_question(bench: Bench) -> None:
    bench.behave(replace(HANGS, publish=1, end="killed"))
    scan = bench.start_scan()
    bench.until(lambda: "signal 9" in bench.scan(scan).message)
    assert bench.states(scan)[0] == "stored"


def test_a_job_that_cannot_be_asked_for_again_hides_no_other(
    bench: Bench, transport: LossyTransport
) -> None:
    def said() -> str:
        executor = queries.executor(bench.store, "here")
        return "" if executor is None else executor.message

    transport.lost_requests.add("submit")
    scan = bench.start_scan()
    transport.lost_requests.clear()
    bench.behave(replace(HANGS, publish=1))
    other = bench.start_scan("KQ0147", 2)
    bench.until(lambda: bench.states(other)[0] == "stored")
    transport.is_full = True
    bench.until(lambda: "No space left" in said(), seconds=25)
    for _ in range(3):  # its patience begins anew
        bench.step(25)
    assert said() == ""
    files = JobFiles(Path(bench.config.site.base_folder, ".processes"), bench.jobs(other)[0].job)
    record = read_record(files)
    assert record is not None
    os.kill(record.pid, signal.SIGKILL)
    while not files.end.exists():
        pass
    bench.step(25)
    assert "No space left" in said()
    assert bench.jobs(other)[0].state in ENDED_JOB_STATES
    assert bench.jobs(scan)[0].state == "submit_unknown"
