"""Judge stored results with what is known around them, now or again later.

The verdict itself is ``verdict.judge``, a pure function; here is what it needs
from the store. A later judgement is a new row: the earlier ones stay.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from background_executor import queries
from background_executor.decisions.decision_records import DecisionKind
from background_executor.judging.derived_quantities import ScanContext
from background_executor.judging.health import HealthSettings
from background_executor.judging.reference import ReferenceRecord
from background_executor.judging.verdict import Judgement, judge
from background_executor.records import (
    PointRecord,
    ResultRecord,
    Verdict,
    VerdictRecord,
)
from background_executor.store import Store
from server_side.result import PointResult
from server_side.scan import PositionPoint, ScanPlan

CENTRE = PositionPoint(theta_deg=0, phi_deg=0)


@dataclass(frozen=True)
class NewJudgement:
    """A judgement that differs from the one in force."""

    record: ResultRecord
    before: Verdict | None
    judgement: Judgement

    @property
    def has_new_verdict(self) -> bool:
        """Whether the verdict is another one, not only its numbers or words."""
        return self.judgement.verdict.verdict is not self.before


def judge_new(
    store: Store, plan: ScanPlan, result: PointResult, health: HealthSettings, now: datetime
) -> Judgement:
    """Judge a result that is about to be stored."""
    context = _context(store, plan, health, _centre_of(store, plan, result))
    return judge(result, health, now, context)


def judge_scan_again(
    store: Store,
    plan: ScanPlan,
    health: HealthSettings,
    now: datetime,
    arriving: PointResult | None = None,
) -> tuple[NewJudgement, ...]:
    """Judge the newest result of each take of a scan; return what comes out differently.

    Parameters
    ----------
    arriving
        A result that is about to be stored, by which the others may have to be judged anew.
    """
    context = _context(store, plan, health, _centre_of(store, plan, arriving))
    changed = []
    for record in _newest_results(store, plan):
        judgement = judge(record.result, health, now, context)
        if _differs(judgement.verdict, record.verdict):
            before = record.verdict.verdict if record.verdict else None
            changed.append(NewJudgement(record, before, judgement))
    return tuple(changed)


def is_centre(result: PointResult) -> bool:
    """Tell whether other points of the scan are compared with a result."""
    return result.take.point == CENTRE


def reference_of(store: Store, plan: ScanPlan, health: HealthSettings) -> ReferenceRecord | None:
    """Return the reference that counts for the PMT of a scan, or None."""
    return queries.reference_for(store, plan.site, plan.serial_number, health.pmt_type)


def _context(
    store: Store, plan: ScanPlan, health: HealthSettings, centre: PointResult | None
) -> ScanContext:
    return ScanContext(
        centre=centre,
        expected_events=plan.settings.watch.expected_events,
        reference=reference_of(store, plan, health),
    )


def _centre_of(store: Store, plan: ScanPlan, arriving: PointResult | None) -> PointResult | None:
    """Return the newest result of the scan's centre, unless it was flagged."""
    if arriving is not None and is_centre(arriving):
        return arriving
    points = queries.points(store, plan.scan_id)
    point = next((point for point in points if point.point == CENTRE), None)
    if point is None or point.result_id is None or _is_flagged(point):
        return None
    record = queries.result(store, point.result_id)
    return None if record is None else record.result


def _is_flagged(point: PointRecord) -> bool:
    return point.decision is not None and point.decision.decision is DecisionKind.FLAGGED


def _newest_results(store: Store, plan: ScanPlan) -> Iterator[ResultRecord]:
    """Return the last revision of every take."""
    for point in plan.points:
        takes: set[int] = set()
        for record in queries.results_of_point(store, plan.scan_id, point):
            if record.result.take.take not in takes:
                takes.add(record.result.take.take)
                yield record


def _differs(new: VerdictRecord, old: VerdictRecord | None) -> bool:
    if old is None:
        return True
    return (new.verdict, new.rule, new.checks) != (old.verdict, old.rule, old.checks)
