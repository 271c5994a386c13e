"""The verdict's table, and the words that go with it."""

import math
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from background_executor.judging.checks import Measured, check_limits
from background_executor.judging.health import GainLimits, GainMethod, HealthSettings
from background_executor.judging.limits import DEFAULT_CHECKS, Limits, MeasurementCheck
from background_executor.judging.verdict import Judgement, judge
from background_executor.records import CheckOutcome, CheckRecord, Verdict
from server_side.result import NoFit, PointResult, Quantity, SpectrumName, ValidFit
from server_side.scan import ScanKind
from tests.seed_point import make_point
from tests.seed_results import Fate

NOW = datetime(2026, 2, 20, 5, 41, 23, tzinfo=UTC)
HEALTH = HealthSettings()


def _result(fate: Fate = Fate.HEALTHY, **made: Any) -> PointResult:
    return make_point(fate, measured_at=NOW, **made)


def _with_gain(result: PointResult, gain: float) -> PointResult:
    fit = result.fits[0]
    assert isinstance(fit, ValidFit)
    return result.model_copy(update={"fits": (fit.model_copy(update={"gain_peak": gain}),)})


def _check(judgement: Judgement, name: str) -> CheckRecord:
    return next(check for check in judgement.verdict.checks if check.name == name)


def _with_check(measurement: str, *, required: bool = False, **limits: float) -> HealthSettings:
    check = MeasurementCheck.model_validate(
        {"measurement": measurement, "required": required, **limits}
    )
    return HealthSettings(checks=(check,))


@pytest.mark.parametrize(
    ("fate", "verdict"),
    [
        (Fate.HEALTHY, Verdict.HEALTHY),
        (Fate.CHECK, Verdict.CHECK),
        (Fate.POOR, Verdict.POOR),
        (Fate.NO_LIGHT, Verdict.NO_LIGHT),
        (Fate.FIT_FAILED, Verdict.FIT_FAILED),
    ],
)
def test_every_fate_has_its_verdict(fate: Fate, verdict: Verdict) -> None:
    judgement = judge(_result(fate), HEALTH, NOW)
    assert judgement.verdict.verdict is verdict
    assert judgement.verdict.judged_at == NOW
    assert (judgement.gain is None) == bool(judgement.gain_missing)


@pytest.mark.parametrize(
    ("gain", "verdict", "words"),
    [
        (0.999e7, Verdict.HEALTHY, "every required check passed"),
        (1.049e7, Verdict.HEALTHY, "every required check passed"),
        (
            0.998e7,
            Verdict.CHECK,
            "gain 0.998e7 ± 0.002e7 lies 0.1 % below the inner limit 0.999e7",
        ),
        (1.0495e7, Verdict.CHECK, "above the inner limit 1.049e7"),
        (
            0.950e7,
            Verdict.CHECK,
            "gain 0.950e7 ± 0.002e7 lies 4.9 % below the inner limit 0.999e7",
        ),
        (0.912e7, Verdict.POOR, "gain 0.912e7 ± 0.002e7 lies 4 % below the outer limit 0.950e7"),
        (1.0501e7, Verdict.POOR, "above the outer limit 1.050e7"),
    ],
)
def test_the_gain_window_has_inner_and_outer_limits(
    gain: float, verdict: Verdict, words: str
) -> None:
    judgement = judge(_with_gain(_result(), gain), HEALTH, NOW)
    assert judgement.verdict.verdict is verdict
    assert words in judgement.verdict.summary


def test_the_rule_that_was_used_is_told() -> None:
    rule = judge(_result(), HEALTH, NOW).verdict.rule
    assert rule == (
        "two_gaussian gain_peak: healthy 0.999e7 to 1.049e7, poor outside 0.950e7 to 1.050e7"
    )


def test_no_light_says_how_little_there_was() -> None:
    verdict = judge(_result(Fate.NO_LIGHT), HEALTH, NOW).verdict
    assert "selected charges in 600000 triggers, a share of" in verdict.summary
    assert "below the outer limit 0.002" in verdict.summary


@pytest.mark.parametrize(
    ("spectrum", "occupancy", "verdict"),
    [
        (SpectrumName.WINDOW, 0.1, Verdict.POOR),
        (SpectrumName.WINDOW, 0.001, Verdict.NO_LIGHT),
        (SpectrumName.THRESHOLD, 0.1, Verdict.NO_LIGHT),
    ],
)
def test_light_under_the_threshold_is_seen_by_the_window_of_a_voltage_point(
    spectrum: SpectrumName, occupancy: float, verdict: Verdict
) -> None:
    result = _result(kind=ScanKind.HV)
    fit = result.fits[0]
    assert isinstance(fit, ValidFit)
    seen = Quantity(name="occupancy", value=occupancy, error=0.0002, unit="", meaning="light")
    fit = fit.model_copy(update={"spectrum": spectrum, "derived": (seen,)})
    dim = result.model_copy(update={"fits": (fit,), "selected_charges": 300})
    judged = judge(dim, HealthSettings(checks=()), NOW)
    assert judged.verdict.verdict is verdict
    by_window = "photoelectrons per trigger by the window's fit of dft"
    assert _check(judged, "light").text.startswith(by_window) == (spectrum is SpectrumName.WINDOW)


def test_no_triggers_at_all_is_not_called_no_light() -> None:
    empty = _result(Fate.NO_LIGHT).model_copy(update={"triggers": 0, "selected_charges": 0})
    assert judge(empty, HEALTH, NOW).verdict.verdict is Verdict.FIT_FAILED


def test_a_failed_fit_says_why_and_gives_no_number() -> None:
    judgement = judge(_result(Fate.FIT_FAILED), HEALTH, NOW)
    assert judgement.gain is None
    assert "there is no peak in the spectrum" in judgement.gain_missing
    assert judgement.verdict.summary == judgement.gain_missing


def test_a_position_whose_second_opinion_is_not_valid_asks_for_a_look() -> None:
    result = _result()
    refused = NoFit(
        outcome="invalid",
        model="dft",
        spectrum=SpectrumName.WINDOW,
        charges=9000,
        message="the minimiser found no valid minimum",
    )
    verdict = judge(
        result.model_copy(update={"fits": (*result.fits, refused)}), HEALTH, NOW
    ).verdict
    assert verdict.verdict is Verdict.CHECK
    assert verdict.summary == (
        "no second opinion, dft is not valid: the minimiser found no valid minimum"
    )


def test_a_model_that_was_not_fitted_cannot_judge() -> None:
    limits = GainLimits(model="dft", outer_low=0.9e7)
    health = HealthSettings(judging_model="dft", gain=(limits,))
    judgement = judge(_result(), health, NOW)
    assert judgement.verdict.verdict is Verdict.FIT_FAILED
    assert judgement.gain_missing == "model dft was not fitted"


def test_a_gain_that_a_model_does_not_have_is_not_replaced_by_another() -> None:
    limits = GainLimits(model="two_gaussian", method=GainMethod.GAIN_MEAN, outer_low=0.8e7)
    health = HealthSettings(judged_gain=GainMethod.GAIN_MEAN, gain=(limits,))
    judgement = judge(_result(), health, NOW)
    assert (judgement.gain, judgement.gain_missing) == (
        None,
        "model two_gaussian has no gain_mean",
    )


def test_voltage_points_have_no_gain_window() -> None:
    low = judge(_with_gain(_result(kind=ScanKind.HV), 0.5e7), HEALTH, NOW)
    assert low.verdict.verdict is Verdict.HEALTHY
    assert all(check.name != "gain" for check in low.verdict.checks)
    assert low.verdict.rule == "dft gain_peak, no gain window in HV checks"


@pytest.mark.parametrize(
    ("damage", "verdict"), [(0, Verdict.HEALTHY), (6000, Verdict.HEALTHY), (6001, Verdict.POOR)]
)
def test_more_than_one_per_cent_of_damaged_events_is_not_healthy(
    damage: int, verdict: Verdict
) -> None:
    assert judge(_result(damage=damage), HEALTH, NOW).verdict.verdict is verdict


@pytest.mark.parametrize(("damaged", "verdict"), [(60, Verdict.HEALTHY), (61, Verdict.POOR)])
def test_damaged_events_that_other_channels_have_count_once(damaged: int, verdict: Verdict) -> None:
    result = _result()
    *others, pmt = result.provenance.inputs
    harmed = pmt.model_copy(
        update={
            "events": 6000 - damaged,
            "skipped_events": damaged,
            "lost_events": damaged,
        }
    )
    provenance = result.provenance.model_copy(update={"inputs": (*others, harmed)})
    judgement = judge(result.model_copy(update={"provenance": provenance}), HEALTH, NOW)
    assert _check(judgement, "damage").value == damaged / 6000
    assert judgement.verdict.verdict is verdict


@pytest.mark.parametrize("field", ["lost_events", "doubled_events"])
def test_lost_and_doubled_events_count_as_damage_of_the_worst_channel(field: str) -> None:
    result = _result()
    first, *others = result.provenance.inputs
    worst = first.model_copy(update={field: first.events // 10})
    provenance = result.provenance.model_copy(update={"inputs": (worst, *others)})
    judgement = judge(result.model_copy(update={"provenance": provenance}), HEALTH, NOW)
    assert judgement.verdict.verdict is Verdict.POOR
    assert "share of damaged, doubled, lost and slipped events" in judgement.verdict.summary


def test_a_result_that_names_no_raw_file_is_not_healthy() -> None:
    result = _result()
    provenance = result.provenance.model_copy(update={"inputs": ()})
    judgement = judge(result.model_copy(update={"provenance": provenance}), HEALTH, NOW)
    assert judgement.verdict.verdict is Verdict.CHECK
    assert _check(judgement, "damage").outcome is CheckOutcome.NOT_MEASURED


@pytest.mark.parametrize(
    ("charges", "verdict"),
    [(2000, Verdict.HEALTHY), (1999, Verdict.CHECK), (499, Verdict.POOR)],
)
def test_few_charges_are_told(charges: int, verdict: Verdict) -> None:
    few = _result().model_copy(update={"selected_charges": charges, "triggers": charges * 10})
    assert judge(few, HEALTH, NOW).verdict.verdict is verdict


@pytest.mark.parametrize(
    ("required", "limits", "verdict"),
    [
        (True, {"outer_low": 0.05}, Verdict.HEALTHY),
        (True, {"inner_low": 0.09}, Verdict.CHECK),
        (True, {"outer_low": 0.09}, Verdict.POOR),
        (False, {"inner_low": 0.09}, Verdict.HEALTHY),
        (False, {"outer_low": 0.09}, Verdict.CHECK),
        (False, {"outer_high": 0.05}, Verdict.CHECK),
    ],
)
def test_further_checks_count_by_their_limits_and_weight(
    *, required: bool, limits: dict[str, float], verdict: Verdict
) -> None:
    health = _with_check("occupancy", required=required, **limits)
    assert judge(_result(), health, NOW).verdict.verdict is verdict


@pytest.mark.parametrize("name", ["reference_charge_pc", "no_such_quantity"])
def test_an_optional_check_that_was_not_measured_is_said_and_does_not_stand_in_the_way(
    name: str,
) -> None:
    judgement = judge(_result(), _with_check(name, outer_low=0.9), NOW)
    check = _check(judgement, name)
    assert judgement.verdict.verdict is Verdict.HEALTHY
    assert check.outcome is CheckOutcome.NOT_MEASURED
    assert check.text.startswith(f"{name.replace('_', ' ')} not measured: ")


def test_a_required_check_that_was_not_measured_keeps_a_point_from_being_healthy() -> None:
    health = _with_check("reference_charge_pc", required=True, outer_low=0.9)
    judgement = judge(_result(), health, NOW)
    assert judgement.verdict.verdict is Verdict.CHECK
    assert judgement.verdict.summary == "reference charge pc not measured: there is no channel 4"


def test_a_quantity_without_limits_is_shown_with_its_error_and_passes() -> None:
    quantity = Quantity(name="monitor_charge_pc", value=203.0, error=0.2, unit="pC", meaning="")
    result = _result()
    result = result.model_copy(update={"quality": (*result.quality, quantity)})
    judgement = judge(result, HEALTH, NOW)
    check = _check(judgement, "monitor_charge_pc")
    assert judgement.verdict.verdict is Verdict.HEALTHY
    assert (check.outcome, check.value, check.error) == (CheckOutcome.PASSED, 203.0, 0.2)
    assert check.text == "monitor charge 203 ± 0.2 pC, for which no limits are set"


def test_a_dark_rate_says_above_which_threshold() -> None:
    meaning = "Pulses above 3 mV before the light arrives, per time observed there."
    rate = Quantity(name="dark_rate_hz", value=9e4, error=300.0, unit="Hz", meaning=meaning)
    result = _result()
    result = result.model_copy(update={"quality": (*result.quality, rate)})
    check = _check(judge(result, HEALTH, NOW), "dark_rate_hz")
    assert "above the outer limit 5e+04; pulses above 3 mV before the light arrives" in check.text


def test_every_number_of_a_verdict_has_its_error() -> None:
    result = _result(damage=60)
    fit = result.fits[0]
    assert isinstance(fit, ValidFit)
    assert fit.ndf is not None
    checks = judge(result, HEALTH, NOW).verdict.checks
    errors = {check.name: check.error for check in checks if check.value is not None}
    assert None not in errors.values()
    share = 60 / result.triggers
    assert errors["fit"] == pytest.approx(math.sqrt(2.0 / fit.ndf))
    assert errors["damage"] == pytest.approx(math.sqrt(share * (1.0 - share) / result.triggers))
    assert errors["light"] == pytest.approx(
        math.sqrt(result.selected_charges) / result.triggers, rel=0.1
    )
    assert errors["channel_mismatch"] == 0.0


def test_models_that_differ_in_mean_or_occupancy_ask_for_a_look() -> None:
    for name in ("gain_mean_model_systematic", "occupancy_model_systematic"):
        spread = Quantity(name=name, value=0.5, error=0.03, unit="", meaning="")
        result = _result()
        result = result.model_copy(update={"quality": (*result.quality, spread)})
        judgement = judge(result, HEALTH, NOW)
        assert judgement.verdict.verdict is Verdict.CHECK
        assert "above the outer limit 0.4" in _check(judgement, name).text


def test_every_documented_quantity_is_checked_by_itself_or_within_another() -> None:
    text = (Path(__file__).parents[3] / "docs" / "measurement.md").read_text()
    tables = text.split("## Quality")[1].split("## Reference")[0]
    firsts = re.findall(r"(?m)^\| (`.+?`) \| ", tables)
    documented = {name for first in firsts for name in re.findall(r"`(\w+)`", first)}
    within_another = {
        *("ped_mean_pc", "ped_sigma_pc", "spe_mean_pc", "spe_sigma_pc"),
        *("lost_fraction", "damaged_fraction"),
        *("occupancy_per_monitor_charge", "occupancy_per_reference_occupancy"),
    }
    checked = {check.measurement for check in DEFAULT_CHECKS}
    assert documented - checked == within_another
    assert checked <= documented


def test_a_check_may_be_for_one_kind_of_scan_only() -> None:
    check = MeasurementCheck(measurement="occupancy", outer_low=1.0, kinds=(ScanKind.HV,))
    health = HealthSettings(checks=(check,))
    assert judge(_result(), health, NOW).verdict.verdict is Verdict.HEALTHY
    assert judge(_result(kind=ScanKind.HV), health, NOW).verdict.verdict is Verdict.CHECK


def test_the_worst_finding_stands_first() -> None:
    health = _with_check("occupancy", outer_low=1.0)
    summary = judge(_result(Fate.POOR, damage=60_000), health, NOW).verdict.summary
    gain, damage, occupancy = summary.split("; ")
    assert "gain" in gain
    assert "damaged" in damage
    assert "occupancy" in occupancy


def test_judging_again_with_other_limits_needs_no_raw_data() -> None:
    result = _result(Fate.POOR)
    wide = GainLimits(model="two_gaussian", inner_low=0.8e7, outer_low=0.7e7)
    assert judge(result, HEALTH, NOW).verdict.verdict is Verdict.POOR
    assert judge(result, HealthSettings(gain=(wide,)), NOW).verdict.verdict is Verdict.HEALTHY


@given(gain=st.floats(0.5e7, 1.5e7))
def test_only_gains_in_the_inner_window_are_healthy_and_only_those_outside_of_the_outer_poor(
    gain: float,
) -> None:
    verdict = judge(_with_gain(_result(), gain), HEALTH, NOW).verdict.verdict
    assert (verdict is Verdict.HEALTHY) == (0.999e7 <= gain <= 1.049e7)
    assert (verdict is Verdict.POOR) == (not 0.95e7 <= gain <= 1.05e7)


@given(
    value=st.floats(-1e9, 1e9),
    limits=st.lists(st.floats(-1e9, 1e9), min_size=4, max_size=4).map(sorted),
)
def test_the_outcome_of_a_check_follows_its_limits(value: float, limits: list[float]) -> None:
    outer_low, inner_low, inner_high, outer_high = limits
    names = {"outer_low": outer_low, "inner_low": inner_low}
    names |= {"inner_high": inner_high, "outer_high": outer_high}
    check = check_limits(Measured("it", value), Limits(**names), required=True)
    is_outside = not outer_low <= value <= outer_high
    is_near = not inner_low <= value <= inner_high
    expected = CheckOutcome.NEAR_LIMIT if is_near else CheckOutcome.PASSED
    assert check.outcome is (CheckOutcome.OUTSIDE if is_outside else expected)
    assert check.text


def test_what_may_be_the_cause_of_no_light_is_said_with_it() -> None:
    result = _result(Fate.NO_LIGHT)
    dead = tuple(
        entry.model_copy(update={"value": 0.0}) if entry.name == "baseline_noise_adc" else entry
        for entry in result.quality
    )
    verdict = judge(result.model_copy(update={"quality": dead}), HEALTH, NOW).verdict
    assert verdict.verdict is Verdict.NO_LIGHT
    assert "baseline noise 0 ± 0.004 counts lies 100 % below the outer limit 0.5" in (
        verdict.summary
    )
