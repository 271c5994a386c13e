"""What becomes of a scan whose job has ended: another job, new data waited for, or a question."""

import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from background_executor import queries
from background_executor.audit import EventFilter
from background_executor.commands import ProcessExisting, ResumeScan, StopScan
from background_executor.jobs.successors import MAX_IN_A_ROW, awaits_operator
from background_executor.records import ScanRecord
from server_side.journal import EndReason
from server_side.scan import Slot
from tests.background_executor.bench import ENDS_EARLY, HANGS, POINTS, Bench
from tests.background_executor.fake_job import Behaviour

FAILS = Behaviour(publish=1, end="exit_1")
IDLES = Behaviour(publish=1, end="last_word", reason=EndReason.IDLE)


def asks(bench: Bench, scan: ScanRecord) -> bool:
    return awaits_operator(bench.scan(scan), bench.jobs(scan))


def resume(bench: Bench, scan: ScanRecord, reason: str = "") -> tuple[str, str]:
    answer = bench.ask(ResumeScan(scan_id=scan.scan_id, reason=reason))
    return answer.state.value, answer.answer


def make_raw_file(bench: Bench, scan: ScanRecord, *, hours_old: float = 0.0) -> Path:
    """Write raw data of a planned point, in an acquisition that begins after the scan."""
    stamp = f"{scan.started_at + timedelta(hours=9, minutes=1):%Y%m%d_%H%M%S}"
    serial = Path(bench.config.site.raw_base, f"wavedump_output_{stamp}", scan.serial_number)
    path = serial / f"wavesave_{POINTS[1]}" / "wave2.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("events")
    written_s = bench.now.timestamp() - 3600 * hours_old
    os.utime(path, (written_s, written_s))
    return path


def test_a_scan_whose_job_failed_goes_on_when_it_is_asked_to(bench: Bench) -> None:
    bench.behave(FAILS)
    scan = bench.start_scan()
    bench.until(lambda: asks(bench, scan))
    bench.behave(Behaviour())
    state, answer = resume(bench, scan, "the node was mended")
    assert (state, "2 points are left" in answer) == ("done", True)
    assert not asks(bench, scan)
    bench.until(lambda: bench.is_complete(scan))
    bench.assert_each_point_once(scan)
    assert [job.state.value for job in bench.jobs(scan)] == ["completed", "failed"]
    (event,) = queries.events(bench.store, "here", EventFilter(act="scan resumed"))
    assert (event.actor, event.reason) == ("tester", "the node was mended")


def test_a_scan_that_has_a_job_or_has_ended_needs_no_other(bench: Bench) -> None:
    bench.behave(HANGS)
    scan = bench.start_scan()
    bench.until(lambda: bench.jobs(scan)[0].state == "running")
    state, answer = resume(bench, scan)
    assert (state, "is running" in answer) == ("refused", True)
    bench.ask(StopScan(scan_id=scan.scan_id))
    state, answer = resume(bench, scan)
    assert (state, "is stopped" in answer) == ("refused", True)
    assert len(bench.jobs(scan)) == 1
    assert "no scan 0123456789ab" in bench.ask(ResumeScan(scan_id="0123456789ab")).answer


def test_the_successors_are_counted_anew_when_the_operator_goes_on(bench: Bench) -> None:
    bench.behave(replace(ENDS_EARLY, publish=0))
    scan = bench.start_scan()
    bench.until(lambda: asks(bench, scan))
    assert len(bench.jobs(scan)) == 1 + MAX_IN_A_ROW
    assert resume(bench, scan)[0] == "done"
    bench.until(lambda: asks(bench, scan))
    assert len(bench.jobs(scan)) == 2 * (1 + MAX_IN_A_ROW)


def test_an_idle_scan_gets_another_job_when_there_are_new_data(bench: Bench) -> None:
    bench.behave(IDLES)
    scan = bench.start_scan()
    bench.until(lambda: "as soon as there are new raw data" in bench.scan(scan).message)
    make_raw_file(bench, scan, hours_old=5)
    for _ in range(3):
        bench.step(70)
    assert len(bench.jobs(scan)) == 1
    bench.behave(Behaviour())
    make_raw_file(bench, scan)
    bench.until(lambda: bench.is_complete(scan), seconds=20)
    bench.assert_each_point_once(scan)
    assert len(bench.jobs(scan)) == 2


def test_an_idle_scan_sees_new_data_with_old_times(bench: Bench) -> None:
    bench.behave(IDLES)
    scan = bench.start_scan()
    bench.until(lambda: asks(bench, scan))
    bench.step(70)
    bench.behave(Behaviour())
    make_raw_file(bench, scan, hours_old=5)
    bench.until(lambda: bench.is_complete(scan), seconds=20)
    assert len(bench.jobs(scan)) == 2


@pytest.mark.parametrize("stranger", ["other point", "other PMT", "older acquisition"])
def test_an_idle_scan_is_not_woken_by_data_of_others(bench: Bench, stranger: str) -> None:
    bench.behave(IDLES)
    scan = bench.start_scan()
    bench.until(lambda: asks(bench, scan))
    path = make_raw_file(bench, scan)
    folder, serial = path.parent, path.parent.parent
    match stranger:
        case "other point":
            folder.rename(serial / "wavesave_theta80_phi0")
        case "other PMT":
            serial.rename(serial.with_name("KQ0999"))
        case _:
            serial.parent.rename(serial.parent.with_name("wavedump_output_20200101_000000"))
    for _ in range(3):
        bench.step(70)
    assert len(bench.jobs(scan)) == 1


def test_a_raw_folder_that_was_tidied_away_keeps_no_other_scan_from_its_new_data(
    bench: Bench,
) -> None:
    bench.behave(IDLES)
    old = Path(bench.config.site.raw_base, "wavedump_output_20260101_120000")
    for name in POINTS:
        path = old / "KQ0001" / f"wavesave_{name}" / "wave2.txt"
        path.parent.mkdir(parents=True)
        path.write_text("events")
        os.utime(path, (bench.now.timestamp() - 90_000,) * 2)
    scan = bench.start_scan("KQ0146", 2)
    existing = ProcessExisting(
        serial_number="KQ0001", slot=Slot.ONE, scan_kind="position", acquisition=old.name
    )
    assert bench.ask(existing).state == "done"
    tidied = queries.scans(bench.store, "here")[0]
    bench.until(lambda: asks(bench, scan) and asks(bench, tidied))
    bench.step(70)
    old.rename(old.with_name("gone"))
    bench.behave(Behaviour())
    make_raw_file(bench, scan)
    bench.until(lambda: bench.is_complete(scan), seconds=20)
    assert len(bench.jobs(tidied)) == 1
    said = queries.executor(bench.store, "here")
    assert said is not None
    assert old.name in said.message


def test_a_scan_is_not_complete_while_a_successor_may_try_a_failed_point_again(
    bench: Bench,
) -> None:
    bench.behave(replace(ENDS_EARLY, fail=(POINTS[0],)))
    scan = bench.start_scan()
    bench.until(lambda: bench.states(scan)[0] == "failed")
    bench.behave(replace(HANGS, publish=2, backwards=True))
    bench.until(lambda: bench.states(scan) == ["failed", "stored", "stored"])
    for _ in range(3):
        bench.step()
    assert bench.scan(scan).state == "running"
    bench.behave(Behaviour())
    Path(bench.layout(scan).stop_file(bench.jobs(scan)[0].job)).touch()
    bench.until(lambda: bench.is_complete(scan), seconds=5)
