"""The gain curve of an HV check, made of the judged gains of its points."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from background_executor.decisions.decision_records import DecisionKind
from background_executor.hv_curve_record import HvCurveRecord, HvPointRecord
from background_executor.imported import OLD_GAIN_METHOD, OLD_MODEL, Provenance
from background_executor.judging.health import HealthSettings
from background_executor.records import (
    CheckOutcome,
    PointRecord,
    PointState,
    ScanRecord,
    Verdict,
)
from server_side.hv_curve import fit_hv_curve
from server_side.scan import VoltagePoint

FIT_QUALITY = "chi2_per_ndf"
"""The check of how well the fit describes its spectrum."""
_VIOLATIONS = (CheckOutcome.NEAR_LIMIT, CheckOutcome.OUTSIDE)
_SET_ASIDE = (DecisionKind.FLAGGED, DecisionKind.ACKNOWLEDGED)
_REMEDY = "measure or judge it again, or flag the point to go on without it"
_IMPORTED = (
    "no voltage from imported gains: away from the nominal voltage those of the old system are "
    "wrong by a third to a half; measure the check again"
)


def make_hv_curve(
    scan: ScanRecord, points: Sequence[PointRecord], health: HealthSettings
) -> HvCurveRecord:
    """Fit the power law through the valid gains of an HV check.

    A point that was measured and gave no gain leaves the curve to be seen but
    takes its voltage away, until somebody flags it or acknowledges its failure:
    a voltage from what happens to remain is none to work with. So does a gain of
    another model or method than the curve's, until it is judged again: peak and mean,
    or two models, differ by more than the line can tell.
    """
    kind = _kind_of(scan, health)
    judged = [entry for point in points if (entry := _judge_point(point, kind)) is not None]
    used = [point for point in judged if point.used]
    curve = fit_hv_curve(
        [point.voltage_v for point in used],
        [math.nan if point.gain is None else point.gain for point in used],
        [math.nan if point.gain_err is None else point.gain_err for point in used],
        target_gain=health.target_gain,
    )
    doubts = [f"{point.voltage_v} V is {point.note}" for point in used if point.note]
    if why_not := _why_no_voltage(scan, judged):
        curve = replace(curve, valid=False, hv_at_target_v=None, hv_at_target_err_v=None)
        said = [why_not, *(outlier.words for outlier in curve.outliers), *doubts]
    else:
        said = [curve.message, *doubts]
    curve = replace(curve, message="; ".join(filter(None, said)))
    return HvCurveRecord(
        scan_id=scan.scan_id,
        model=kind.model,
        method=kind.method,
        points=tuple(judged),
        curve=curve,
        recommended_v=_round_to_step(curve.hv_at_target_v, health.supply_step_v),
        updated_at=max((point.updated_at for point in points), default=scan.updated_at),
    )


@dataclass(frozen=True)
class _GainKind:
    """What all gains of a curve are."""

    model: str
    method: str

    def __str__(self) -> str:
        return f"{self.method} of {self.model}"


def _kind_of(scan: ScanRecord, health: HealthSettings) -> _GainKind:
    if scan.provenance is Provenance.IMPORTED:
        return _GainKind(OLD_MODEL, OLD_GAIN_METHOD)
    return _GainKind(health.hv_model, health.hv_gain.value)


def _why_no_voltage(scan: ScanRecord, judged: Sequence[HvPointRecord]) -> str:
    """Say why a curve may not give a voltage whatever the line through it is; empty when it may."""
    if scan.provenance is Provenance.IMPORTED:
        return _IMPORTED
    dead = [f"no gain at {point.voltage_v} V ({point.note})" for point in judged if point.is_dead]
    return f"{'; '.join(dead)}: {_REMEDY}" if dead else ""


def _round_to_step(voltage_v: float | None, step_v: float) -> float | None:
    """Return the voltage nearest to it that the supply can be set to."""
    if voltage_v is None:
        return None
    step = Decimal(str(step_v))
    return float((Decimal(voltage_v) / step).to_integral_value() * step)


def _judge_point(point: PointRecord, kind: _GainKind) -> HvPointRecord | None:
    """Say whether a point enters the curve; None before it was measured."""
    if not isinstance(point.point, VoltagePoint) or not _is_measured(point):
        return None
    left_out = _why_left_out(point, kind)
    gain = point.gain
    return HvPointRecord(
        voltage_v=point.point.voltage_v,
        gain=gain.gain if gain else None,
        gain_err=gain.gain_err if gain else None,
        model=gain.model if gain else "",
        method=gain.method if gain else "",
        used=not left_out,
        is_dead=bool(left_out) and not _is_set_aside(point),
        note=left_out or _doubt(point),
    )


def _is_measured(point: PointRecord) -> bool:
    return point.state is PointState.FAILED or point.result_id is not None


def _is_set_aside(point: PointRecord) -> bool:
    return point.decision is not None and point.decision.decision in _SET_ASIDE


def _why_left_out(point: PointRecord, kind: _GainKind) -> str:
    if _is_set_aside(point) and point.decision is not None:
        decision = point.decision
        return f"{decision.decision.value} by {decision.operator}: {decision.reason}"
    if point.verdict is not None and point.verdict.verdict is Verdict.NO_LIGHT:
        return point.verdict.summary
    if point.gain is None:
        return point.gain_missing or point.error or "not judged yet"
    found = _GainKind(point.gain.model, point.gain.method)
    if found != kind:
        return f"its gain is {found}, the curve's is {kind}: judge it again"
    return ""


def _doubt(point: PointRecord) -> str:
    """Say what is doubtful about a gain that enters the curve; empty when nothing is.

    A poor point, of too few charges or saturated, has a valid gain with its error, which
    weighs it in the fit. A fit that misses its spectrum has an error that is too small,
    whatever the verdict. Whether they are good enough, who reads the voltage decides.
    """
    if point.verdict is None:
        return ""
    if point.verdict.verdict is Verdict.POOR:
        return f"poor: {point.verdict.summary}"
    misses = next((check for check in point.verdict.checks if check.name == FIT_QUALITY), None)
    if misses is None or misses.outcome not in _VIOLATIONS:
        return ""
    return f"doubtful, the fit misses its spectrum: {misses.text}"
