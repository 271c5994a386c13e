"""The model-free moments against charges drawn event by event."""

import numpy as np
import pytest

from server_side.moments_outcome import estimate_moments
from server_side.response.spe_shape import SpeShape
from server_side.result import NoFit, Quantity, Spectrum, SpectrumName, ValidFit
from tests.charge_toys import GAIN_PER_PC, WINDOW_EDGES, histogram, truth_of, window_charges

GAUSSIAN = truth_of("gaussian", SpeShape(1.6, 0.4))
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
