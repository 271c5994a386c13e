"""From a number and its limits to the outcome of a check, and what it says in words."""

import math
from dataclasses import dataclass

from background_executor.judging.limits import Bounds
from background_executor.records import CheckOutcome, CheckRecord
from server_side.result import Measurement, Missing


@dataclass(frozen=True)
class Measured:
    """A number to be checked, or the reason why there is none."""

    name: str
    value: float | None
    error: float | None = None
    unit: str = ""
    reason: str = ""
    """Why there is no value."""
    label: str = ""
    """What the words call it, where that is not its name."""
    remark: str = ""
    """What else the words say of it."""


def binomial_error(share: float, whole: int) -> float:
    """Return the error of a share of so many; of none or all of them that of one more or less."""
    return max(math.sqrt(share * (1.0 - share) / whole), 1.0 / whole)


def as_measured(name: str, found: Measurement | None) -> Measured:
    """Return a result's measurement as something to be checked."""
    if found is None:
        return Measured(name, None, reason="the result does not have it")
    if isinstance(found, Missing):
        return Measured(name, None, reason=found.reason)
    return Measured(name, found.value, found.error, found.unit)


def check_limits(measured: Measured, limits: Bounds, *, required: bool) -> CheckRecord:
    """Compare a number with its limits and say in words what was found."""
    outcome, text = _compare(measured, limits)
    return CheckRecord(
        name=measured.name,
        outcome=outcome,
        required=required,
        value=measured.value,
        error=measured.error,
        unit=measured.unit,
        inner=limits.inner,
        outer=limits.outer,
        text=f"{text}; {measured.remark}" if measured.remark else text,
    )


def write_range(limits: tuple[float | None, float | None], name: str) -> str:
    """Write limits as words have them; either side may be open."""
    low, high = (None if limit is None else _write(limit, name) for limit in limits)
    if low and high:
        return f"{low} to {high}"
    if low:
        return f"{low} and above"
    return f"{high} and below" if high else "no limits"


def _compare(measured: Measured, limits: Bounds) -> tuple[CheckOutcome, str]:
    name, value = measured.name, measured.value
    if value is None:
        return CheckOutcome.NOT_MEASURED, f"{_label(measured)} not measured: {measured.reason}"
    sides = (
        (CheckOutcome.OUTSIDE, "outer", limits.outer),
        (CheckOutcome.NEAR_LIMIT, "inner", limits.inner),
    )
    said = _said(measured, value)
    if limits.is_open:
        return CheckOutcome.PASSED, f"{said}, for which no limits are set"
    for outcome, which, (low, high) in sides:
        if low is not None and value < low:
            words = f"lies {_gap(value, low)} below the {which} limit {_write(low, name)}"
            return outcome, f"{said} {words}"
        if high is not None and value > high:
            words = f"lies {_gap(value, high)} above the {which} limit {_write(high, name)}"
            return outcome, f"{said} {words}"
    inner = limits.inner if limits.inner != (None, None) else limits.outer
    return CheckOutcome.PASSED, f"{said} is within {write_range(inner, name)}"


def _label(measured: Measured) -> str:
    """Name a quantity in words; its unit stands behind the number."""
    if measured.label:
        return measured.label
    words, unit = measured.name.replace("_", " "), measured.unit.lower()
    known = {"pc": " pc", "ns": " ns", "hz": " hz", "counts": " adc"}
    return words.removesuffix(known.get(unit, "")) if unit in known else words


def _said(measured: Measured, value: float) -> str:
    error, unit = measured.error, f" {measured.unit}" if measured.unit else ""
    number = _write(value, measured.name)
    if error:
        number = f"{number} ± {_write_error(error, measured.name)}"
    return f"{_label(measured)} {number}{unit}"


def _gap(value: float, limit: float) -> str:
    """Say how far a value is from a limit, in per cent of the limit where it has a size."""
    distance = abs(value - limit)
    if not limit:
        return f"{distance:.4g}"
    percent = 100.0 * distance / abs(limit)
    return f"{percent:.2g} %" if percent < 99.5 else f"{percent:.0f} %"


def _write(value: float, name: str) -> str:
    """Write a number as the field does: gains in units of 1e7, the rest with four digits."""
    return f"{value / 1e7:.3f}e7" if name == "gain" else f"{value:.4g}"


def _write_error(error: float, name: str) -> str:
    return f"{error / 1e7:.3f}e7" if name == "gain" else f"{error:.2g}"
