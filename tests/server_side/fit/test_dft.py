"""The Fourier model against toys of the literature, real spectra, and what it must refuse."""

import json
from pathlib import Path

import numpy as np
import pytest

from server_side.fit_outcome import Minimum
from server_side.held_nuisances import Doubt
from server_side.response.compound import FourierGrid
from server_side.response.dft import DftWindow
from server_side.response.dft_threshold import DftThreshold
from server_side.response.spe_shape import SpeShape
from server_side.result import ELEMENTARY_CHARGE_C, NoFit, Spectrum, SpectrumName, ValidFit
from tests.charge_toys import (
    Draw,
    box_and_line_truth,
    spe_charges,
    window_charges,
)
from tests.kalousis_toys import HELD_TO, measure_bias

DATA = Path(__file__).parents[2] / "data"

PC = 1e-12 / ELEMENTARY_CHARGE_C


def draw(shape: SpeShape) -> Draw:
    return lambda rng, number: spe_charges(rng, shape, number)


def test_the_transform_is_that_of_the_density() -> None:
    shape = SpeShape(1.6, 0.7, 0.2, 0.5, 0.1)
    charge = np.linspace(0.0, 14.0, 400_001)
    for frequency in (0.0, 0.7, 3.0, 11.0):
        wave = np.exp(1j * frequency * charge) * shape.density(charge)
        assert shape.transform(np.array([frequency]))[0] == pytest.approx(
            np.trapezoid(wave, charge), abs=2e-5
        )


def test_moments_and_mode_are_those_of_the_density() -> None:
    shape = SpeShape(1.6, 0.5, 0.25, 0.6, 0.15)
    charge = np.linspace(0.0, 16.0, 800_001)
    density = shape.density(charge)
    mean, sigma = shape.moments()
    assert mean == pytest.approx(np.trapezoid(charge * density, charge), abs=1e-4)
    square = np.trapezoid(charge**2 * density, charge)
    assert sigma == pytest.approx(np.sqrt(square - mean**2), abs=1e-4)
    core = charge > 0.8
    assert shape.mode_pc() == pytest.approx(charge[core][np.argmax(density[core])], abs=1e-4)


def test_expected_counts_agree_with_sampling() -> None:
    rng, shape = np.random.default_rng(2), SpeShape(1.6, 0.5, 0.2, 0.5, 0.1)
    charge = window_charges(rng, draw(shape), 1_000_000, 0.8, (0.02, 0.2))
    edges = np.linspace(-1.0, 12.0, 131)
    counts, _ = np.histogram(charge, edges)
    expected = DftWindow().expected(np.array([1e6, 0.8, 0.02, 0.2, 1.6, 0.5, 0.2, 0.5, 0.1]), edges)
    filled = expected > 10
    chi2 = np.sum((counts - expected)[filled] ** 2 / expected[filled])
    assert chi2 < filled.sum() + 4 * np.sqrt(2 * filled.sum())


def test_the_parts_add_up_to_the_whole() -> None:
    edges = np.linspace(-1.0, 9.0, 101)
    for model, values in (
        (DftWindow(), [1e5, 0.5, 0.0, 0.2, 1.6, 0.5, 0.1, 0.4, 0.1]),
        (DftThreshold(), [1e5, 0.5, 1.6, 0.5, 0.7, 0.3, 0.2]),
    ):
        parts = model.components(np.array(values), edges)
        total = model.expected(np.array(values), edges)
        assert np.allclose(sum(part.counts for part in parts), total, atol=1e-6)


def test_the_grid_covers_the_histogram() -> None:
    grid = FourierGrid.of(np.linspace(0.5, 4.5, 51), farthest_pc=20.0)
    assert grid.centres_pc[0] == pytest.approx(0.51)
    assert grid.centres_pc[-1] == pytest.approx(4.49)


@pytest.mark.slow
@pytest.mark.parametrize("occupancy", HELD_TO)
def test_the_bias_is_at_most_half_more_than_published(fitter, occupancy: float) -> None:
    bias = measure_bias(fitter, 10, occupancy)
    assert bias.invalid == 0
    assert bias.is_allowed, bias


@pytest.mark.parametrize("occupancy", [0.02, 0.3, 1.5, 5.0])
def test_it_converges_from_little_light_to_much(fitter, make_spectrum, occupancy: float) -> None:
    rng, shape = np.random.default_rng(6), SpeShape(1.6, 0.4, 0.12, 0.6)
    charge = window_charges(rng, draw(shape), 150_000, occupancy, (0.0, 0.15))
    edges = np.linspace(-1.2, float(np.quantile(charge, 0.999)) + 1.0, 301)
    counts, _ = np.histogram(charge, edges)
    fit = fitter.fit(make_spectrum(edges, counts, SpectrumName.WINDOW), "dft")
    assert isinstance(fit, ValidFit), fit
    assert abs(fit.gain_peak - shape.mode_pc() * PC) < 4.5 * fit.gain_peak_err
    assert fit.gain_peak_err < 0.03 * fit.gain_peak
    derived = {entry.name: entry for entry in fit.derived}
    assert abs(derived["occupancy"].value - occupancy) < 4.5 * derived["occupancy"].error


def test_a_spectrum_without_low_charges_fixes_them_at_none_and_says_so(
    fitter, make_spectrum
) -> None:
    rng, shape = np.random.default_rng(8), SpeShape(1.6, 0.4, 0.0, 0.6)
    charge = window_charges(rng, draw(shape), 60_000, 0.3, (0.0, 0.15))
    edges = np.linspace(-1.2, 9.0, 301)
    counts, _ = np.histogram(charge, edges)
    fit = fitter.fit(make_spectrum(edges, counts, SpectrumName.WINDOW), "dft")
    assert isinstance(fit, ValidFit), fit
    assert abs(fit.gain_peak - 1.6 * PC) < 4.5 * fit.gain_peak_err
    fraction = next(p for p in fit.parameters if p.name == "low_fraction")
    assert fraction.error is not None or "low_fraction = 0" in fit.message


def test_a_nuisance_that_the_spectrum_says_nothing_of_spoils_no_error(fitter) -> None:
    recorded = json.loads((DATA / "window_spectrum_flat_valley.json").read_text())
    fit = fitter.fit(Spectrum.model_validate(recorded["spectrum"]), "dft")
    assert isinstance(fit, ValidFit)
    true_gain = recorded["true_peak_pc"] * 1e-12 / ELEMENTARY_CHARGE_C
    assert fit.gain_peak_err < 0.01 * fit.gain_peak
    assert abs(fit.gain_peak - true_gain) < 3 * fit.gain_peak_err


def test_a_nuisance_that_the_spectrum_needs_is_not_fixed_to_make_a_failed_fit_valid(
    fitter,
) -> None:
    recorded = json.loads((DATA / "window_spectrum_failed_minimum.json").read_text())
    fit = fitter.fit(Spectrum.model_validate(recorded["spectrum"]), "dft")
    if isinstance(fit, NoFit):
        assert fit.message == "the minimiser found no valid minimum"
    else:
        assert "low_fraction = 0" not in fit.message
        assert abs(fit.gain_peak - recorded["true_peak_pc"] * PC) < 2 * fit.gain_peak_err


def test_a_nuisance_at_its_boundary_is_fixed_before_one_that_only_came_near(fitter) -> None:
    recorded = json.loads((DATA / "window_spectrum_of_gaussians.json").read_text())
    fit = fitter.fit(Spectrum.model_validate(recorded["spectrum"]), "dft")
    assert isinstance(fit, ValidFit), fit
    assert fit.message.count("fixed") == 1
    assert abs(fit.gain_peak - recorded["true_peak_pc"] * PC) < 3 * fit.gain_peak_err


@pytest.mark.parametrize(
    ("allowed", "rise", "counts"),
    [(0.5, -1e-5, True), (0.5, 0.5, True), (0.5, 0.6, False), (4.5, 4.4, True), (4.5, 4.6, False)],
)
def test_a_repeat_counts_while_its_likelihood_rises_by_no_more_than_allowed(
    allowed: float, rise: float, counts: bool
) -> None:
    failed = Minimum(np.zeros(2), (0, 1), 40.0, None, (), "the minimiser found no valid minimum")
    repeated = Minimum(np.zeros(2), (0,), 40.0 + rise, np.eye(1), (), "")
    assert Doubt(failed, allowed).is_overcome_by(repeated) is counts


def test_the_peak_of_a_box_and_line_dynode_is_found(fitter, make_spectrum) -> None:
    rng, truth = np.random.default_rng(4), box_and_line_truth(1.6)
    charge = window_charges(rng, truth.draw, 200_000, 0.3, (0.0, 0.2))
    counts, edges = np.histogram(charge, 300, (-1.2, 9.0))
    fit = fitter.fit(make_spectrum(edges, counts, SpectrumName.WINDOW), "dft")
    assert isinstance(fit, ValidFit), fit
    assert fit.gain_peak_err < 0.01 * fit.gain_peak
    assert abs(fit.gain_peak - 1.6 * PC) < 0.003 * fit.gain_peak + 2.5 * fit.gain_peak_err


def test_the_ten_real_spectra_are_described(fitter, real_spectra) -> None:
    ratios = []
    for real in real_spectra:
        fit = fitter.fit(real.spectrum, "dft")
        assert isinstance(fit, ValidFit), fit
        assert fit.gain_mean is None
        assert 0.9 * real.published_gain < fit.gain_peak < real.published_gain
        ratios.append(fit.chi2 / fit.ndf)
    assert np.median(ratios) < 1.6
    assert max(ratios) < 2.2


def test_no_light_is_no_fit(fitter, make_spectrum) -> None:
    rng, edges = np.random.default_rng(9), np.linspace(-1.2, 9.0, 301)
    counts, _ = np.histogram(rng.normal(0.0, 0.15, 100_000), edges)
    fit = fitter.fit(make_spectrum(edges, counts, SpectrumName.WINDOW), "dft")
    assert isinstance(fit, NoFit)
    assert "no light" in fit.message


@pytest.mark.parametrize("name", [SpectrumName.WINDOW, SpectrumName.THRESHOLD])
@pytest.mark.parametrize(
    "counts",
    [
        np.zeros(60),
        np.eye(60)[20] * 50_000,
        np.full(60, 2_000),
        np.arange(60) * 300,
        np.arange(60)[::-1] * 300,
        np.where(np.arange(60) % 2, 900, 0),
    ],
    ids=["empty", "one hot bin", "flat", "rising", "falling", "saw"],
)
def test_what_is_no_spectrum_gives_no_gain(fitter, make_spectrum, name, counts) -> None:
    low = -1.0 if name is SpectrumName.WINDOW else 0.5
    fit = fitter.fit(make_spectrum(np.linspace(low, 5.0, 61), counts, name), "dft")
    assert isinstance(fit, NoFit)
    assert fit.message


def test_bins_of_different_widths_are_refused(fitter, make_spectrum) -> None:
    edges = np.concatenate([np.linspace(-1, 1, 41), np.linspace(1.2, 9, 40)])
    spectrum = make_spectrum(edges, np.full(80, 900), SpectrumName.WINDOW)
    fit = fitter.fit(spectrum, "dft")
    assert isinstance(fit, NoFit)
    assert "equal width" in fit.message


def test_the_recorded_fit_is_a_whole_result(fitter, make_spectrum) -> None:
    rng, edges = np.random.default_rng(1), np.linspace(-1.2, 9.0, 201)
    charge = window_charges(rng, draw(SpeShape(1.6, 0.4, 0.12, 0.6)), 60_000, 0.3, (0.0, 0.15))
    counts, _ = np.histogram(charge, edges)
    fit = fitter.fit(make_spectrum(edges, counts, SpectrumName.WINDOW), "dft")
    assert isinstance(fit, ValidFit)
    assert ValidFit.model_validate_json(fit.model_dump_json()) == fit
    assert json.loads(fit.model_dump_json())["gain_mean"] > 0
    assert {q.name for q in fit.derived} == {
        "occupancy", "spe_mean_pc", "spe_sigma_pc", "spe_resolution", "peak_to_valley",
    }  # fmt: skip
