"""The operator's page, read from the store: one whole view for each place of the bench."""

from dataclasses import dataclass
from datetime import datetime

from background_executor import queries
from background_executor.config import SiteConfig
from background_executor.decisions import decision_queries
from background_executor.decisions.decision_records import MoveRecord
from background_executor.decisions.offers import UndoOffer, takes_in_view, undo_offers
from background_executor.jobs.successors import awaits_operator
from background_executor.records import JobRecord, PointRecord, ScanRecord
from background_executor.silence import allowed_silence
from background_executor.store import Store
from dashboard.views.curve import CurveView
from dashboard.views.detail import read_curve
from dashboard.views.panel import PanelView, show_panel
from dashboard.views.slots import ScanView, show_scan
from dashboard.views.status import (
    NEVER_HEARD,
    CommandView,
    StatusView,
    recent_commands,
    show_status,
)
from server_side.journal import LiveProgress
from server_side.scan import ScanKind, Slot


@dataclass(frozen=True)
class SlotView:
    """What one place of the bench shows."""

    slot: Slot
    scan: ScanView | None
    panel: PanelView | None
    """The point beside the map."""
    curve: CurveView | None
    """Of an HV check."""
    points: tuple[PointRecord, ...]
    """Of the scan, each at the take that stands for it."""
    others: tuple[PointRecord, ...]
    """The takes of the scan that the map does not show."""
    chosen: PointRecord | None
    """The point of the panel: the one that was picked, else the newest."""
    awaits_operator: bool
    """The scan's message is a question, and no job of it is left."""


@dataclass(frozen=True)
class HeadView:
    """What stands above both places."""

    status: StatusView
    commands: tuple[CommandView, ...]
    in_hand: tuple[MoveRecord, ...]
    """Acts on the server that are not finished."""
    undo: tuple[UndoOffer, ...]
    """What was just done and may be taken back by one click."""


def read_head(store: Store, config: SiteConfig, now: datetime) -> HeadView:
    """Read executor, link and last commands."""
    site = config.site.name
    executor = queries.executor(store, site)
    return HeadView(
        status=NEVER_HEARD
        if executor is None
        else show_status(executor, allowed_silence(config, executor), now),
        commands=recent_commands(queries.commands(store, site, limit=10), now),
        in_hand=decision_queries.moves_in_progress(store, site),
        undo=undo_offers(store, site, now, config.decisions.undo_s),
    )


def newest_scan(store: Store, config: SiteConfig, slot: Slot) -> ScanRecord | None:
    """Return what was started last in a place."""
    found = [
        scan
        for kind in ScanKind
        if (scan := queries.current_scan(store, config.site.name, kind, slot)) is not None
    ]
    return max(found, key=lambda scan: scan.started_at, default=None)


def read_slot(
    store: Store,
    config: SiteConfig,
    slot: Slot,
    *,
    kind: ScanKind,
    picked: str | None,
    now: datetime,
) -> SlotView:
    """Read the newest scan of a kind in a place, and the point beside its map.

    Parameters
    ----------
    picked
        Name of the point to show; the newest one when None or unknown.
    """
    scan = queries.current_scan(store, config.site.name, kind, slot)
    if scan is None:
        return SlotView(slot, None, None, None, (), (), None, awaits_operator=False)
    takes = takes_in_view(store, scan.scan_id)
    points = takes.shown
    jobs = queries.jobs(store, scan.scan_id)
    job = next(iter(jobs), None)
    view = show_scan(scan, points, job, now)
    chosen = _find(points, picked) or _find(points, view.newest)
    return SlotView(
        slot=slot,
        scan=view,
        panel=None
        if chosen is None
        else _read_panel(store, scan, chosen, job, pmt_type=config.health.pmt_type, now=now),
        curve=read_curve(store, config, scan.scan_id) if scan.kind is ScanKind.HV else None,
        points=points,
        others=takes.others,
        chosen=chosen,
        awaits_operator=awaits_operator(scan, jobs),
    )


def _find(points: tuple[PointRecord, ...], name: str | None) -> PointRecord | None:
    return next((point for point in points if point.point.name == name), None)


def _read_panel(
    store: Store,
    scan: ScanRecord,
    point: PointRecord,
    job: JobRecord | None,
    *,
    pmt_type: str,
    now: datetime,
) -> PanelView:
    result = queries.result(store, point.result_id) if point.result_id is not None else None
    reference = queries.reference_for(store, scan.site, scan.serial_number, pmt_type)
    return show_panel(point, result, _progress_of(point, job), now, reference)


def _progress_of(point: PointRecord, job: JobRecord | None) -> LiveProgress | None:
    live = None if job is None else job.live
    return live if live is not None and live.point == point.point else None
