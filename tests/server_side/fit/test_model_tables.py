"""What the tables of the model benchmark count: aims missed, and cells that prove something."""

import pytest

from server_side.result import SpectrumName
from tests.benchmarks.model_mismatch import OWN_SHAPES, Cell, count_covered
from tests.kalousis_toys import ToyBias

WINDOW, THRESHOLD = SpectrumName.WINDOW, SpectrumName.THRESHOLD


def cell(truth: str, model: str, value: float, spectrum: SpectrumName = WINDOW) -> Cell:
    return Cell(truth, "gain_peak", model, spectrum, value, 0.001)


@pytest.mark.parametrize(
    ("occupancy", "mean", "invalid", "is_missed"),
    [
        (1.0, 0.0001, 0, False),
        (1.0, 0.01, 0, True),
        (1.0, 0.0001, 1, True),
        (5.0, 0.01, 0, False),
        (5.0, 0.0, 1, True),
    ],
)
def test_toys_without_a_fit_miss_the_aim_at_every_occupancy(
    occupancy: float, mean: float, invalid: int, is_missed: bool
) -> None:
    assert ToyBias(occupancy, mean, 0.0001, invalid).is_missed is is_missed


def test_a_shape_of_the_models_own_is_not_counted() -> None:
    cells = [cell("scattered", "dft", 1.0), cell("scattered", "poisson_gauss", 0.95)]
    assert cells[0].is_own
    assert count_covered(cells) == (1, 1)


def test_a_model_alone_states_no_range_and_is_not_counted() -> None:
    assert count_covered([cell("two_gaussian", "dft", 1.002, THRESHOLD)]) == (0, 0)


def test_a_bias_beyond_range_and_two_errors_is_not_covered() -> None:
    cells = [cell("box_and_line", "dft", 1.1), cell("box_and_line", "poisson_gauss", 1.11)]
    assert count_covered(cells) == (0, 2)


def test_the_threshold_fit_widens_no_range_where_there_is_a_window() -> None:
    cells = [
        cell("box_and_line", "dft", 1.1),
        cell("box_and_line", "poisson_gauss", 1.1),
        cell("box_and_line", "dft", 0.9, THRESHOLD),
    ]
    assert count_covered(cells) == (0, 3)


def test_no_model_owns_the_measured_table() -> None:
    assert not [truth for truth, _, _ in OWN_SHAPES if truth == "box_and_line"]
