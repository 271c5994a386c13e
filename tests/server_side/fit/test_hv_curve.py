import math
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server_side.hv_curve import HvCurve, fit_hv_curve, gain_at_voltage


@dataclass(frozen=True)
class Series:
    """Points of an HV check that follow a power law exactly."""

    voltage: list[float]
    gain: list[float]
    error: list[float]


def exact_series(
    hv: float = 1812.3, index: float = 7.1, low: float = 1700, relative: float = 0.004
) -> Series:
    voltage = [low + 50.0 * step for step in range(5)]
    gain = [1e7 * (v / hv) ** index for v in voltage]
    return Series(voltage, gain, [relative * g for g in gain])


def refused(curve: HvCurve) -> str:
    assert not curve.valid
    assert curve.hv_at_target_v is None
    assert curve.hv_at_target_err_v is None
    assert curve.message
    return curve.message


@pytest.mark.parametrize(("hv", "index"), [(1712.0, 6.5), (1812.3, 7.1), (1888.0, 7.5)])
def test_an_exact_power_law_is_found_again(hv: float, index: float) -> None:
    series = exact_series(hv, index)
    curve = fit_hv_curve(series.voltage, series.gain, series.error)
    assert curve.valid
    assert curve.message == ""
    assert curve.hv_at_target_v == pytest.approx(hv, abs=1e-6)
    assert curve.index == pytest.approx(index, abs=1e-9)
    assert curve.chi2 == pytest.approx(0, abs=1e-9)
    assert curve.ndf == 3


def test_the_order_of_the_points_does_not_matter() -> None:
    series = exact_series()
    straight = fit_hv_curve(series.voltage, series.gain, series.error)
    turned = fit_hv_curve(series.voltage[::-1], series.gain[::-1], series.error[::-1])
    assert straight == turned


@pytest.mark.parametrize("hv", [1720.0, 1800.0, 1880.0])
def test_errors_without_the_scatter_cover_the_truth_also_far_from_the_pivot(hv: float) -> None:
    series, rng = exact_series(hv), np.random.default_rng(3)
    pulls, index_pulls = [], []
    for _ in range(1500):
        scale = np.array([0.002, 0.003, 0.004, 0.006, 0.008])
        gain = np.array(series.gain) * np.exp(scale * rng.standard_normal(5))
        curve = fit_hv_curve(series.voltage, list(gain), list(gain * scale))
        if curve.hv_at_target_v is None:
            continue
        scatter = math.sqrt(max(1.0, curve.chi2 / curve.ndf))
        pulls.append((curve.hv_at_target_v - hv) / curve.hv_at_target_err_v * scatter)
        index_pulls.append((curve.index - 7.1) / curve.index_err * scatter)
    assert len(pulls) > 1450
    assert np.mean(pulls) == pytest.approx(0, abs=0.1)
    assert np.std(pulls) == pytest.approx(1, abs=0.07)
    assert np.std(index_pulls) == pytest.approx(1, abs=0.07)


def test_points_that_scatter_more_than_their_errors_widen_the_stated_errors() -> None:
    quiet, loud = exact_series(), exact_series()
    for place, part in enumerate((0.006, -0.006, 0.006, -0.006, 0.006)):
        loud.gain[place] *= 1.0 + part
    exact = fit_hv_curve(quiet.voltage, quiet.gain, quiet.error)
    scattered = fit_hv_curve(loud.voltage, loud.gain, loud.error)
    assert scattered.valid
    scatter = math.sqrt(scattered.chi2 / scattered.ndf)
    assert scatter > 1.5
    for name in ("index_err", "log_gain_err", "hv_at_target_err_v"):
        ratio = getattr(scattered, name) / getattr(exact, name)
        assert ratio == pytest.approx(scatter, rel=0.01), name


def test_errors_that_are_stated_half_too_small_still_cover_the_truth() -> None:
    series, rng, pulls = exact_series(), np.random.default_rng(5), []
    for _ in range(1500):
        gain = np.array(series.gain) * np.exp(0.006 * rng.standard_normal(5))
        curve = fit_hv_curve(series.voltage, list(gain), list(0.004 * gain))
        if curve.hv_at_target_v is not None:
            pulls.append((curve.hv_at_target_v - 1812.3) / curve.hv_at_target_err_v)
    assert len(pulls) > 1400
    assert np.mean(np.abs(pulls) < 1.0) > 0.6


def test_the_curve_gives_gain_and_band() -> None:
    series = exact_series()
    curve = fit_hv_curve(series.voltage, series.gain, series.error)
    found = gain_at_voltage(curve, 1812.3)
    assert found is not None
    assert found[0] == pytest.approx(1e7)
    far = gain_at_voltage(curve, 2100.0)
    assert far is not None
    assert far[1] / far[0] > found[1] / found[0]
    assert gain_at_voltage(fit_hv_curve([], [], []), 1800.0) is None


@pytest.mark.parametrize(("factor", "word"), [(3.0, "above"), (0.2, "below")])
def test_a_target_outside_of_the_measured_gains_is_refused(factor: float, word: str) -> None:
    series = exact_series()
    gain = [factor * g for g in series.gain]
    curve = fit_hv_curve(series.voltage, gain, [0.004 * g for g in gain])
    assert word in refused(curve)
    assert "extrapolation" in curve.message
    assert curve.index == pytest.approx(7.1)


@pytest.mark.parametrize("index", [1.0, 3.9, 12.1, 30.0])
def test_an_index_that_no_photomultiplier_has_is_refused(index: float) -> None:
    series = exact_series(1800.0, index)
    message = refused(fit_hv_curve(series.voltage, series.gain, series.error))
    assert "index" in message


def test_an_index_that_the_errors_leave_open_is_refused() -> None:
    curve = fit_hv_curve([1700, 1800, 1900], [6.6e6, 9.9e6, 1.4e7], [3e6, 4e6, 6e6])
    message = refused(curve)
    assert "the index 6.76 ± 5.62 is not known well enough" in message
    assert curve.index_err is not None


@pytest.mark.parametrize(("relative", "valid"), [(0.1, True), (0.2, False)])
def test_the_error_of_the_index_may_be_a_quarter_of_the_allowed_range(
    relative: float, valid: bool
) -> None:
    series = exact_series(relative=relative)
    curve = fit_hv_curve(series.voltage, series.gain, series.error)
    assert curve.index_err is not None
    assert ((curve.index_err <= 2.0), curve.valid) == (valid, valid)


def test_points_off_a_power_law_are_refused_and_the_farthest_is_named() -> None:
    series = exact_series()
    gain = list(series.gain)
    gain[2] *= 1.1
    message = refused(fit_hv_curve(series.voltage, gain, series.error))
    assert "power law" in message
    assert "1800 V" in message


def test_swapped_points_are_refused_as_not_rising() -> None:
    series = exact_series()
    gain = [series.gain[i] for i in (0, 2, 1, 3, 4)]
    assert "does not rise from 1750 V" in refused(fit_hv_curve(series.voltage, gain, series.error))


def test_flat_gains_are_refused() -> None:
    series = exact_series()
    assert "does not rise" in refused(fit_hv_curve(series.voltage, [1e7] * 5, [1e5] * 5))


@pytest.mark.parametrize("dead", [math.nan, 0.0, -1e7, math.inf, None, "no fit"], ids=str)
def test_a_point_without_a_gain_is_named_and_spoils_the_curve(dead: object) -> None:
    series = exact_series()
    gain: list = [*series.gain[:3], dead, series.gain[4]]
    assert "no gain at 1850 V" in refused(fit_hv_curve(series.voltage, gain, series.error))


@pytest.mark.parametrize("missing", [math.nan, 0.0, -1.0, math.inf, None, 1e12, 1e-9])
def test_a_gain_without_a_believable_error_is_refused(missing: object) -> None:
    series = exact_series()
    error: list = [missing, *series.error[1:]]
    assert "1700 V" in refused(fit_hv_curve(series.voltage, series.gain, error))


def test_too_few_doubled_or_crowded_points_are_refused() -> None:
    series = exact_series()
    assert "at least 3" in refused(fit_hv_curve([1700, 1900], [1e6, 2e7], [1e4, 1e5]))
    assert "equally many" in refused(fit_hv_curve(series.voltage, series.gain[:4], series.error))
    doubled = [1700.0, 1750.0, 1750.0, 1850.0, 1900.0]
    assert "1750 V stands in the series twice" in refused(
        fit_hv_curve(doubled, series.gain, series.error)
    )
    crowded = [1800.0 + 0.1 * step for step in range(5)]
    assert "within 1 %" in refused(fit_hv_curve(crowded, series.gain, series.error))


@pytest.mark.parametrize("target", [0.0, -1.0, math.nan, math.inf])
def test_a_target_that_is_no_gain_is_refused(target: float) -> None:
    series = exact_series()
    curve = fit_hv_curve(series.voltage, series.gain, series.error, target_gain=target)
    assert "target gain" in refused(curve)


ANY_NUMBER = st.floats(allow_nan=True, allow_infinity=True, width=64)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(ANY_NUMBER, ANY_NUMBER, ANY_NUMBER), max_size=8))
def test_no_numbers_make_it_raise(rows: list[tuple[float, float, float]]) -> None:
    voltage, gain, error = ([row[k] for row in rows] for k in range(3))
    curve = fit_hv_curve(voltage, gain, error)
    assert curve.valid == (curve.hv_at_target_v is not None)
    assert curve.valid or curve.message


POSITIVE = st.floats(min_value=1e-300, max_value=1e300)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(POSITIVE, POSITIVE), min_size=3, max_size=8), POSITIVE)
def test_a_voltage_lies_between_the_measured_ones(
    rows: list[tuple[float, float]], target: float
) -> None:
    voltage, gain = sorted(row[0] for row in rows), sorted(row[1] for row in rows)
    curve = fit_hv_curve(voltage, gain, [0.3 * g for g in gain], target_gain=target)
    if curve.hv_at_target_v is not None:
        assert voltage[0] <= curve.hv_at_target_v <= voltage[-1]
        assert 4 <= (curve.index or 0) <= 12


def test_a_point_beside_the_curve_through_the_others_is_named_also_when_there_is_a_voltage() -> (
    None
):
    series = exact_series(relative=0.004)
    series.gain[3] *= 1.016
    curve = fit_hv_curve(series.voltage, series.gain, series.error)
    assert curve.valid
    assert [outlier.voltage_v for outlier in curve.outliers] == [1850.0]
    assert curve.outliers[0].pull > 3.0
    assert "1850 V lies" in curve.message
    assert "errors above the curve through the other points" in curve.message


def test_points_on_the_curve_are_no_outliers() -> None:
    series, rng = exact_series(), np.random.default_rng(7)
    named = 0
    for _ in range(200):
        gains = [g * (1 + 0.004 * rng.standard_normal()) for g in series.gain]
        named += len(fit_hv_curve(series.voltage, gains, series.error).outliers)
    # A pull of more than 3 has a probability of 0.0027, with five points a series.
    assert named <= 12


def test_three_points_have_no_outlier() -> None:
    series = exact_series()
    curve = fit_hv_curve(series.voltage[:3], series.gain[:3], series.error[:3])
    assert curve.outliers == ()
