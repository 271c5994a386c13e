"""The Fourier grid holds all charges: nothing wraps round into a histogram that is cut."""

import math

import numpy as np
import pytest

from server_side.response.compound import FourierGrid
from server_side.response.dft import DftWindow
from server_side.response.dft_threshold import DftThreshold
from server_side.response.fixed_window import peak_to_valley_of
from server_side.response.model import Array, ResponseModel
from server_side.response.poisson_gauss import PoissonGauss

OCCUPANCIES = (0.02, 0.3, 1.0, 2.0, 3.0, 5.0)
SHAPES = ((1.6, 0.45, 0.15, 0.56, 0.15), (1.6, 0.5, 0.0, 1.0, 0.0), (1.6, 0.45, 0.4, 3.0, 0.3))
"""Parameters of the SPE charge; the last has more low charges, further out, than is known."""


def window_values(occupancy: float, shape: tuple[float, ...]) -> Array:
    return np.array([1e6, occupancy, 0.0, 0.15, *shape])


def expected_far(model: ResponseModel, values: Array, edges_pc: Array) -> Array:
    """Return the counts of a histogram that goes on for forty times its length."""
    width, bins = edges_pc[1] - edges_pc[0], len(edges_pc) - 1
    return model.expected(values, edges_pc[0] + width * np.arange(40 * bins + 1))[:bins]


@pytest.mark.parametrize("occupancy", OCCUPANCIES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("end_pc", [3.0, 5.0, 9.0])
def test_a_histogram_that_is_cut_expects_what_a_long_one_does(
    occupancy: float, shape: tuple[float, ...], end_pc: float
) -> None:
    values, edges = window_values(occupancy, shape), np.linspace(-1.2, end_pc, 301)
    expected = DftWindow().expected(values, edges)
    assert np.allclose(expected, expected_far(DftWindow(), values, edges), rtol=0, atol=1e-3)


@pytest.mark.parametrize("occupancy", OCCUPANCIES)
def test_photoelectrons_beyond_the_charge_cuts_do_not_come_back(occupancy: float) -> None:
    values = np.array([1e6, occupancy, 1.6, 0.45, 0.8, 0.4, 0.19])
    edges = np.linspace(0.5, 4.5, 51)
    expected = DftThreshold().expected(values, edges)
    assert np.allclose(expected, expected_far(DftThreshold(), values, edges), rtol=0, atol=1e-3)


@pytest.mark.parametrize("occupancy", OCCUPANCIES)
def test_without_low_charges_it_is_the_sum_of_gaussians(occupancy: float) -> None:
    edges = np.linspace(-1.2, 5.0, 301)
    sharp = DftWindow().expected(window_values(occupancy, (1.6, 0.2, 0.0, 1.0, 0.0)), edges)
    gaussians = PoissonGauss().expected(np.array([1e6, occupancy, 0.0, 0.15, 1.6, 0.2]), edges)
    assert np.allclose(sharp, gaussians, rtol=0, atol=1e-2)


@pytest.mark.parametrize("occupancy", [0.3, 1.0, 2.0, 3.0])
def test_peak_to_valley_is_that_of_a_long_curve(occupancy: float) -> None:
    model, values = DftWindow(), window_values(occupancy, SHAPES[0])
    stated = peak_to_valley_of(model.expected).value(values)
    far = peak_to_valley_of(lambda v, edges: expected_far(model, v, edges)).value(values)
    assert stated > 2.0
    assert stated == pytest.approx(far, rel=1e-6)


def test_a_curve_that_rises_on_beyond_the_first_peak_has_no_peak_to_valley() -> None:
    assert math.isnan(peak_to_valley_of(DftWindow().expected).value(window_values(5, SHAPES[0])))


def test_a_curve_that_falls_from_the_pedestal_has_no_peak_to_valley() -> None:
    edges_to_counts = peak_to_valley_of(lambda _, edges: np.exp(-3.0 * edges[:-1]))
    assert math.isnan(edges_to_counts.value(window_values(0.3, SHAPES[0])))


@pytest.mark.parametrize("farthest_pc", [math.nan, math.inf, -5.0])
def test_the_grid_has_a_length_whatever_a_minimiser_tries(farthest_pc: float) -> None:
    grid = FourierGrid.of(np.linspace(0.5, 4.5, 51), farthest_pc)
    assert 2 * 200 <= grid.cells <= 64 * 250
