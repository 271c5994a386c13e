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
    CheckOutcome,
    PointRecord,
    ResultRecord,
    Verdict,
    VerdictRecord,
)
from background_executor.store import Store
from server_side.result import PointResult
from server_side.scan import PositionPoint, ScanPlan

CENTRE = PositionPoint(theta_deg=0, phi_deg=0)
COMPLETENESS = "completeness"


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

    @property
    def tells_new_of_completeness(self) -> bool:
        """Whether the number of events is found to be right or wrong where it was not before."""
        return _completeness(self.judgement.verdict) is not _completeness(self.record.verdict)


def judge_new(
    store: Store, plan: ScanPlan, result: PointResult, health: HealthSettings, now: datetime
) -> Judgement:
    """Judge a result that is about to be stored."""
    around = _look_around(store, plan, health, result)
    return judge(result, health, now, around.context_of(result))


def judge_others(
    store: Store, plan: ScanPlan, arriving: PointResult, health: HealthSettings, now: datetime
) -> tuple[NewJudgement, ...]:
    """Judge the other points anew beside a result that is about to be stored.

    The centre gives them new numbers. Any point moves the median of the triggers: only what
    this finds right or wrong is a new judgement, not each number that it moves by a little.
    """
    if not is_centre(arriving) and plan.settings.watch.expected_events is not None:
        return ()
    changed = judge_scan_again(store, plan, health, now, arriving)
    if is_centre(arriving):
        return changed
    return tuple(entry for entry in changed if entry.tells_new_of_completeness)


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
    around = _look_around(store, plan, health, arriving)
    changed = []
    for record in _newest_results(store, plan):
        judgement = judge(record.result, health, now, around.context_of(record.result))
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


@dataclass(frozen=True)
class _Around:
    """What a scan holds beside a result that is judged."""

    plan: ScanPlan
    health: HealthSettings
    reference: ReferenceRecord | None
    newest: tuple[PointResult, ...]
    """Of each point that is needed its newest result, unless that was flagged."""

    def context_of(self, result: PointResult) -> ScanContext:
        """Return what is known around one result."""
        own = result.take.point
        return ScanContext(
            centre=next((other for other in self.newest if is_centre(other)), None),
            expected_events=self.plan.settings.watch.expected_events,
            other_triggers=tuple(r.triggers for r in self.newest if r.take.point != own),
            median_points=self.health.median_points,
            reference=self.reference,
        )


def _look_around(
    store: Store, plan: ScanPlan, health: HealthSettings, arriving: PointResult | None
) -> _Around:
    """Read the scan's other results; one that arrives stands for its point already."""
    needs_all = plan.settings.watch.expected_events is None
    newest = [] if arriving is None else [arriving]
    for point in queries.points(store, plan.scan_id):
        is_needed = needs_all or point.point == CENTRE
        is_arriving = arriving is not None and point.point == arriving.take.point
        if is_needed and not is_arriving and point.result_id is not None and not _is_flagged(point):
            record = queries.result(store, point.result_id)
            newest += [] if record is None else [record.result]
    return _Around(plan, health, reference_of(store, plan, health), tuple(newest))


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


def _completeness(verdict: VerdictRecord | None) -> CheckOutcome | None:
    checks = () if verdict is None else verdict.checks
    return next((check.outcome for check in checks if check.name == COMPLETENESS), None)
