"""One point of one scan, read from the store."""

from dataclasses import dataclass, replace
from datetime import datetime

from background_executor import queries
from background_executor.config import SiteConfig
from background_executor.decisions import decision_queries
from background_executor.decisions.offers import takes_in_view
from background_executor.decisions.refusals import why_no_take
from background_executor.records import PointRecord, ScanRecord
from background_executor.store import Store
from dashboard.views.curve import CurveView, show_curve
from dashboard.views.past import Cells, OldResult, show_decision, show_old_result
from dashboard.views.point import PointView, show_point
from dashboard.views.slots import ScanView, show_scan


@dataclass(frozen=True)
class DetailView:
    """A point and the scan that it belongs to."""

    scan: ScanView
    point: PointView
    record: PointRecord
    """At the take that is shown."""
    others: tuple[PointRecord, ...]
    """At its other takes."""
    history: tuple[Cells, ...]
    """Every decision about the point: take, decision, why, who, when."""
    old: tuple[OldResult, ...]
    """Of an imported scan: what the old tree holds of the point."""
    closed: str
    """Why nothing can be decided about the scan's takes; empty when something can."""


def read_point(
    store: Store,
    config: SiteConfig,
    scan: ScanRecord,
    *,
    name: str | None,
    result_id: str | None,
    now: datetime,
) -> DetailView:
    """Read a point of a scan with all its results.

    Parameters
    ----------
    name
        Name of the point; the newest one when it is none of the scan's.
    result_id
        Number of the result to show, as the address has it.
    """
    takes = takes_in_view(store, scan.scan_id)
    points = takes.shown
    job = next(iter(queries.jobs(store, scan.scan_id)), None)
    newest = queries.scan(store, scan.scan_id) or scan
    view = show_scan(newest, points, job, now)
    by_name = {point.point.name: point for point in points}
    chosen = by_name.get(name or "") or by_name.get(view.newest or "") or points[0]
    results = queries.results_of_point(store, scan.scan_id, chosen.point)
    picked = next((each for each in results if str(each.result_id) == result_id), None)
    at = {each.take: each for each in (*takes.others, *points) if each.point == chosen.point}
    record = chosen if picked is None else at.get(picked.result.take.take, chosen)
    number = record.result_id if picked is None else picked.result_id
    zone = config.site.zone
    reference = queries.reference_for(store, scan.site, scan.serial_number, config.health.pmt_type)
    point = show_point(record, results, number, now, zone, reference=reference, takes=at)
    others = tuple(each for each in at.values() if each is not record)
    shown = DetailView(view, point, record, others, (), (), why_no_take(newest))
    return _with_past(store, shown, zone)


def _with_past(store: Store, view: DetailView, zone: str) -> DetailView:
    """Put the history of a point and what old trees hold of it beside its results."""
    scan_id, point = view.scan.scan_id, view.record.point
    decisions = decision_queries.decisions_of_point(store, scan_id, point)
    old = queries.imported_results_of_point(store, scan_id, point)
    return replace(
        view,
        history=tuple(show_decision(past, zone) for past in decisions),
        old=tuple(show_old_result(record, zone) for record in old),
    )


def read_curve(store: Store, config: SiteConfig, scan_id: str) -> CurveView | None:
    """Read the gain curve of an HV check, with the voltage for the site's target gain.

    Returns
    -------
    None when there is no such check.
    """
    record = queries.hv_curve(store, scan_id, config.health)
    return None if record is None else show_curve(record)
