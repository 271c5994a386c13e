"""The model-free moments against charges drawn event by event."""

from dataclasses import replace

import numpy as np
import pytest

from server_side.moments_outcome import estimate_moments
from server_side.pulses.align import align
from server_side.pulses.table import unmeasured_table
from server_side.response.spe_shape import SpeShape
from server_side.result import NoFit, Quantity, Spectrum, SpectrumName, ValidFit
from server_side.spectra import fixed_window_spectra
from tests.charge_toys import (
    GAIN_PER_PC,
    WINDOW_EDGES,
    Array,
    histogram,
    truth_of,
    window_charges,
)

GAUSSIAN = truth_of("gaussian", SpeShape(1.6, 0.4))
WITH_LOW_CHARGES = truth_of("with low charges", SpeShape(1.6, 0.45, 0.1, 0.56, 0.1))
PEDESTAL_PC = (0.03, 0.1)


def windows(rng: np.random.Generator, occupancy: float) -> tuple[Spectrum, Spectrum]:
    light = window_charges(rng, GAUSSIAN.draw, 50_000, occupancy, PEDESTAL_PC)
    return (
        histogram(light, WINDOW_EDGES, SpectrumName.WINDOW),
        histogram(rng.normal(*PEDESTAL_PC, 50_000), WINDOW_EDGES, SpectrumName.DARK),
    )


def test_values_and_errors_are_those_of_many_toys() -> None:
    rng, truth = np.random.default_rng(3), {"occupancy": 0.3, "spe_mean_pc": 1.6}
    truth |= {"spe_sigma_pc": 0.4, "spe_resolution": 0.25}
    pulls: dict[str, list[float]] = {name: [] for name in truth}
    for _ in range(150):
        fit = estimate_moments(*windows(rng, 0.3))
        assert isinstance(fit, ValidFit), fit
        assert fit.gain_peak is fit.chi2 is fit.p_value is None
        for entry in fit.derived:
            assert isinstance(entry, Quantity)
            assert entry.error
            pulls[entry.name].append((entry.value - truth[entry.name]) / entry.error)
    for name, found in pulls.items():
        assert abs(np.mean(found)) < 0.35, name
        assert np.std(found) == pytest.approx(1.0, abs=0.2), name


def test_without_a_dark_spectrum_the_pedestal_is_assumed_and_that_is_said() -> None:
    light, _ = windows(np.random.default_rng(4), 0.3)
    fit = estimate_moments(light, None)
    assert isinstance(fit, ValidFit), fit
    assert "no dark spectrum" in fit.message
    assert fit.gain_mean == pytest.approx(1.6 * GAIN_PER_PC, rel=0.05)


def test_no_light_and_too_much_of_it_give_no_number() -> None:
    rng = np.random.default_rng(5)
    light, dark = windows(rng, 0.0)
    fit = estimate_moments(light, dark)
    assert isinstance(fit, NoFit)
    assert "no light" in fit.message
    bright, dark = windows(rng, 14.0)
    fit = estimate_moments(bright, dark)
    assert isinstance(fit, NoFit)
    assert "too much light" in fit.message


def test_windows_in_different_bins_are_refused() -> None:
    light, dark = windows(np.random.default_rng(6), 0.3)
    moved = dark.model_copy(update={"edges_pc": tuple(edge + 0.1 for edge in dark.edges_pc)})
    fit = estimate_moments(light, moved)
    assert isinstance(fit, NoFit)
    assert "same bins" in fit.message


def made_spectra(light: Array, dark: Array) -> tuple[Spectrum, Spectrum]:
    """Return the spectra that a point with these charges has."""
    events = unmeasured_table(2, np.arange(len(light)))
    table = replace(events, window_charge_pc=light, dark_charge_pc=dark)
    signal, blank = fixed_window_spectra(align([table]), 2)
    return signal, blank


def extended(spectrum: Spectrum, charge_pc: Array) -> Spectrum:
    """Return the spectrum in bins of the same width that go on until nothing is beyond."""
    width = spectrum.edges_pc[1] - spectrum.edges_pc[0]
    edges = spectrum.edges_pc[0] + width * np.arange(3 * len(spectrum.edges_pc))
    assert charge_pc.max() < edges[-1]
    return histogram(charge_pc, edges, spectrum.name)


@pytest.mark.parametrize("occupancy", [0.02, 0.05, 0.1, 0.3, 1.0, 3.0])
def test_the_end_of_a_spectrum_takes_nothing_from_mean_and_width(occupancy: float) -> None:
    rng = np.random.default_rng(1)
    light = window_charges(rng, WITH_LOW_CHARGES.draw, 400_000, occupancy, (0.0, 0.2))
    dark = rng.normal(0.0, 0.2, 400_000)
    signal, blank = made_spectra(light, dark)
    cut = estimate_moments(signal, blank)
    whole = estimate_moments(extended(signal, light), extended(blank, dark))
    assert isinstance(cut, ValidFit)
    assert isinstance(whole, ValidFit)
    assert cut.gain_mean == pytest.approx(whole.gain_mean, rel=3e-4)
    widths = [found.derived[3].value for found in (cut, whole)]
    assert widths[0] == pytest.approx(widths[1], abs=3e-3)


def test_a_few_large_charges_do_not_stretch_a_spectrum_without_light() -> None:
    rng = np.random.default_rng(2)
    light, dark = rng.normal(0.0, 0.2, (2, 100_000))
    light[:50] = 800.0
    signal, _ = made_spectra(light, dark)
    assert signal.edges_pc[-1] < 2.0
    assert signal.above >= 50
