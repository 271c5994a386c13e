"""A store that is lost is made again from the server, with the same scans, points and decisions."""

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from background_executor import decision_queries, queries
from background_executor.cli import main
from background_executor.commands import Command, StopScan
from background_executor.config import load_config
from background_executor.decision_commands import (
    AcceptTakes,
    AcknowledgeTakes,
    ArchiveScan,
    FlagTakes,
    RestoreScan,
    RetakeTakes,
    UnflagTakes,
)
from background_executor.decisions.rules import seen
from background_executor.records import PointRecord, ScanRecord, ScanState
from background_executor.store import Store
from tests.background_executor.bench import ENDS_EARLY, HANGS, Bench
from tests.background_executor.fake_job import Behaviour

FAILS_LAST = Behaviour(fail=("theta10_phi90",))


def ask(bench: Bench, command: Command) -> None:
    """Ask for something and wait until the act that it may need is over."""
    number = bench.ask(command).command_id
    bench.until(lambda: (found := queries.command(bench.store, number)) and found.answered_at)
    answered = queries.command(bench.store, number)
    assert answered is not None
    assert answered.state == "done", answered.answer


def decide(bench: Bench, kind: type, scan: ScanRecord, *names: str, **words: str) -> None:
    points = bench.points(scan)
    takes = tuple(view for name in names if (view := seen(points[name])) is not None)
    ask(bench, kind(scan_id=scan.scan_id, takes=takes, **words))


def archive(bench: Bench, kind: type, scan: ScanRecord, **words: object) -> None:
    view = decision_queries.seen_scan(bench.store, scan.scan_id)
    ask(bench, kind(scan_id=scan.scan_id, seen=view, **words))


def what_a_scan_is(scan: ScanRecord) -> ScanRecord:
    """Leave out when this store heard of it."""
    return replace(scan, updated_at=scan.started_at, ended_at=None, seconds_left=None)


def what_a_point_is(point: PointRecord) -> tuple[object, ...]:
    """Leave out numbers of rows and when this store heard of it."""
    decision = point.decision and replace(point.decision, decision_id=0)
    verdict = point.verdict and (point.verdict.verdict, point.verdict.summary)
    known = (point.point, point.state, point.takes, point.take, point.revision, point.awaits_take)
    return (*known, point.gain, point.gain_missing, verdict, decision, point.error, point.tries)


def everything(store: Store) -> list[object]:
    """Return scans, points, the history of decisions, and what lies where."""
    scans = queries.scans(store, "here")
    found: list[object] = []
    for scan in scans:
        points = queries.points(store, scan.scan_id)
        found.append((what_a_scan_is(scan), [what_a_point_is(point) for point in points]))
        for point in points:
            history = decision_queries.decisions_of_point(store, scan.scan_id, point.point)
            results = queries.results_of_point(store, scan.scan_id, point.point)
            found.append([replace(step, decision_id=0) for step in history])
            found.append([(r.result, r.manifest_sha256) for r in results])
        moves = decision_queries.moves_of_scan(store, scan.scan_id)
        found.append([(m.act, m.source, m.target, m.takes, m.operator) for m in moves])
    return found


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


def complete(bench: Bench, serial: str = "KQ0146", slot: int = 1) -> ScanRecord:
    scan = bench.start_scan(serial, slot)
    bench.until(lambda: bench.is_complete(scan))
    return scan


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
    (folder / scan.serial_number / "RECEIPT_flag_20260101_000000_00000000.json").write_text("{}")
    (folder / f"journal-{'0' * 8}-0000-0000-0000-{'0' * 12}.jsonl").write_text("no line\n")
    with rebuilt(bench) as store:
        assert [found.scan_id for found in queries.scans(store, "here")] == [scan.scan_id]
        assert len(queries.jobs(store, scan.scan_id)) == 1
    said = capsys.readouterr().out
    for words in ("is a copy", "belongs to site elsewhere", "plan.json cannot be read", "RECEIPT"):
        assert words in said
