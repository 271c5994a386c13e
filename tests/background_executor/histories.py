"""Make scans with a history of decisions, and tell what a store knows of them."""

from dataclasses import replace

from background_executor import queries
from background_executor.commands import Command
from background_executor.decisions import decision_queries
from background_executor.decisions.rules import seen
from background_executor.records import PointRecord, ScanRecord
from background_executor.store import Store
from tests.background_executor.bench import Bench


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
        found.append([(p.folder, p.files, p.size_bytes) for m in moves for p in m.parts])
    return found


def complete(bench: Bench, serial: str = "KQ0146", slot: int = 1) -> ScanRecord:
    scan = bench.start_scan(serial, slot)
    bench.until(lambda: bench.is_complete(scan))
    return scan
