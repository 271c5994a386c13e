"""The executor stepped by hand, with real jobs, files and store."""

import os
import signal
from dataclasses import replace
from datetime import timedelta
from pathlib import Path, PurePosixPath

import pytest

from background_executor import queries
from background_executor.audit import EventFilter
from background_executor.commands import (
    ListAcquisitions,
    ProcessExisting,
    Reset,
    StartHvCheck,
    StartScan,
    StopExecutor,
    StopScan,
    SyncNow,
)
from background_executor.errors import RemoteFileError
from background_executor.jobs.successors import MAX_IN_A_ROW
from background_executor.transport import LocalTransport, RemoteEntry
from server_side.job.process_launcher import JobFiles, read_record
from server_side.journal import EndReason
from server_side.scan import Slot
from tests.background_executor.bench import ENDS_EARLY, HANGS, POINTS, Bench
from tests.background_executor.fake_job import Behaviour

START = StartScan(serial_number="KQ0146", slot=Slot.ONE)


class BlindTransport(LocalTransport):
    """May not list folders for a while."""

    def __init__(self) -> None:
        self.is_blind = False

    def list_tree(self, folder: PurePosixPath, *, depth: int) -> tuple[RemoteEntry, ...]:
        if self.is_blind and self.exists(folder):
            raise RemoteFileError(f"cannot list {folder}: Permission denied")
        return super().list_tree(folder, depth=depth)


def test_a_scan_goes_from_wish_to_stored_points(bench: Bench) -> None:
    scan = bench.start_scan()
    assert len(bench.states(scan)) == 3
    bench.until(lambda: bench.is_complete(scan))
    assert bench.states(scan) == ["stored"] * 3
    bench.assert_each_point_once(scan)
    (job,) = bench.jobs(scan)
    assert (job.state, job.end_reason) == ("completed", EndReason.DONE)
    verdicts = [record.verdict for record in bench.points(scan).values()]
    assert all(verdict is not None for verdict in verdicts)


def test_two_pmts_side_by_side_do_not_mix(bench: Bench) -> None:
    one, two = bench.start_scan("KQ0146", 1), bench.start_scan("KQ0151", 2)
    bench.until(lambda: bench.is_complete(one) and bench.is_complete(two))
    bench.assert_each_point_once(one)
    bench.assert_each_point_once(two)


def test_the_same_wish_twice_is_one_scan(bench: Bench) -> None:
    first = bench.ask(START, key="once")
    again = bench.ask(START, key="once")
    assert first.command_id == again.command_id
    assert len(queries.scans(bench.store, "here")) == 1


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        (START, "runs in slot 1"),
        (StartScan(serial_number="KQ0151", slot=Slot.ONE), "slot 1 is taken"),
        (StartHvCheck(serial_number="KQ0146", slot=Slot.TWO, nominal_v=1800), "cannot stand"),
    ],
)
def test_a_scan_that_would_clash_is_refused_with_the_reason(
    bench: Bench, second: StartScan | StartHvCheck, reason: str
) -> None:
    bench.behave(HANGS)
    bench.start_scan()
    answer = bench.ask(second)
    assert answer.state == "refused"
    assert reason in answer.answer
    assert len(queries.scans(bench.store, "here")) == 1


def test_an_hv_check_has_the_voltages_around_the_nominal_one(bench: Bench) -> None:
    answer = bench.ask(StartHvCheck(serial_number="KQ0146", slot=Slot.ONE, nominal_v=1800))
    assert answer.state == "done"
    (scan,) = queries.scans(bench.store, "here")
    assert [p.name for p in scan.plan.points] == [f"HV_{v}" for v in range(1700, 1950, 50)]
    bench.until(lambda: bench.is_complete(scan))
    bench.assert_each_point_once(scan)


def test_an_hv_check_beyond_what_a_point_may_have_is_refused(bench: Bench) -> None:
    text = bench.settings.read_text() + "hv_steps_v = [3000]\n"
    bench.settings.write_text(text)
    other = Bench(bench.settings)
    answer = other.ask(StartHvCheck(serial_number="KQ0146", slot=Slot.ONE, nominal_v=3000))
    other.close()
    assert (answer.state, "hv_steps_v" in answer.answer) == ("refused", True)


def test_a_failed_point_does_not_hold_up_the_scan(bench: Bench) -> None:
    bench.behave(Behaviour(fail=(POINTS[1],)))
    scan = bench.start_scan()
    bench.until(lambda: bench.is_complete(scan))
    assert bench.states(scan) == ["stored", "failed", "stored"]
    assert bench.points(scan)[POINTS[1]].error == "the file is torn"


def test_a_point_that_no_line_told_of_is_found_by_the_sweep(bench: Bench) -> None:
    bench.behave(Behaviour(silent=(POINTS[1],)))
    scan = bench.start_scan()
    bench.until(lambda: bench.states(scan).count("stored") == 2)
    bench.until(lambda: bench.is_complete(scan), seconds=20)
    bench.assert_each_point_once(scan)


def test_a_job_at_its_time_limit_gets_a_successor(bench: Bench) -> None:
    bench.behave(ENDS_EARLY)
    scan = bench.start_scan()
    bench.until(lambda: bench.is_complete(scan))
    bench.assert_each_point_once(scan)
    jobs = bench.jobs(scan)
    assert len(jobs) == 3
    assert len({job.job for job in jobs}) == 3


def test_successors_that_bring_nothing_end_with_a_question(bench: Bench) -> None:
    bench.behave(replace(ENDS_EARLY, publish=0))
    scan = bench.start_scan()
    bench.until(lambda: "in a row" in bench.scan(scan).message)
    for _ in range(5):
        bench.step(60)
    assert len(bench.jobs(scan)) == 1 + MAX_IN_A_ROW
    assert bench.scan(scan).state == "running"


def test_a_job_that_fails_stops_and_asks_with_the_end_of_its_log(bench: Bench) -> None:
    bench.behave(Behaviour(publish=1, end="exit_1"))
    scan = bench.start_scan()
    bench.until(lambda: "exit status 1" in bench.scan(scan).message)
    (job,) = bench.jobs(scan)
    assert (job.state, job.log_tail) == ("failed", "the last thing that the job printed\n")


def test_success_without_a_last_word_is_not_believed(bench: Bench) -> None:
    bench.behave(Behaviour(publish=1, end="exit_0"))
    scan = bench.start_scan()
    bench.until(lambda: bench.states(scan)[0] == "stored")
    bench.until(lambda: bench.jobs(scan)[-1].state == "lost", seconds=10)
    assert "does not say so" in bench.jobs(scan)[-1].message


def test_a_job_that_somebody_else_told_to_stop_is_followed_by_another(bench: Bench) -> None:
    bench.behave(HANGS)
    scan = bench.start_scan()
    bench.until(lambda: bench.states(scan)[0] == "stored")
    bench.behave(Behaviour())
    first = bench.jobs(scan)[0]
    record = read_record(JobFiles(Path(bench.config.site.base_folder, ".processes"), first.job))
    assert record is not None
    os.kill(record.pid, signal.SIGTERM)
    bench.until(lambda: bench.is_complete(scan), seconds=5)
    bench.assert_each_point_once(scan)
    assert [job.state.value for job in bench.jobs(scan)] == ["completed", "lost"]
    assert "told to stop, not by this executor" in bench.jobs(scan)[1].message


def test_a_job_that_is_believed_lost_and_lives_leaves_the_work_to_its_successor(
    bench: Bench,
) -> None:
    bench.behave(HANGS)
    scan = bench.start_scan()
    bench.until(lambda: bench.states(scan)[0] == "stored")
    bench.behave(Behaviour())
    first = bench.jobs(scan)[0]
    files = JobFiles(Path(bench.config.site.base_folder, ".processes"), first.job)
    files.record.rename(files.record.with_suffix(".away"))  # as a node that is cut off
    journal = Path(bench.layout(scan).journal_file(first.job))
    assert b"job_end" not in journal.read_bytes()
    bench.until(lambda: bench.is_complete(scan), seconds=5)
    bench.until(lambda: b"job_end" in journal.read_bytes())
    bench.assert_each_point_once(scan)
    assert bench.jobs(scan)[0].state == "completed"
    (event,) = queries.events(bench.store, "here", EventFilter(act="job asked to end"))
    assert event.job == first.job


def test_a_lost_job_of_a_scan_that_was_moved_away_makes_no_folder_anew(bench: Bench) -> None:
    bench.behave(replace(HANGS, deaf=True))
    scan = bench.start_scan()
    bench.until(lambda: bench.states(scan)[0] == "stored")
    first = bench.jobs(scan)[0]
    files = JobFiles(Path(bench.config.site.base_folder, ".processes"), first.job)
    away = files.record.with_suffix(".away")
    files.record.rename(away)
    folder = Path(bench.layout(scan).scan_folder)
    folder.rename(folder.with_name("moved"))
    bench.until(lambda: bench.jobs(scan)[-1].state == "lost", seconds=10)
    stopped = list(folder.glob("stop-*"))
    away.rename(files.record)  # so that it is ended with the bench
    assert stopped == []


def test_a_stopped_scan_ends_its_job_and_keeps_its_points(bench: Bench) -> None:
    bench.behave(HANGS)
    scan = bench.start_scan()
    bench.until(lambda: bench.states(scan)[0] == "stored")
    answer = bench.ask(StopScan(scan_id=scan.scan_id, reason="laser off"))
    assert answer.state == "done"
    bench.until(lambda: bench.jobs(scan)[0].state == "completed")
    after = bench.scan(scan)
    assert (after.state, after.message, after.points_stored) == ("stopped", "laser off", 1)
    assert bench.ask(StopScan(scan_id=scan.scan_id)).answer.endswith("already")


def test_a_job_that_does_not_heed_the_stop_file_is_cancelled(bench: Bench) -> None:
    bench.behave(replace(HANGS, deaf=True))
    scan = bench.start_scan()
    bench.until(lambda: bench.states(scan)[0] == "stored")
    bench.ask(StopScan(scan_id=scan.scan_id))
    bench.step(20)
    assert bench.jobs(scan)[0].state == "running"
    bench.until(lambda: bench.jobs(scan)[0].state == "cancelled", seconds=5)
    assert len(bench.jobs(scan)) == 1


def test_a_scan_that_is_not_there_cannot_be_stopped(bench: Bench) -> None:
    answer = bench.ask(StopScan(scan_id="0123456789ab"))
    assert (answer.state, "no scan 0123456789ab" in answer.answer) == ("refused", True)


def test_reset_reads_everything_again_and_changes_nothing(bench: Bench) -> None:
    scan = bench.start_scan()
    bench.until(lambda: bench.is_complete(scan))
    for _ in range(3):  # the end of the job's log is read after the job has ended
        bench.step(70)
    before = (bench.points(scan), bench.jobs(scan), bench.scan(scan))
    assert bench.ask(Reset()).state == "done"
    for _ in range(5):
        bench.step(70)
    assert (bench.points(scan), bench.jobs(scan), bench.scan(scan)) == before
    bench.assert_each_point_once(scan)


def test_sync_now_finds_at_once_what_no_line_told_of(bench: Bench) -> None:
    bench.behave(replace(HANGS, publish=3, silent=POINTS))
    scan = bench.start_scan()
    bench.until(lambda: bench.jobs(scan)[0].state == "running")
    last = Path(bench.layout(scan).results_folder, f"data_{POINTS[2]}")
    bench.until(last.exists, seconds=0.01)
    assert bench.ask(SyncNow()).state == "done"
    assert bench.states(scan) == ["stored"] * 3


def test_stop_executor_ends_it_and_an_old_wish_does_not(bench: Bench) -> None:
    number = bench.store.enqueue("here", StopExecutor(), "tester", "old", bench.now)
    bench.now += timedelta(hours=1)
    bench.restart()
    assert bench.step()
    assert queries.command(bench.store, number).state == "refused"  # type: ignore[union-attr]
    bench.store.enqueue("here", StopExecutor(), "tester", "new", bench.now)
    assert not bench.step()


def test_existing_data_are_listed_and_processed(bench: Bench) -> None:
    raw = Path(bench.config.site.raw_base, "wavedump_output_20260219_120000", "KQ0146")
    for point in POINTS[:2]:
        (raw / f"wavesave_{point}").mkdir(parents=True)
    answer = bench.ask(ListAcquisitions())
    assert answer.state == "done", answer.answer
    (found,) = queries.acquisitions(bench.store, "here")
    assert (found.folder, found.serial_number, found.points) == (raw.parent.name, "KQ0146", 2)

    wish = ProcessExisting(
        serial_number="KQ0146", slot=Slot.ONE, scan_kind="position", acquisition=found.folder
    )
    assert bench.ask(wish).state == "done"
    (scan,) = queries.scans(bench.store, "here")
    bench.until(lambda: bench.is_complete(scan))
    assert [point.name for point in scan.plan.points] == list(POINTS[:2])

    missing = wish.model_copy(update={"acquisition": "wavedump_output_20260101_000000"})
    assert "no acquisition" in bench.ask(missing).answer


def test_every_turn_leaves_a_sign_of_life(bench: Bench) -> None:
    bench.step()
    first = queries.executor(bench.store, "here")
    bench.step()
    second = queries.executor(bench.store, "here")
    assert first is not None
    assert second is not None
    assert second.beat_at > first.beat_at
    assert (second.state, second.link) == ("running", "connected")


def test_a_listing_that_fails_is_no_empty_listing(settings_file: Path) -> None:
    transport = BlindTransport()
    bench = Bench(settings_file, transport=transport)
    try:
        bench.behave(replace(ENDS_EARLY, silent=POINTS))
        transport.is_blind = True
        scan = bench.start_scan()
        bench.until(lambda: bench.jobs(scan)[0].state == "completed")
        for _ in range(3):
            bench.step(70)
        assert len(bench.jobs(scan)) == 1
        executor = queries.executor(bench.store, "here")
        assert executor is not None
        assert "Permission denied" in executor.message
        transport.is_blind = False
        bench.until(lambda: bench.is_complete(scan), seconds=20)
        bench.assert_each_point_once(scan)
    finally:
        bench.close()
