"""From a result and limits to a verdict with its reasons: pure, so that it can be repeated.

Order of judgement: no light, then fit failed, then the checks. ``poor`` when a
required check is outside its limits; ``check`` when a required one is near its
limits or could not be measured, or an optional one is outside; else ``healthy``.
An optional check that could not be measured is said and stands in nobody's way.
"""

import math
from dataclasses import dataclass, replace
from datetime import datetime

from background_executor.judging.checks import (
    Measured,
    as_measured,
    binomial_error,
    check_limits,
    write_range,
)
from background_executor.judging.derived_quantities import (
    NO_CONTEXT,
    Derived,
    ScanContext,
    derive_quantities,
)
from background_executor.judging.health import GainMethod, HealthSettings
from background_executor.judging.limits import OPEN, Limits, MeasurementCheck
from background_executor.records import (
    CheckOutcome,
    CheckRecord,
    GainRecord,
    Verdict,
    VerdictRecord,
)
from server_side.result import InputFile, NoFit, PointResult, Quantity, SpectrumName, ValidFit
from server_side.scan import ScanKind

SECOND_OPINION = "dft"
"""The model that every position is fitted with beside the judging one, and that quality is from."""

NEEDS_ITS_MEANING = ("dark_rate_hz",)
"""Quantities that are no numbers without how they were measured: above which threshold."""


@dataclass(frozen=True)
class Judgement:
    """A verdict and the gain that it rests on."""

    verdict: VerdictRecord
    gain: GainRecord | None
    gain_missing: str
    """Why there is no gain; empty when there is one."""


def judge(
    result: PointResult,
    health: HealthSettings,
    now: datetime,
    context: ScanContext = NO_CONTEXT,
) -> Judgement:
    """Judge a result by the limits given.

    Parameters
    ----------
    context
        What is known around the point; without it, what needs it is not measured.
    """
    derived = derive_quantities(result, context)
    gain, missing = judged_gain(result, health)
    checks = (
        _light_check(result, health),
        _fit_check(result, health, gain, missing),
        *_gain_checks(result, health, gain),
        *_opinion_checks(result, health, gain),
        _statistics_check(result, health),
        _damage_check(result, health),
        *(
            _measurement_check(result, derived, check)
            for check in health.checks
            if _is_for(check, result)
        ),
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
    inner, outer = (write_range(side, "gain") for side in (limits.inner, limits.outer))
    return f"{model} {method.value}: healthy {inner}, poor outside {outer}"


def _gain_of(fit: ValidFit, method: GainMethod) -> tuple[float | None, float | None]:
    if method is GainMethod.GAIN_MEAN:
        return fit.gain_mean, fit.gain_mean_err
    return fit.gain_peak, fit.gain_peak_err


def _is_for(check: MeasurementCheck, result: PointResult) -> bool:
    return result.kind in check.kinds


def _light_check(result: PointResult, health: HealthSettings) -> CheckRecord:
    """Judge how much light there was.

    At the lowest voltages of an HV check most pulses stay under the threshold and its charge
    cuts: there the photoelectrons per trigger of the window's fit count, where it is valid.
    """
    limit = health.no_light_fraction
    limits = Limits(inner_low=limit, outer_low=limit)
    occupancy = _window_occupancy(result, health) if result.kind is ScanKind.HV else None
    if occupancy is not None:
        label = f"photoelectrons per trigger by the window's fit of {health.hv_model}"
        return check_limits(
            Measured("light", occupancy.value, occupancy.error, label=label), limits, required=True
        )
    if not result.triggers:
        return check_limits(
            Measured("light", None, reason="there are no triggers"), limits, required=True
        )
    share = result.selected_charges / result.triggers
    error = binomial_error(min(share, 1.0), result.triggers)
    counted = f"{result.selected_charges} selected charges in {result.triggers} triggers"
    measured = Measured("light", share, error, label=f"{counted}, a share of")
    return check_limits(measured, limits, required=True)


def _window_occupancy(result: PointResult, health: HealthSettings) -> Quantity | None:
    fit = result.fit_of(health.hv_model)
    if not isinstance(fit, ValidFit) or fit.spectrum is not SpectrumName.WINDOW:
        return None
    found = next((entry for entry in fit.derived if entry.name == "occupancy"), None)
    return found if isinstance(found, Quantity) else None


def _fit_check(
    result: PointResult, health: HealthSettings, gain: GainRecord | None, missing: str
) -> CheckRecord:
    model, _ = judging_model(result.kind, health)
    chi2, ndf = (None, None) if gain is None else (gain.chi2, gain.ndf)
    return CheckRecord(
        name="fit",
        outcome=CheckOutcome.OUTSIDE if gain is None else CheckOutcome.PASSED,
        required=True,
        value=chi2 / ndf if chi2 is not None and ndf else None,
        error=math.sqrt(2.0 / ndf) if chi2 is not None and ndf else None,
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


def _opinion_checks(
    result: PointResult, health: HealthSettings, gain: GainRecord | None
) -> tuple[CheckRecord, ...]:
    """Name a second opinion that could not be formed where the judging model has a gain."""
    model, _ = judging_model(result.kind, health)
    fit = result.fit_of(SECOND_OPINION)
    if gain is None or model == SECOND_OPINION or not isinstance(fit, NoFit):
        return ()
    return (
        CheckRecord(
            name="second_opinion",
            outcome=CheckOutcome.OUTSIDE,
            required=False,
            value=None,
            error=None,
            unit="",
            inner=OPEN,
            outer=OPEN,
            text=f"no second opinion, {SECOND_OPINION} is not valid: {fit.message}",
        ),
    )


def _statistics_check(result: PointResult, health: HealthSettings) -> CheckRecord:
    charges = result.selected_charges
    measured = Measured(
        "statistics", charges, math.sqrt(charges), label="number of selected charges"
    )
    return check_limits(measured, health.statistics, required=True)


def _damage_check(result: PointResult, health: HealthSettings) -> CheckRecord:
    files = [file for file in result.provenance.inputs if file.expected_events]
    share, whole = max(((_damage_share(f), f.expected_events) for f in files), default=(None, 0))
    measured = Measured(
        "damage",
        share,
        None if share is None else binomial_error(share, whole),
        reason="no raw file with events is named in the result",
        label="share of damaged, doubled, lost and slipped events",
    )
    return check_limits(measured, health.damage, required=True)


def _damage_share(file: InputFile) -> float:
    """Return which share of a channel's events is at fault in any way."""
    faulty = file.skipped_events + file.vanished_events + file.doubled_events
    faulty += file.slipped_events or 0
    return min(1.0, faulty / file.expected_events)


def _measurement_check(
    result: PointResult, derived: tuple[Derived, ...], check: MeasurementCheck
) -> CheckRecord:
    name = check.measurement
    other = next((entry for entry in derived if entry.measurement.name == name), None)
    found = result.measurement_of(name) if other is None else other.measurement
    remark = "" if other is None else other.remark
    if name in NEEDS_ITS_MEANING and isinstance(found, Quantity):
        remark = f"{found.meaning[0].lower()}{found.meaning[1:]}".rstrip(".")
    measured = replace(as_measured(name, found), remark=remark)
    return check_limits(measured, check, required=check.required)


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
    if verdict is Verdict.HEALTHY:
        return "every required check passed"
    if verdict in (Verdict.NO_LIGHT, Verdict.FIT_FAILED):
        # Other required checks fail with it; an optional one may be the cause.
        first = light if verdict is Verdict.NO_LIGHT else fit
        causes = (c for c in checks if not c.required and _asks_for_a_look(c))
        return "; ".join(check.text for check in (first, *causes))
    worst_first = sorted(filter(_asks_for_a_look, checks), key=_weight)
    return "; ".join(check.text for check in worst_first)


def _weight(check: CheckRecord) -> tuple[bool, bool]:
    return not check.required, check.outcome is not CheckOutcome.OUTSIDE
