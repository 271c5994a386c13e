"""What is judged beside other points: the centre, the plan's events, the reference."""

from datetime import UTC, datetime
from typing import Any

import pytest

from background_executor.judging.derived_quantities import ScanContext, derive_quantities
from background_executor.judging.health import HealthSettings
from background_executor.judging.reference import (
    ReferenceKind,
    ReferenceRecord,
    compare_spectra,
    shipped_template,
)
from background_executor.judging.verdict import judge
from background_executor.records import CheckOutcome, CheckRecord, Verdict
from server_side.result import Measurement, Missing, PointResult, Quantity
from server_side.scan import ScanKind
from tests.seed_point import make_point
from tests.seed_results import Fate

NOW = datetime(2026, 2, 20, 5, 41, 23, tzinfo=UTC)
TEMPLATE = ReferenceRecord(
    1, "demo", ReferenceKind.TYPE, "R12860", 1, shipped_template(), "", "night shift", NOW
)


def _result(place: int = 1, **made: Any) -> PointResult:
    return make_point(place=place, measured_at=NOW, **made)


def _with(result: PointResult, **values: tuple[float, float]) -> PointResult:
    kept = tuple(entry for entry in result.quality if entry.name not in values)
    given = tuple(
        Quantity(name=name, value=value, error=error, unit="", meaning="as the test says")
        for name, (value, error) in values.items()
    )
    return result.model_copy(update={"quality": (*kept, *given)})


def _derived(result: PointResult, context: ScanContext, name: str) -> Measurement:
    return next(
        entry.measurement
        for entry in derive_quantities(result, context)
        if entry.measurement.name == name
    )


def _check(result: PointResult, context: ScanContext, name: str) -> CheckRecord:
    checks = judge(result, HealthSettings(), NOW, context).verdict.checks
    return next(check for check in checks if check.name == name)


def test_the_relative_efficiency_is_the_ratio_to_the_centre_with_both_errors() -> None:
    centre = _with(_result(0), occupancy_per_monitor_charge=(2.0, 0.06))
    point = _with(_result(3), occupancy_per_monitor_charge=(1.0, 0.04))
    found = _derived(point, ScanContext(centre=centre), "relative_efficiency")
    assert isinstance(found, Quantity)
    assert found.value == pytest.approx(0.5)
    assert found.error == pytest.approx(0.5 * 0.05)


def test_before_the_centre_is_measured_and_at_the_centre_itself_it_is_said() -> None:
    centre = _with(_result(0), occupancy_per_monitor_charge=(2.0, 0.06))
    early = _derived(_result(3), ScanContext(), "relative_efficiency")
    itself = _derived(centre, ScanContext(centre=centre), "relative_efficiency")
    assert isinstance(early, Missing)
    assert early.reason == "the centre is not measured yet"
    assert isinstance(itself, Missing)
    assert itself.reason == "this is the centre itself"


def test_pulses_that_come_later_than_at_the_centre_are_named_with_the_time() -> None:
    centre = _with(_result(0), arrival_time_ns=(321.0, 0.1))
    late = _with(_result(3), arrival_time_ns=(345.0, 0.1))
    check = _check(late, ScanContext(centre=centre), "arrival_shift_ns")
    assert check.outcome is CheckOutcome.OUTSIDE
    assert check.text.startswith("arrival shift 24 ± 0.14 ns lies 200 % above the outer limit 8")


@pytest.mark.parametrize(
    ("expected", "outcome"),
    [(600_000, CheckOutcome.PASSED), (1_200_000, CheckOutcome.OUTSIDE)],
)
def test_a_point_with_half_of_its_events_is_not_complete(
    expected: int, outcome: CheckOutcome
) -> None:
    context = ScanContext(expected_events=expected)
    assert _check(_result(), context, "completeness").outcome is outcome


@pytest.mark.parametrize("place", [0, 3])
def test_without_a_number_in_the_settings_the_median_of_the_other_points_counts(
    place: int,
) -> None:
    half = _result(place).model_copy(update={"triggers": 300_000})
    # One other point stalled as well, and the centre is a point like any other.
    context = ScanContext(centre=_result(0), other_triggers=(600_000, 20_000, 610_000, 590_000))
    check = _check(half, context, "completeness")
    assert check.value == pytest.approx(300_000 / 595_000)
    assert check.outcome is CheckOutcome.OUTSIDE
    assert judge(half, HealthSettings(), NOW, context).verdict.verdict is Verdict.CHECK


def test_with_too_few_other_points_completeness_is_not_measured_and_says_so() -> None:
    half = _result(3).model_copy(update={"triggers": 300_000})
    context = ScanContext(centre=_result(0), other_triggers=(600_000, 600_000))
    check = _check(half, context, "completeness")
    assert check.outcome is CheckOutcome.NOT_MEASURED
    assert check.text == (
        "completeness not measured: settings expect no number of events, "
        "and less than 3 other points are there to compare with"
    )
    assert judge(half, HealthSettings(), NOW, context).verdict.verdict is Verdict.HEALTHY


def test_other_points_without_any_trigger_are_no_measure() -> None:
    check = _check(_result(), ScanContext(other_triggers=(0, 0, 600_000)), "completeness")
    assert check.outcome is CheckOutcome.NOT_MEASURED
    assert "no triggers" in check.text


def test_events_with_the_time_tag_of_another_trigger_are_named_and_not_healthy() -> None:
    result = _with_pmt_file(slipped_events=450_000)
    check = _check(result, ScanContext(), "slipped_events")
    assert check.outcome is CheckOutcome.OUTSIDE
    assert check.text.endswith("450000 events of channel 2")
    assert judge(result, HealthSettings(), NOW).verdict.verdict is Verdict.POOR
    few = judge(_with_pmt_file(slipped_events=1), HealthSettings(), NOW).verdict
    assert few.verdict is Verdict.CHECK


def test_without_time_tags_slipped_events_are_not_measured() -> None:
    check = _check(_result(), ScanContext(), "slipped_events")
    assert check.outcome is CheckOutcome.NOT_MEASURED
    assert "no time tags" in check.text


def test_a_monitor_that_has_not_slipped_does_not_speak_for_the_pmt() -> None:
    result = _result()
    monitor, pmt = result.provenance.inputs[0], result.provenance.inputs[-1]
    assert pmt.channel == result.provenance.acquisition.pmt_channel
    for slipped, outcome in ((0, CheckOutcome.NOT_MEASURED), (9_000, CheckOutcome.OUTSIDE)):
        compared = monitor.model_copy(update={"channel": 1, "slipped_events": slipped})
        provenance = result.provenance.model_copy(update={"inputs": (compared, pmt)})
        judged = result.model_copy(update={"provenance": provenance})
        check = _check(judged, ScanContext(), "slipped_events")
        assert check.outcome is outcome
        assert "PMT's channel 2" in check.text or slipped


def _with_pmt_file(**values: int) -> PointResult:
    result = _result()
    *others, pmt = result.provenance.inputs
    provenance = result.provenance.model_copy(
        update={"inputs": (*others, pmt.model_copy(update=values))}
    )
    return result.model_copy(update={"provenance": provenance})


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"skipped_events": 18_000}, "damaged_events"),
        ({"doubled_events": 18_000}, "doubled_events"),
        ({"lost_events": 18_000}, "lost_events"),
        ({"lost_events": 360_000, "last_event": 239_999}, "cut_off_events"),
    ],
)
def test_each_kind_of_damage_is_named_by_its_own_check(values: dict[str, int], name: str) -> None:
    names = ("damaged_events", "doubled_events", "lost_events", "cut_off_events")
    result = _with_pmt_file(**values)
    outside = [
        each
        for each in names
        if _check(result, ScanContext(), each).outcome is CheckOutcome.OUTSIDE
    ]
    assert outside == [name]


@pytest.mark.parametrize("index", [0, -1])
def test_events_of_another_channel_than_the_file_s_name_are_never_healthy(index: int) -> None:
    result = _result()
    inputs = list(result.provenance.inputs)
    inputs[index] = inputs[index].model_copy(update={"said_channel": 9})
    provenance = result.provenance.model_copy(update={"inputs": tuple(inputs)})
    wrong = result.model_copy(update={"provenance": provenance})
    verdict = judge(wrong, HealthSettings(), NOW).verdict
    assert verdict.verdict is Verdict.POOR
    assert "channel mismatch" in verdict.summary
    assert f"the events of {inputs[index].path} say channel 9" in verdict.summary


def test_events_of_their_file_s_channel_or_of_an_unknown_one_are_no_mismatch() -> None:
    result = _result()
    inputs = tuple(
        file.model_copy(update={"said_channel": file.channel if i else None})
        for i, file in enumerate(result.provenance.inputs)
    )
    provenance = result.provenance.model_copy(update={"inputs": inputs})
    same = result.model_copy(update={"provenance": provenance})
    assert judge(same, HealthSettings(), NOW).verdict.verdict is Verdict.HEALTHY


def test_a_point_without_a_reference_says_so_and_may_be_healthy() -> None:
    judgement = judge(_result(), HealthSettings(), NOW)
    text = _check(_result(), ScanContext(), "reference_chi2_per_ndf").text
    assert judgement.verdict.verdict is Verdict.HEALTHY
    assert text == (
        "reference chi2 per ndf not measured: no reference was made of this PMT or of its type"
    )


@pytest.mark.parametrize("seed", range(10))
def test_each_real_spectrum_at_the_usual_gain_agrees_with_the_template(seed: int) -> None:
    check = _check(_result(seed=seed), ScanContext(reference=TEMPLATE), "reference_ks_distance")
    assert check.outcome is CheckOutcome.PASSED
    assert check.value is not None
    assert "R12860 version 1 (the shipped template)" in check.text


def test_a_spectrum_of_another_gain_does_not_agree_and_the_largest_pulls_are_named() -> None:
    check = _check(
        _result(fate=Fate.POOR), ScanContext(reference=TEMPLATE), "reference_chi2_per_ndf"
    )
    assert check.outcome is CheckOutcome.OUTSIDE
    assert check.text.count(" pC") == 3
    assert "largest pulls" in check.text


def test_a_spectrum_agrees_with_itself() -> None:
    spectrum = _result().spectra[0]
    good = (
        shipped_template()
        .spectra[0]
        .model_copy(update={"counts": tuple(float(count) for count in spectrum.counts)})
    )
    found = compare_spectra(spectrum, good)
    assert not isinstance(found, str)
    assert (found.chi2, found.ks_distance) == (0.0, 0.0)


def test_fluctuations_alone_give_a_chi2_of_one_per_degree_of_freedom() -> None:
    import numpy as np

    template = shipped_template().spectra[0]
    shape = np.asarray(template.counts) / sum(template.counts)
    random, spectrum = np.random.default_rng(5), _result().spectra[0]
    ratios = []
    for charges in (500, 5_000, 50_000) * 20:
        counts = tuple(int(count) for count in random.poisson(charges * shape))
        other = tuple(float(count) for count in random.poisson(20_000 * shape))
        found = compare_spectra(
            spectrum.model_copy(update={"counts": counts}),
            template.model_copy(update={"counts": other}),
        )
        assert not isinstance(found, str)
        ratios.append(found.chi2_per_ndf)
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.1)


def test_other_bins_cannot_be_compared() -> None:
    template = shipped_template().spectra[0]
    moved = template.model_copy(update={"edges_pc": tuple(2 * e for e in template.edges_pc)})
    assert compare_spectra(_result().spectra[0], moved) == (
        "its bins are not those of the reference"
    )


def test_a_voltage_has_no_reference() -> None:
    result = _result(kind=ScanKind.HV)
    check = _check(result, ScanContext(reference=TEMPLATE), "reference_ks_distance")
    assert check.outcome is CheckOutcome.NOT_MEASURED
    assert "not for voltages" in check.text
