"""The sum of Gaussians against charges drawn event by event, and Minos."""

import numpy as np
import pytest

from server_side.response.poisson_gauss import PoissonGauss
from server_side.response.spe_shape import SpeShape
from server_side.result import NoFit, SpectrumName, ValidFit
from tests.charge_toys import (
    GAIN_PER_PC,
    THRESHOLD_EDGES,
    WINDOW_EDGES,
    histogram,
    truth_of,
    window_charges,
)

GAUSSIAN = truth_of("gaussian", SpeShape(1.6, 0.4))


def spectrum_at(occupancy: float, seed: int = 5):
    charge = window_charges(
        np.random.default_rng(seed), GAUSSIAN.draw, 100_000, occupancy, (0.0, 0.15)
    )
    return histogram(charge, WINDOW_EDGES, SpectrumName.WINDOW)


@pytest.mark.parametrize("occupancy", [0.05, 0.3, 2.0])
def test_it_finds_the_charge_of_gaussian_photoelectrons(fitter, occupancy: float) -> None:
    fit = fitter.fit(spectrum_at(occupancy), "poisson_gauss")
    assert isinstance(fit, ValidFit), fit
    assert fit.gain_peak == fit.gain_mean
    assert abs(fit.gain_peak - 1.6 * GAIN_PER_PC) < 4 * fit.gain_peak_err < 0.04 * fit.gain_peak
    derived = {entry.name: entry for entry in fit.derived}
    assert abs(derived["occupancy"].value - occupancy) < 4 * derived["occupancy"].error
    assert abs(derived["spe_resolution"].value - 0.25) < 4 * derived["spe_resolution"].error


def test_the_terms_add_up_to_the_whole() -> None:
    values = np.array([1e5, 0.7, 0.02, 0.2, 1.5, 0.5])
    parts = PoissonGauss().components(values, WINDOW_EDGES)
    assert np.allclose(
        sum(part.counts for part in parts), PoissonGauss().expected(values, WINDOW_EDGES)
    )


def test_minos_gives_intervals_on_request_only(fitter) -> None:
    spectrum = spectrum_at(0.3)
    plain = fitter.fit(spectrum, "poisson_gauss")
    asked = fitter.fit(spectrum, "poisson_gauss", minos=True)
    assert isinstance(plain, ValidFit)
    assert isinstance(asked, ValidFit)
    assert all(parameter.minos_low is None for parameter in plain.parameters)
    for parameter in asked.parameters:
        assert parameter.minos_low == pytest.approx(parameter.error, rel=0.1)
        assert parameter.minos_high == pytest.approx(parameter.error, rel=0.1)


def test_a_spectrum_without_a_pedestal_is_not_its_own(fitter, make_spectrum) -> None:
    spectrum = make_spectrum(THRESHOLD_EDGES, np.full(50, 900))
    fit = fitter.fit(spectrum, "poisson_gauss")
    assert isinstance(fit, NoFit)
    assert "describes the window spectrum" in fit.message
