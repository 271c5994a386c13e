"""From a result and limits to a verdict with its reasons: pure, so that it can be repeated.

Order of judgement: no light, then fit failed, then the checks. ``poor`` when a
required check is outside its limits; ``check`` when a required one is near its
limits or could not be measured, or an optional one is outside; else ``healthy``.
An optional check that could not be measured is said and stands in nobody's way.
"""

from dataclasses import dataclass
from datetime import datetime

from background_executor.health import GainMethod, HealthSettings, Limits, MeasurementCheck
from background_executor.records import (
    CheckOutcome,
    CheckRecord,
    GainRecord,
    Verdict,
    VerdictRecord,
)
from server_side.result import InputFile, Missing, NoFit, PointResult, ValidFit
from server_side.scan import ScanKind

OPEN = (None, None)


@dataclass(frozen=True)
class Judgement:
    """A verdict and the gain that it rests on."""

    verdict: VerdictRecord
    gain: GainRecord | None
    gain_missing: str
    """Why there is no gain; empty when there is one."""


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


def judge(result: PointResult, health: HealthSettings, now: datetime) -> Judgement:
    """Judge a result by the limits given."""
    gain, missing = judged_gain(result, health)
    checks = (
        _light_check(result, health),
        _fit_check(result, health, gain, missing),
        *_gain_checks(result, health, gain),
        _statistics_check(result, health),
        _damage_check(result, health),
        *(_measurement_check(result, check) for check in health.checks if _is_for(check, result)),
    )
    verdict = _decide(checks)
    record = VerdictRecord(
        verdict=verdict,
        summary=_summarise(verdict, checks),
        rule=describe_rule(result.kind, health),
        checks=checks,
        judged_at=now,
    )
    return Judgement(record, gain, missing)


def judging_model(kind: ScanKind, health: HealthSettings) -> tuple[str, GainMethod]:
    """Return which model and which gain count in a kind of scan."""
    if kind is ScanKind.HV:
        return health.hv_model, health.hv_gain
    return health.judging_model, health.judged_gain


def judged_gain(result: PointResult, health: HealthSettings) -> tuple[GainRecord | None, str]:
    """Return the gain that counts, or None and the reason why there is none."""
    model, method = judging_model(result.kind, health)
    fit = result.fit_of(model)
    if fit is None:
        return None, f"model {model} was not fitted"
    if isinstance(fit, NoFit):
        return None, f"{model}: {fit.message}"
    gain, gain_err = _gain_of(fit, method)
    if gain is None or gain_err is None:
        return None, f"model {model} has no {method.value}"
    return GainRecord(gain, gain_err, method.value, model, fit.chi2, fit.ndf), ""


def describe_rule(kind: ScanKind, health: HealthSettings) -> str:
    """Say in one line which model and limits judge."""
    model, method = judging_model(kind, health)
    limits = health.gain_limits(model, method)
    if kind is ScanKind.HV:
        return f"{model} {method.value}, no gain window in HV checks"
    if limits is None:
        return f"{model} {method.value}, no gain limits"
    inner, outer = (_range(side, "gain") for side in (limits.inner, limits.outer))
    return f"{model} {method.value}: healthy {inner}, poor outside {outer}"


def _gain_of(fit: ValidFit, method: GainMethod) -> tuple[float | None, float | None]:
    if method is GainMethod.GAIN_MEAN:
        return fit.gain_mean, fit.gain_mean_err
    return fit.gain_peak, fit.gain_peak_err


def _is_for(check: MeasurementCheck, result: PointResult) -> bool:
    return result.kind in check.kinds


def _light_check(result: PointResult, health: HealthSettings) -> CheckRecord:
    share = result.selected_charges / result.triggers if result.triggers else None
    limit = health.no_light_fraction
    counted = f"{result.selected_charges} selected charges in {result.triggers} triggers"
    measured = Measured(
        "light", share, reason="there are no triggers", label=f"{counted}, a share of"
    )
    return check_limits(measured, Limits(inner_low=limit, outer_low=limit), required=True)


def _fit_check(
    result: PointResult, health: HealthSettings, gain: GainRecord | None, missing: str
) -> CheckRecord:
    model, _ = judging_model(result.kind, health)
    return CheckRecord(
        name="fit",
        outcome=CheckOutcome.OUTSIDE if gain is None else CheckOutcome.PASSED,
        required=True,
        value=None if gain is None else gain.chi2 / gain.ndf if gain.ndf else None,
        error=None,
        unit="chi2/ndf",
        inner=OPEN,
        outer=OPEN,
        text=missing or f"valid fit of {model}",
    )


def _gain_checks(
    result: PointResult, health: HealthSettings, gain: GainRecord | None
) -> tuple[CheckRecord, ...]:
    limits = health.gain_limits(health.judging_model, health.judged_gain)
    if result.kind is ScanKind.HV or gain is None or limits is None:
        return ()
    return (check_limits(Measured("gain", gain.gain, gain.gain_err), limits, required=True),)


def _statistics_check(result: PointResult, health: HealthSettings) -> CheckRecord:
    measured = Measured("statistics", result.selected_charges, label="number of selected charges")
    return check_limits(measured, health.statistics, required=True)


def _damage_check(result: PointResult, health: HealthSettings) -> CheckRecord:
    shares = [share for file in result.provenance.inputs if (share := _damage_share(file)) >= 0]
    measured = Measured(
        "damage",
        max(shares, default=None),
        reason="no raw file with events is named in the result",
        label="share of damaged, doubled and lost events",
    )
    return check_limits(measured, health.damage, required=True)


def _damage_share(file: InputFile) -> float:
    """Return which share of a channel's events was damaged, lost or doubled; -1 without events."""
    faulty = file.skipped_events + file.lost_events + file.doubled_events
    all_events = file.events + file.skipped_events + file.lost_events
    return min(1.0, faulty / all_events) if all_events else -1.0


def _measurement_check(result: PointResult, check: MeasurementCheck) -> CheckRecord:
    name, found = check.measurement, result.measurement_of(check.measurement)
    if found is None:
        measured = Measured(name, None, reason="the result does not have it")
    elif isinstance(found, Missing):
        measured = Measured(name, None, reason=found.reason)
    else:
        measured = Measured(name, found.value, found.error, found.unit)
    return check_limits(measured, check, required=check.required)


def check_limits(measured: Measured, limits: Limits, *, required: bool) -> CheckRecord:
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
        text=text,
    )


def _compare(measured: Measured, limits: Limits) -> tuple[CheckOutcome, str]:
    name, value = measured.name, measured.value
    label = measured.label or name.replace("_", " ")
    if value is None:
        return CheckOutcome.NOT_MEASURED, f"{label} not measured: {measured.reason}"
    sides = (
        (CheckOutcome.OUTSIDE, "outer", limits.outer),
        (CheckOutcome.NEAR_LIMIT, "inner", limits.inner),
    )
    said = f"{label} {_write(value, name)}{_unit(measured.unit)}"
    for outcome, which, (low, high) in sides:
        if low is not None and value < low:
            return outcome, f"{said} lies {_gap(value, low)} below the {which} limit " + _write(
                low, name
            )
        if high is not None and value > high:
            return outcome, f"{said} lies {_gap(value, high)} above the {which} limit " + _write(
                high, name
            )
    return CheckOutcome.PASSED, f"{said} is within {_range(limits.inner, name)}"


def _gap(value: float, limit: float) -> str:
    """Say how far a value is from a limit, in per cent of the limit where it has a size."""
    distance = abs(value - limit)
    return f"{distance / abs(limit) * 100:.2g} %" if limit else f"{distance:.4g}"


def _decide(checks: tuple[CheckRecord, ...]) -> Verdict:
    light, fit, *_ = checks
    if light.outcome is CheckOutcome.OUTSIDE:
        return Verdict.NO_LIGHT
    if fit.outcome is not CheckOutcome.PASSED:
        return Verdict.FIT_FAILED
    if any(c.required and c.outcome is CheckOutcome.OUTSIDE for c in checks):
        return Verdict.POOR
    if any(_asks_for_a_look(check) for check in checks):
        return Verdict.CHECK
    return Verdict.HEALTHY


def _asks_for_a_look(check: CheckRecord) -> bool:
    if check.required:
        return check.outcome is not CheckOutcome.PASSED
    return check.outcome is CheckOutcome.OUTSIDE


def _summarise(verdict: Verdict, checks: tuple[CheckRecord, ...]) -> str:
    light, fit, *_ = checks
    if verdict is Verdict.NO_LIGHT:
        return light.text
    if verdict is Verdict.FIT_FAILED:
        return fit.text
    if verdict is Verdict.HEALTHY:
        return "every required check passed"
    worst_first = sorted(filter(_asks_for_a_look, checks), key=_weight)
    return "; ".join(check.text for check in worst_first)


def _weight(check: CheckRecord) -> tuple[bool, bool]:
    return not check.required, check.outcome is not CheckOutcome.OUTSIDE


def _write(value: float, name: str) -> str:
    """Write a number as the field does: gains in units of 1e7, the rest with four digits."""
    return f"{value / 1e7:.3f}e7" if name == "gain" else f"{value:.4g}"


def _unit(unit: str) -> str:
    return f" {unit}" if unit else ""


def _range(limits: tuple[float | None, float | None], name: str) -> str:
    low, high = (None if limit is None else _write(limit, name) for limit in limits)
    if low and high:
        return f"{low} to {high}"
    if low:
        return f"{low} and above"
    return f"{high} and below" if high else "no limits"
