"""Power law through the gains of an HV check, and the voltage for a target gain.

Numpy alone, so that the executor can use it too. A voltage is only given when
the measured points bracket the target, the index is known and physical and the
fit is acceptable; else the message says why there is none. Data never raise: what is
wrong with them is the message.

Use ``fit_hv_curve`` for the fit, ``gain_at_voltage`` for curve and band.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from server_side.chi2 import chi2_probability
from server_side.hv_line import HvLine, HvOutlier, HvPoints, find_outliers, fit_line

MIN_POINTS = 3
MIN_VOLTAGE_RATIO = 1.01
"""Points closer together than 1 % of the voltage say nothing about the index."""
MAX_INDEX_ERR = 0.25
"""Of the range of physical indices: with more, one sigma to each side is half of it."""
RELATIVE_ERRORS = (1e-6, 0.5)
"""Outside of these a relative gain error is no error of a gain fit, and logarithms no use."""


@dataclass(frozen=True)
class HvCurve:
    """gain = gain_at_pivot * (voltage / pivot_v) ** index, fitted in logarithms."""

    index: float | None
    index_err: float | None
    pivot_v: float | None
    gain_at_pivot: float | None
    log_gain_err: float | None
    """Error of ln(gain_at_pivot); uncorrelated with the index at the pivot.

    This error and the other two hold the scatter of the points where it is more than theirs.
    """
    hv_at_target_v: float | None
    hv_at_target_err_v: float | None
    target_gain: float
    chi2: float | None
    ndf: int
    valid: bool
    message: str
    outliers: tuple[HvOutlier, ...] = ()
    """Points beside the curve through the others, by voltage."""


def fit_hv_curve(
    voltage_v: Sequence[float],
    gain: Sequence[float],
    gain_err: Sequence[float],
    *,
    target_gain: float = 1e7,
    index_limits: tuple[float, float] = (4.0, 12.0),
    min_p_value: float = 1e-4,
) -> HvCurve:
    """Fit a power law and find the voltage for a gain, or say why there is none.

    A straight line is fitted to ln(gain) over ln(voltage), each point weighted
    with its relative error. Its pivot is the weighted mean of ln(voltage), where
    level and index are uncorrelated, so that the error of the voltage is::

        (d ln V)^2 = (level_err / index)^2 + (ln(target / level) * index_err / index^2)^2

    Where chi2 exceeds ndf the errors lack something: all three are multiplied by sqrt(chi2 / ndf).

    Parameters
    ----------
    voltage_v, gain, gain_err
        One entry per point, in any order; errors are statistical, one sigma.
    target_gain
        Gain to find the voltage for; the same kind of gain as ``gain``.
    index_limits
        An index outside is not that of a photomultiplier; one whose error is more than
        a quarter of the distance between them is not known to be inside.
    min_p_value
        Least chi2 probability at which the power law is believed.
    """
    target = float(target_gain) if _is_positive(target_gain) else math.nan
    if math.isnan(target):
        return _refusal(0.0, f"the target gain {target_gain!r} is no positive number")
    points = _read_points(voltage_v, gain, gain_err)
    if isinstance(points, str):
        return _refusal(target, points)
    line = fit_line(points)
    why_not = _fault(points, line, target, index_limits, min_p_value)
    return _with_outliers(_curve(line, target, why_not), find_outliers(points))


def _with_outliers(curve: HvCurve, outliers: tuple[HvOutlier, ...]) -> HvCurve:
    """Name outliers behind what the message says already."""
    words = "; ".join((*filter(None, (curve.message,)), *(entry.words for entry in outliers)))
    return replace(curve, message=words, outliers=outliers)


def gain_at_voltage(curve: HvCurve, voltage_v: float) -> tuple[float, float] | None:
    """Return gain and error of the fitted curve at a voltage, None when there is no curve."""
    if (
        curve.index is None
        or curve.index_err is None
        or curve.pivot_v is None
        or curve.gain_at_pivot is None
        or curve.log_gain_err is None
    ):
        return None
    distance = math.log(voltage_v / curve.pivot_v)
    gain = curve.gain_at_pivot * math.exp(curve.index * distance)
    return gain, gain * math.hypot(curve.log_gain_err, curve.index_err * distance)


def _is_absent(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _is_positive(value: object) -> bool:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return False
    return math.isfinite(number) and number > 0


def _read_points(
    voltage_v: Sequence[float], gain: Sequence[float], gain_err: Sequence[float]
) -> HvPoints | str:
    """Return the points sorted by voltage, or what is wrong with them."""
    rows = list(zip(voltage_v, gain, gain_err, strict=False))
    if not len(voltage_v) == len(gain) == len(gain_err):
        return (
            f"voltages, gains and errors must be equally many: found {len(voltage_v)}, "
            f"{len(gain)} and {len(gain_err)}"
        )
    if len(rows) < MIN_POINTS:
        return f"a power law needs at least {MIN_POINTS} points, there are {len(rows)}"
    for voltage, value, error in rows:
        fault = _point_fault(voltage, value, error)
        if fault:
            return fault
    table = np.array(sorted((float(v), float(g), float(e)) for v, g, e in rows))
    points = HvPoints(table[:, 0], table[:, 1], table[:, 2] / table[:, 1])
    return _series_fault(points) or points


def _point_fault(voltage: float, gain: float, error: float) -> str:
    if not _is_positive(voltage):
        return f"the voltage {voltage!s:.40} is no positive number"
    where = f"at {float(voltage):g} V"
    if not _is_positive(gain):
        found = "" if _is_absent(gain) else f" (found {gain!s:.40})"
        return f"there is no gain {where}{found}: a dead point spoils the curve"
    if not _is_positive(error):
        return f"the gain {where} has no error (found {error!s:.40})"
    relative, (low, high) = float(error) / float(gain), RELATIVE_ERRORS
    if not low <= relative <= high:
        return (
            f"the relative error {relative:.2g} of the gain {where} is not between {low:g} "
            f"and {high:g}"
        )
    return ""


def _series_fault(points: HvPoints) -> str:
    voltage, gain = points.voltage_v, points.gain
    same = np.flatnonzero(np.diff(voltage) == 0)
    if same.size:
        return f"{voltage[same[0]]:g} V stands in the series twice: keep one take of it"
    if voltage[-1] < MIN_VOLTAGE_RATIO * voltage[0]:
        return f"all points lie within 1 % of {voltage[0]:g} V: too close for an index"
    fall = np.flatnonzero(np.diff(gain) <= 0)
    if fall.size:
        first = int(fall[0])
        return (
            f"the gain does not rise from {voltage[first]:g} V ({gain[first]:.3g}) to "
            f"{voltage[first + 1]:g} V ({gain[first + 1]:.3g})"
        )
    return ""


def _fault(
    points: HvPoints,
    line: HvLine,
    target: float,
    index_limits: tuple[float, float],
    min_p_value: float,
) -> str:
    """Return why there is no voltage, or nothing."""
    low, high = index_limits
    if not low <= line.index <= high:
        return f"the index {_index_in_words(line)} is not between {low:g} and {high:g}"
    probability = chi2_probability(line.chi2, line.ndf)
    if probability < min_p_value:
        return (
            f"the points do not follow a power law: chi2/ndf {line.chi2:.1f}/{line.ndf}, "
            f"probability {probability:.1e} is under {min_p_value:.0e}; the farthest point is "
            f"{line.worst_v:g} V, {line.worst_pull:+.1f} errors off"
        )
    fault = _precision_fault(line, low, high)
    if fault:
        return fault
    return _bracket_fault(points, line, target)


def _bracket_fault(points: HvPoints, line: HvLine, target: float) -> str:
    """Return why the measured points do not hold the voltage between them, or nothing."""
    if not points.gain[0] <= target <= points.gain[-1]:
        side = "above" if points.gain[0] > target else "below"
        return (
            f"all gains ({points.gain[0]:.3g} to {points.gain[-1]:.3g}) lie {side} the target "
            f"{target:.3g}: a voltage would be an extrapolation; measure at "
            f"{'lower' if side == 'above' else 'higher'} voltages"
        )
    voltage = math.exp(line.pivot + (math.log(target) - line.level) / line.index)
    if not points.voltage_v[0] <= voltage <= points.voltage_v[-1]:
        return f"the curve reaches the target at {voltage:.1f} V, outside of the measured points"
    return ""


def _index_in_words(line: HvLine) -> str:
    return f"{line.index:.2f} ± {line.scatter * line.index_err:.2f}"


def _precision_fault(line: HvLine, low: float, high: float) -> str:
    """Return why the index is not known to lie in its range, or nothing."""
    # Else errors that are large enough make every series of points acceptable.
    if line.scatter * line.index_err > MAX_INDEX_ERR * (high - low):
        return (
            f"the index {_index_in_words(line)} is not known well enough to say that it is "
            f"between {low:g} and {high:g}: its error may be at most "
            f"{MAX_INDEX_ERR * (high - low):g}; the errors of the gains are too large or the "
            "voltages too close"
        )
    return ""


def _curve(line: HvLine, target: float, why_not: str) -> HvCurve:
    distance = (math.log(target) - line.level) / line.index if not why_not else 0.0
    log_err = line.log_gain_err(line.pivot + distance) / abs(line.index) if not why_not else 0.0
    scatter = line.scatter
    voltage = math.exp(line.pivot + distance)
    return HvCurve(
        index=line.index,
        index_err=scatter * line.index_err,
        pivot_v=math.exp(line.pivot),
        gain_at_pivot=math.exp(line.level),
        log_gain_err=scatter * line.level_err,
        hv_at_target_v=None if why_not else voltage,
        hv_at_target_err_v=None if why_not else voltage * scatter * log_err,
        target_gain=target,
        chi2=line.chi2,
        ndf=line.ndf,
        valid=not why_not,
        message=why_not,
    )


def _refusal(target: float, message: str) -> HvCurve:
    return HvCurve(
        index=None,
        index_err=None,
        pivot_v=None,
        gain_at_pivot=None,
        log_gain_err=None,
        hv_at_target_v=None,
        hv_at_target_err_v=None,
        target_gain=target,
        chi2=None,
        ndf=0,
        valid=False,
        message=message,
    )
