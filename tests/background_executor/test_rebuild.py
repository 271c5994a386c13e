"""A store that is lost is made again from the server, with the same scans, points and decisions."""

import contextlib
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from background_executor import queries
from background_executor.acts import do_next_command
from background_executor.cli import main
from background_executor.commands import StopScan
from background_executor.config import load_config
from background_executor.decisions import decision_queries
from background_executor.decisions.decision_commands import (
    AcceptTakes,
    AcknowledgeTakes,
    ArchiveScan,
    FlagTakes,
    KeepAside,
    NoLongerAside,
    RestoreScan,
    RetakeTakes,
    UnflagTakes,
    WithdrawDecisions,
)
from background_executor.records import ScanRecord, ScanState
from background_executor.store import Store
from tests.background_executor.bench import ENDS_EARLY, HANGS, Bench
from tests.background_executor.decisions.shift import Shift
from tests.background_executor.fake_job import Behaviour
from tests.background_executor.histories import archive, ask, complete, decide, everything
from tests.seed_results import Fate

FAILS_LAST = Behaviour(fail=("theta10_phi90",))


@pytest.fixture
def shift(bench: Bench) -> Shift:
    return Shift(bench)


@pytest.fixture
def begun(shift: Shift) -> ScanRecord:
    """Return a scan with one healthy point, whose plan is on the server."""
    scan = shift.new_scan()
    shift.measure(scan, scan.plan.points[0])
    write_plan(shift.bench, scan)
    return scan


@contextlib.contextmanager
def rebuilt(bench: Bench) -> Iterator[Store]:
    """Lose everything on this machine, and make it again as a user would."""
    bench.executor.end(bench.now, "lost")
    bench.store.close()
    state = bench.config.site.state_dir
    shutil.move(state, state.with_name("lost"))
    assert main(["rebuild", "--settings", str(bench.settings), "--operator", "night shift"]) == 0
    store = load_config(bench.settings).open_store()
    try:
        yield store
    finally:
        store.close()


def test_scans_points_and_decisions_come_back_as_they_were(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.behave(FAILS_LAST)
    scan = complete(bench)
    decide(bench, FlagTakes, scan, "theta0_phi0", reason="noise", comment="\u202e<b>$(rm -rf /)")
    decide(bench, AcceptTakes, scan, "theta10_phi0", reason="known dip")
    decide(bench, AcknowledgeTakes, scan, "theta10_phi90", reason="laser was off")
    bench.behave(Behaviour())
    other = complete(bench, "KQ0151", 2)
    decide(bench, FlagTakes, other, "theta0_phi0", "theta10_phi0", reason="low gain")
    decide(bench, UnflagTakes, other, "theta10_phi0", reason="it was the other PMT")
    before = everything(bench.store)
    with rebuilt(bench) as store:
        assert everything(store) == before
        assert "2 scans, 5 results and 5 receipts" in capsys.readouterr().out
        for record in queries.results_of_point(store, scan.scan_id, scan.plan.points[0]):
            assert record.folder.is_dir()
        (event,) = [e for e in queries.events(store, "here") if e.act == "store rebuilt"]
        assert event.actor == "night shift"


def test_an_archived_and_a_restored_scan_are_found_where_they_lie(bench: Bench) -> None:
    scan, other = complete(bench), complete(bench, "KQ0151", 2)
    for each in (scan, other):
        names = [point.name for point in each.plan.points]
        decide(bench, FlagTakes, each, names[0], reason="noise")
        decide(bench, AcceptTakes, each, *names[1:], reason="dark on purpose")
        archive(bench, ArchiveScan, each)
    archive(bench, RestoreScan, other)
    assert bench.scan(scan).state is ScanState.ARCHIVED
    before = everything(bench.store)
    with rebuilt(bench) as store:
        assert everything(store) == before


def test_a_scan_that_is_no_longer_kept_aside_is_in_the_way_of_the_next_again(bench: Bench) -> None:
    scan = complete(bench)
    shift = Shift(bench)
    for kind in (KeepAside, NoLongerAside):
        seen = shift.seen_scan(scan)
        ask(bench, kind(scan_id=scan.scan_id, seen=seen, reason="the wrong scan"))
    before = everything(bench.store)
    with rebuilt(bench) as store:
        found = queries.scan(store, scan.scan_id)
        assert found is not None
        assert not found.is_kept_aside
        assert everything(store) == before


def test_a_stopped_scan_stays_stopped_with_who_and_why(bench: Bench) -> None:
    bench.behave(HANGS)
    scan = bench.start_scan()
    bench.until(lambda: "stored" in bench.states(scan))
    ask(bench, StopScan(scan_id=scan.scan_id, reason="laser off"))
    bench.until(lambda: all(job.ended_at for job in bench.jobs(scan)))
    bench.step()
    before, stopped_at = everything(bench.store), bench.scan(scan).ended_at
    with rebuilt(bench) as store:
        found = queries.scan(store, scan.scan_id)
        assert found is not None
        assert (found.state, found.message) == (ScanState.STOPPED, "laser off")
        assert found.ended_at == stopped_at
        assert everything(store) == before
        actors = {e.actor for e in queries.events(store, "here") if e.act == "scan stopped"}
        assert actors == {"tester"}


def test_a_scan_in_the_middle_goes_on_after_the_rebuild(bench: Bench) -> None:
    bench.behave(ENDS_EARLY)
    scan = bench.start_scan()
    bench.until(lambda: bench.states(scan).count("stored") == 1)
    with rebuilt(bench):
        pass
    again = Bench(bench.settings)
    try:
        again.behave(Behaviour())
        again.until(lambda: again.is_complete(scan))
        again.assert_each_point_once(scan)
    finally:
        again.close()


def test_a_retake_that_was_asked_for_is_still_waited_for(bench: Bench) -> None:
    scan = complete(bench)
    decide(bench, FlagTakes, scan, "theta0_phi0", reason="noise")
    bench.behave(HANGS)
    decide(bench, RetakeTakes, scan, "theta0_phi0")
    before = everything(bench.store)
    with rebuilt(bench) as store:
        point = next(iter(queries.points(store, scan.scan_id)))
        assert (point.state, point.awaits_take) == ("expected", 2)
        assert everything(store) == before


def test_a_retake_that_was_taken_back_takes_no_decision_back(bench: Bench, shift: Shift) -> None:
    scan = shift.complete_scan(Fate.POOR, Fate.POOR)
    write_plan(bench, scan)
    names = [point.name for point in scan.plan.points[:2]]
    shift.accept(scan, *names)
    shift.done(RetakeTakes(scan_id=scan.scan_id, takes=shift.seen(scan, *names)))
    shift.done(WithdrawDecisions(scan_id=scan.scan_id, takes=shift.seen(scan, *names)))
    before = decisions_in(bench.store, scan)
    assert [take for take, _, _ in before] == [1, 1]
    with rebuilt(bench) as store:
        assert decisions_in(store, scan) == before


def write_plan(bench: Bench, scan: ScanRecord) -> None:
    """Put the plan on the server, where the first job would have."""
    plan_file = Path(bench.layout(scan).plan_file)
    plan_file.write_text(bench.site.plan(scan.scan_id).model_dump_json())


def test_what_a_flag_had_covered_and_what_followed_it_are_the_same_again(
    bench: Bench, shift: Shift
) -> None:
    scan = shift.complete_scan(Fate.POOR, Fate.POOR, Fate.POOR)
    write_plan(bench, scan)
    first, second, third = (point.name for point in scan.plan.points)
    shift.accept(scan)
    shift.flag(scan, first, second, third)
    for point in scan.plan.points[:2]:
        shift.publish(scan, point, Fate.POOR, take=1)
    for _ in range(4):
        bench.step()
    assert len(list(shift.flagged_folder(scan).glob("data_*"))) == 5
    shift.done(UnflagTakes(scan_id=scan.scan_id, takes=shift.seen(scan, second, third)))
    before = everything(bench.store)
    assert [shift.decision(scan, name) for name in (first, second, third)] == [
        "flagged",
        "accepted",
        "accepted",
    ]
    with rebuilt(bench) as store:
        assert everything(store) == before


@pytest.mark.parametrize("last_points", ["never", "before", "after"])
def test_a_stopped_scan_that_was_restored_is_stopped_whenever_its_last_points_came(
    bench: Bench, shift: Shift, begun: ScanRecord, last_points: str
) -> None:
    shift.done(StopScan(scan_id=begun.scan_id, reason="laser off"))
    ended_at = bench.scan(begun).ended_at
    if last_points == "before":
        measure_the_rest(shift, begun)
    archive(bench, ArchiveScan, begun, reason="end of shift")
    archive(bench, RestoreScan, begun, reason="to be looked at")
    if last_points == "after":
        measure_the_rest(shift, begun)
    before = everything(bench.store)
    with rebuilt(bench) as store:
        assert everything(store) == before
        assert_stopped_by_laser(store, begun, ended_at)


def test_a_stopped_scan_whose_last_points_came_after_the_stop_stays_stopped(
    bench: Bench, shift: Shift, begun: ScanRecord
) -> None:
    shift.done(StopScan(scan_id=begun.scan_id, reason="laser off"))
    ended_at = bench.scan(begun).ended_at
    measure_the_rest(shift, begun)
    before = everything(bench.store)
    with rebuilt(bench) as store:
        assert everything(store) == before
        assert_stopped_by_laser(store, begun, ended_at)


def test_a_retake_that_was_taken_back_twice_leaves_a_stopped_scan_its_end(
    bench: Bench, shift: Shift, begun: ScanRecord
) -> None:
    shift.done(StopScan(scan_id=begun.scan_id, reason="laser off"))
    ended_at, name = bench.scan(begun).ended_at, begun.plan.points[0].name
    for _ in range(2):
        shift.done(RetakeTakes(scan_id=begun.scan_id, takes=shift.seen(begun, name)))
        takes = shift.seen(begun, name)
        shift.done(WithdrawDecisions(scan_id=begun.scan_id, takes=takes, reason="too early"))
    before = everything(bench.store)
    with rebuilt(bench) as store:
        assert everything(store) == before
        assert_stopped_by_laser(store, begun, ended_at)


def measure_the_rest(shift: Shift, scan: ScanRecord) -> None:
    for point in scan.plan.points[1:]:
        shift.measure(scan, point)


def assert_stopped_by_laser(store: Store, scan: ScanRecord, ended_at: datetime | None) -> None:
    found = queries.scan(store, scan.scan_id)
    assert found is not None
    assert (found.state, found.message) == (ScanState.STOPPED, "laser off")
    assert found.ended_at == ended_at


def test_a_scan_that_was_archived_right_after_it_was_stopped_says_why_it_was_stopped(
    bench: Bench, begun: ScanRecord
) -> None:
    wish = StopScan(scan_id=begun.scan_id, reason="laser off")
    bench.store.enqueue("here", wish, "tester", "stop", bench.now)
    do_next_command(bench.site, bench.now, bench.now)
    archive(bench, ArchiveScan, begun, reason="end of shift")
    before = everything(bench.store)
    with rebuilt(bench) as store:
        assert everything(store) == before
        found = queries.scan(store, begun.scan_id)
        assert found is not None
        assert (found.state, found.message) == (ScanState.ARCHIVED, "laser off")


def decisions_in(store: Store, scan: ScanRecord) -> list[tuple[int, str, str]]:
    steps = [
        step
        for point in scan.plan.points
        for step in decision_queries.decisions_of_point(store, scan.scan_id, point)
    ]
    return [(step.take, str(step.decision), step.reason) for step in steps]


def test_a_store_that_holds_a_scan_is_left_alone(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    complete(bench)
    before = everything(bench.store)
    assert main(["rebuild", "--settings", str(bench.settings)]) == 1
    assert "Move" in capsys.readouterr().err
    assert everything(bench.store) == before


def test_what_is_not_ours_or_cannot_be_read_is_said_and_left(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    scan = complete(bench)
    base = Path(bench.config.site.base_folder)
    folder = base / bench.layout(scan).scan_name
    shutil.copytree(folder, base / "scan_output_copy_by_hand")
    foreign = base / "scan_output_20260101_000000_0123456789ab"
    foreign.mkdir()
    text = (folder / "plan.json").read_text()
    (foreign / "plan.json").write_text(text.replace('"here"', '"elsewhere"'))
    broken = base / "scan_output_20260101_000000_0123456789cd"
    broken.mkdir()
    (broken / "plan.json").write_text("{")
    large = base / "scan_output_20260101_000000_0123456789ef"
    large.mkdir()
    with (large / "plan.json").open("wb") as file:
        file.truncate(1 << 36)
    (folder / scan.serial_number / "RECEIPT_flag_20260101_000000_00000000.json").write_text("{}")
    (folder / f"journal-{'0' * 8}-0000-0000-0000-{'0' * 12}.jsonl").write_text("no line\n")
    with rebuilt(bench) as store:
        assert [found.scan_id for found in queries.scans(store, "here")] == [scan.scan_id]
        assert len(queries.jobs(store, scan.scan_id)) == 1
    said = capsys.readouterr().out
    for words in (
        "is a copy",
        "belongs to site elsewhere",
        "plan.json cannot be read",
        "RECEIPT",
        "larger",
    ):
        assert words in said
