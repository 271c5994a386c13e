"""Whether server, store and audit say what the model of the truth says."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from background_executor import queries
from background_executor.decisions import decision_queries
from background_executor.decisions.decision_records import MoveState
from background_executor.decisions.receipt import Receipt, ReceiptOutcome
from background_executor.records import ScanState
from background_executor.store import Store
from tests.background_executor.bench import Bench
from tests.background_executor.decisions.truth import TrueScan

MANY = 100_000
_STATES = frozenset(f"scan {state}" for state in ScanState)
"""Acts of the audit that say what became of a scan."""


def true_folders(bench: Bench, scans: Sequence[TrueScan]) -> Counter[str]:
    """Return where each take folder must lie, relative to the base folder."""
    places: Counter[str] = Counter()
    for scan in scans:
        layout = bench.site.layout(scan.scan_id)
        for point in scan.points:
            for folder, is_away in point.folders():
                side = "FLAG/" if is_away else "archive/" if scan.state == "archived" else ""
                places[f"{side}{layout.scan_name}/{layout.plan.serial_number}/{folder}"] += 1
    return places


def folders_on_disk(base: Path) -> Counter[str]:
    """Return where take folders lie."""
    found = [*base.glob("*/*/data_*"), *base.glob("*/*/*/data_*")]
    return Counter(str(path.relative_to(base)) for path in found)


def assert_points_agree(store: Store, scan: TrueScan) -> None:
    """Compare every point and every take of a scan with what the store knows of them."""
    decided = {
        (take.point.name, take.take): take.decision.decision.value if take.decision else ""
        for take in decision_queries.takes_of_scan(store, scan.scan_id)
    }
    wanted = {(point.name, t.number): t.decision for point in scan.points for t in point.takes}
    assert decided == wanted
    for point, known in zip(scan.points, queries.points(store, scan.scan_id), strict=True):
        take = point.newest
        decision = known.decision.decision.value if known.decision else ""
        assert known.take == (take.number if take else None)
        assert decision == (take.decision if take else "")
        assert (known.awaits_take is not None) == point.awaits


def assert_events_explain(store: Store, scans: Sequence[TrueScan]) -> None:
    """Tell the decisions and states from the audit alone."""
    decided: dict[tuple[str, str], str] = {}
    states: dict[str, str] = {}
    for event in reversed(queries.events(store, "here", limit=None)):
        kind, _, name = event.subject.partition(" ")
        if kind == "point" and event.act.startswith(("take ", "decision on take ")):
            number = event.act.removeprefix("decision on ").split()[1]
            if not event.act.endswith("seen"):
                decided[name, number] = event.after
        elif kind == "scan" and event.act.removesuffix(" again") in _STATES:
            states[name] = event.after
    for scan in scans:
        assert states.get(scan.scan_id, "running") == scan.state
        for point in scan.points:
            for take in point.takes:
                told = decided.get((f"{scan.scan_id}/{point.name}", str(take.number)), "")
                assert told == take.decision


def assert_receipts_agree(bench: Bench) -> None:
    """Check that there is one receipt for each act that was done, and that it says the same."""
    base = Path(bench.config.site.base_folder)
    # That of an act about takes goes to the archive with its scan.
    found = {path.name: path for path in base.rglob("RECEIPT_*.json")}
    moves = {Path(m.receipt).name: m for m in decision_queries.moves(bench.store, "here", MANY)}
    done = {name for name, move in moves.items() if move.state is MoveState.VERIFIED}
    assert done <= found.keys() <= moves.keys()
    for name, path in found.items():
        receipt, move = Receipt.model_validate_json(path.read_bytes()), moves[name]
        assert (receipt.outcome is ReceiptOutcome.DONE) == (name in done), name
        told = (receipt.act, receipt.scan_id, receipt.source, receipt.target, receipt.operator)
        assert told == (move.act, move.scan_id, move.source, move.target, move.operator)
        if name in done:
            parts = [(part.folder, len(part.files), part.size_bytes) for part in receipt.parts]
            assert sorted(parts) == sorted((p.folder, p.files, p.size_bytes) for p in move.parts)
