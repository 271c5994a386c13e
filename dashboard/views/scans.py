"""One scan as a whole: what became of its points, and what people did with it."""

from dataclasses import dataclass

from background_executor.decisions.decision_commands import (
    ArchiveScan,
    KeepAside,
    NoLongerAside,
    RestoreScan,
)
from background_executor.decisions.decision_queries import CleanUpRecord
from background_executor.decisions.decision_records import MoveRecord, MoveState
from background_executor.decisions.refusals import why_not_scan
from background_executor.decisions.rules import unsettled_points
from background_executor.imported import Provenance
from background_executor.records import PointRecord, ScanRecord, ScanState
from dashboard.theme import LOOKS, MOVE_LOOKS, Look, face_of
from dashboard.views.wording import (
    NO_NUMBER,
    count,
    file_size,
    gain_with_error,
    local_time,
    point_label,
)
from server_side.scan import ScanKind

Cell = str | Look


@dataclass(frozen=True)
class ScanOffers:
    """What a scan is open to."""

    may_archive: bool
    may_keep_aside: bool
    may_end_aside: bool
    """It is kept aside, and may be in the way of the next one again."""
    may_restore: bool
    may_judge: bool
    """Again, by the limits of now."""
    may_be_reference: bool


def scan_offers(scan: ScanRecord) -> ScanOffers:
    """Return what may be asked for a scan; nothing for an imported one."""
    is_ours = scan.provenance is Provenance.MEASURED
    return ScanOffers(
        may_archive=not why_not_scan(ArchiveScan, scan),
        may_keep_aside=not why_not_scan(KeepAside, scan),
        may_end_aside=not why_not_scan(NoLongerAside, scan),
        may_restore=not why_not_scan(RestoreScan, scan),
        may_judge=is_ours and scan.points_stored > 0,
        may_be_reference=is_ours
        and scan.kind is ScanKind.POSITION
        and scan.state is ScanState.COMPLETE,
    )


def show_points(points: tuple[PointRecord, ...]) -> tuple[tuple[Cell, ...], ...]:
    """Show the points of a scan: state, gain, takes, decision, and what is left to do."""
    left = {each.point.point.name: each.why for each in unsettled_points(points)}
    return tuple(
        (
            point_label(point.point),
            LOOKS[face_of(point)],
            gain_with_error(point.gain.gain, point.gain.gain_err) if point.gain else NO_NUMBER,
            f"{point.take} of {point.takes}" if point.take else NO_NUMBER,
            _decision(point),
            left.get(point.point.name, "settled"),
        )
        for point in points
    )


def show_move(move: MoveRecord, zone: str) -> tuple[Cell, ...]:
    """Show an act on the server: state, what, who, when, from, to, receipt."""
    what = ", ".join(f"{point_label(t.point)} take {t.take}" for t in move.takes) or "whole scan"
    moved = f"{move.source} → {move.target}" if move.parts else "nothing moved"
    files = sum(part.files for part in move.parts)
    if files:
        size = file_size(sum(part.size_bytes for part in move.parts))
        moved += f" ({count(files, 'file', 'files')}, {size})"
    why = " — ".join(text for text in (move.reason, move.comment) if text)
    return (
        MOVE_LOOKS[move.state],
        f"{move.act.value.replace('_', ' ')}: {what}",
        why,
        move.operator,
        local_time(move.finished_at or move.intended_at, zone),
        moved,
        move.receipt if move.state is not MoveState.ROLLED_BACK else move.message,
    )


def show_clean_up(record: CleanUpRecord, zone: str) -> tuple[str, ...]:
    """Show a count of local copies: when, by whom, which, how many, and what became of them."""
    age = record.older_than_days
    which = "all ended scans" if age is None else f"ended {age} days ago or earlier"
    became = "counted only"
    if record.trashed_at is not None:
        became = f"in the trash since {local_time(record.trashed_at, zone)}"
    if record.deleted_at is not None:
        became = f"deleted from the trash {local_time(record.deleted_at, zone)}"
    return (
        local_time(record.counted_at, zone),
        record.operator,
        which,
        f"{count(record.folders, 'folder', 'folders')}, {file_size(record.size_bytes)}",
        record.kept,
        became,
    )


def _decision(point: PointRecord) -> str:
    if point.decision is None:
        return ""
    made = point.decision
    why = " — ".join(text for text in (made.reason, made.comment) if text)
    return f"{made.decision.value} by {made.operator}: {why}"
