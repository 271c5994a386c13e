"""The gain curve of an HV check, made of the judged gains of its points."""

import math
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from background_executor.decisions.decision_records import DecisionKind
from background_executor.hv_curve_record import HvCurveRecord, HvPointRecord
from background_executor.imported import Provenance
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
    a voltage from what happens to remain is none to work with.
    """
    judged = [entry for point in points if (entry := _judge_point(point)) is not None]
    used = [point for point in judged if point.used]
    curve = fit_hv_curve(
        [point.voltage_v for point in used],
        [math.nan if point.gain is None else point.gain for point in used],
        [math.nan if point.gain_err is None else point.gain_err for point in used],
        target_gain=health.target_gain,
    )
    if doubts := [words for point in points if (words := _describe_doubt(point))]:
        curve = replace(curve, message="; ".join(filter(None, (curve.message, *doubts))))
    if dead := [words for point in points if (words := _describe_dead(point))]:
        message = f"{'; '.join(dead)}: measure again, or flag the point to go on without it"
        curve = replace(
            curve, valid=False, hv_at_target_v=None, hv_at_target_err_v=None, message=message
        )
    if scan.provenance is Provenance.IMPORTED:
        curve = replace(
            curve, valid=False, hv_at_target_v=None, hv_at_target_err_v=None, message=_IMPORTED
        )
    updated_at = max((point.updated_at for point in points), default=scan.updated_at)
    recommended_v = _round_to_step(curve.hv_at_target_v, health.supply_step_v)
    return HvCurveRecord(scan.scan_id, tuple(judged), curve, recommended_v, updated_at)


def _round_to_step(voltage_v: float | None, step_v: float) -> float | None:
    """Return the voltage nearest to it that the supply can be set to."""
    if voltage_v is None:
        return None
    step = Decimal(str(step_v))
    return float((Decimal(voltage_v) / step).to_integral_value() * step)


def _judge_point(point: PointRecord) -> HvPointRecord | None:
    """Say whether a point enters the curve; None before it was measured."""
    if not isinstance(point.point, VoltagePoint) or not _is_measured(point):
        return None
    left_out = _why_left_out(point)
    gain = point.gain
    return HvPointRecord(
        voltage_v=point.point.voltage_v,
        gain=gain.gain if gain else None,
        gain_err=gain.gain_err if gain else None,
        model=gain.model if gain else "",
        used=not left_out,
        is_dead=bool(left_out) and not _is_set_aside(point),
        note=left_out or _doubt(point),
    )


def _is_measured(point: PointRecord) -> bool:
    return point.state is PointState.FAILED or point.result_id is not None


def _is_set_aside(point: PointRecord) -> bool:
    return point.decision is not None and point.decision.decision in _SET_ASIDE


def _why_left_out(point: PointRecord) -> str:
    if _is_set_aside(point) and point.decision is not None:
        decision = point.decision
        return f"{decision.decision.value} by {decision.operator}: {decision.reason}"
    if point.verdict is not None and point.verdict.verdict is Verdict.NO_LIGHT:
        return point.verdict.summary
    if point.gain is None:
        return point.gain_missing or point.error or "not judged yet"
    return ""


def _describe_dead(point: PointRecord) -> str:
    """Say that a measured point gave no gain; empty when it did, or when it was set aside."""
    if not _is_measured(point) or _is_set_aside(point):
        return ""
    why = _why_left_out(point)
    return f"no gain at {point.point.name.removeprefix('HV_')} V ({why})" if why else ""


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


def _describe_doubt(point: PointRecord) -> str:
    """Say that a point of the curve is doubtful; empty when it is not, or not in the curve."""
    if not _is_measured(point) or _why_left_out(point):
        return ""
    doubt = _doubt(point)
    return f"{point.point.name.removeprefix('HV_')} V is {doubt}" if doubt else ""
