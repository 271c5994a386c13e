"""What a page may offer about takes and scans, and what would move: looks at the store alone."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import PurePosixPath

from background_executor import queries
from background_executor.config import SiteConfig
from background_executor.decisions import decision_queries
from background_executor.decisions.decision_commands import (
    ArchiveScan,
    SeenTake,
    TakesCommand,
    UnflagTakes,
    WithdrawDecisions,
)
from background_executor.decisions.decision_queries import TakeRecord
from background_executor.decisions.decision_records import MoveAct, MoveRecord, MoveState
from background_executor.decisions.refusals import why_not_scan
from background_executor.decisions.rules import (
    UnsettledPoint,
    at_take,
    in_use,
    seen,
    unsettled_points,
)
from background_executor.records import (
    ENDED_JOB_STATES,
    JobState,
    PointRecord,
    PointState,
    ScanRecord,
    ScanState,
)
from background_executor.scan_words import scan_words
from background_executor.store import Store
from background_executor.writing.moves import take_words
from server_side.layout import ScanLayout
from server_side.scan import ScanPlan


@dataclass(frozen=True)
class ArchiveOffer:
    """Whether a scan may go to the archive, and what that needs."""

    scan: ScanRecord
    may_archive: bool
    """Without a reason and without an override."""
    needs_reason: bool
    obstacles: tuple[str, ...]
    """What no reason overrides: a scan that runs, a job that is alive, results on their way."""
    unsettled: tuple[UnsettledPoint, ...]


@dataclass(frozen=True)
class PlannedMove:
    """A folder that a decision would move."""

    source: PurePosixPath
    target: PurePosixPath


@dataclass(frozen=True)
class TakesInView:
    """All takes of a scan, each as its point stands at it."""

    shown: tuple[PointRecord, ...]
    """One for each point, in the order of the plan: the take that stands for it."""
    others: tuple[PointRecord, ...]
    """The takes that are not shown, by point."""


@dataclass(frozen=True)
class UndoOffer:
    """What was just done, and the command that takes it back."""

    words: str
    until: datetime
    command: TakesCommand


_UNDO_WORDS = {
    MoveAct.FLAG: "flagged",
    MoveAct.ACCEPT: "accepted",
    MoveAct.ACKNOWLEDGE: "acknowledged",
    MoveAct.RETAKE: "retake asked for",
}


def archive_offer(store: Store, scan_id: str) -> ArchiveOffer | None:
    """Return whether a scan may go to the archive now; None for no such scan."""
    scan = queries.scan(store, scan_id)
    if scan is None:
        return None
    obstacles = _obstacles(store, scan)
    unsettled = unsettled_points(_counted(scan, queries.points(store, scan_id)))
    needs_reason = bool(unsettled) or scan.state is ScanState.STOPPED
    return ArchiveOffer(
        scan=scan,
        may_archive=not obstacles and not needs_reason,
        needs_reason=needs_reason,
        obstacles=obstacles,
        unsettled=unsettled,
    )


def why_not_archived(offer: ArchiveOffer, reason: str, *, override: bool) -> str:
    """Say why a scan is not archived with these words; empty when it is."""
    what, unsettled = scan_words(offer.scan), offer.unsettled
    if offer.obstacles:
        return f"{what} cannot be archived: {'; '.join(offer.obstacles)}"
    if unsettled and not override:
        listed = "; ".join(f"{each.point.point.name}: {each.why}" for each in unsettled)
        left = "1 point" if len(unsettled) == 1 else f"{len(unsettled)} points"
        return f"{left} of {what} not settled: {listed}"
    if offer.needs_reason and not reason.strip():
        why = "has unsettled points" if unsettled else "was stopped"
        return f"{what} {why}: say the reason for archiving it as it is"
    return ""


def _counted(scan: ScanRecord, points: Iterable[PointRecord]) -> tuple[PointRecord, ...]:
    """Leave out what a stopped scan never measured: nothing of it can be settled."""
    is_stopped = scan.state is ScanState.STOPPED
    return tuple(
        point
        for point in points
        if not (is_stopped and point.state is PointState.EXPECTED and point.take is None)
    )


def _obstacles(store: Store, scan: ScanRecord) -> tuple[str, ...]:
    found = []
    if why := why_not_scan(ArchiveScan, scan):
        found.append(why)
    found += [
        f"job {job.scheduler_id or job.job} is {job.state.value} and may still write to its "
        "folder: wait until it has ended"
        for job in queries.jobs(store, scan.scan_id)
        if job.state not in ENDED_JOB_STATES and job.state is not JobState.INTENT
    ]
    if decision_queries.has_waiting_publications(store, scan.scan_id):
        found.append("results are on their way here: wait until they are stored")
    return tuple(found)


def undo_offers(store: Store, site: str, now: datetime, window_s: float) -> tuple[UndoOffer, ...]:
    """Return what was done within the last seconds and is still in force, newest first.

    Nothing of a scan that is in the archive since: it would have to be restored first.
    """
    window = timedelta(seconds=window_s)
    offers = (
        _undo_offer(store, move, move.finished_at + window)
        for move in decision_queries.moves(store, site, limit=20)
        if move.state is MoveState.VERIFIED
        and move.act in _UNDO_WORDS
        and move.command_id
        and move.finished_at is not None
        and timedelta(0) <= now - move.finished_at <= window
    )
    return tuple(offer for offer in offers if offer is not None)


def _undo_offer(store: Store, move: MoveRecord, until: datetime) -> UndoOffer | None:
    scan = queries.scan(store, move.scan_id)
    takes = _as_decided(store, move)
    if scan is None or scan.state is ScanState.ARCHIVED or not takes:
        return None
    words = f"{take_words(move.takes)}: {_UNDO_WORDS[move.act]} by {move.operator}"
    why = "undone"
    if move.act is MoveAct.FLAG:
        command: TakesCommand = UnflagTakes(scan_id=move.scan_id, takes=takes, reason=why)
    else:
        command = WithdrawDecisions(scan_id=move.scan_id, takes=takes, reason=why)
    return UndoOffer(words, until, command)


def _as_decided(store: Store, move: MoveRecord) -> tuple[SeenTake, ...]:
    """Return the takes of an act, unless something was decided about one of them since."""
    points = {point.point.name: point for point in queries.points(store, move.scan_id)}
    found = {
        (take.point.name, take.take): take
        for take in decision_queries.takes_of_scan(store, move.scan_id)
    }
    seen_takes = []
    for each in move.takes:
        take, point = found[each.point.name, each.take], points[each.point.name]
        if move.act is MoveAct.RETAKE:
            is_in_force = point.awaits_take == each.retake
        else:
            is_in_force = take.decision is not None and take.decision.decided_at == move.finished_at
        if not is_in_force:
            return ()
        seen_takes.append(seen(at_take(point, take)))
    return tuple(take for take in seen_takes if take is not None)


def takes_in_view(store: Store, scan_id: str) -> TakesInView:
    """Return the points of a scan as a map shows them, and the takes that it does not show."""
    points = queries.points(store, scan_id)
    if all(point.takes < 2 for point in points):
        return TakesInView(points, ())
    takes: dict[str, list[TakeRecord]] = defaultdict(list)
    for take in decision_queries.takes_of_scan(store, scan_id):
        takes[take.point.name].append(take)
    shown = tuple(in_use(point, takes[point.point.name]) for point in points)
    others = tuple(
        at_take(point, take)
        for point, at in zip(points, shown, strict=True)
        for take in takes[point.point.name]
        if take.take != at.take
    )
    return TakesInView(shown, others)


def what_would_move(
    store: Store, config: SiteConfig, scan_id: str, takes: Iterable[SeenTake]
) -> tuple[PlannedMove, ...]:
    """Return which folders a flag of these takes would move, and where to."""
    scan = queries.scan(store, scan_id)
    if scan is None or not isinstance(scan.plan, ScanPlan):
        return ()
    layout = ScanLayout(config.site.base_folder, scan.plan)
    target = layout.flagged_folder(config.site.flag_folder)
    wanted = {(take.point.name, take.take) for take in takes}
    return tuple(
        PlannedMove(layout.results_folder / stored.folder, target / stored.folder)
        for stored in decision_queries.stored_folders(store, scan_id)
        if (stored.take.point.name, stored.take.take) in wanted
    )


def where_archived(config: SiteConfig, plan: ScanPlan) -> PlannedMove:
    """Return which folder an archiving of a scan would move, and where to."""
    layout = ScanLayout(config.site.base_folder, plan)
    archive = config.site.base_folder / config.site.archive_folder
    return PlannedMove(layout.scan_folder, archive / layout.scan_name)
