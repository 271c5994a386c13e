"""Each charge-response model on shapes of charge that may not be its own.

Charges are drawn event by event. A shape that a model has itself proves little of
what its bias is elsewhere: those cells are printed, marked, and left out of the count.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from server_side.gain_fit import GainFitter
from server_side.response.spe_shape import SpeShape
from server_side.result import FitOutcome, Quantity, SpectrumName, ValidFit
from server_side.settings import AnalysisSettings
from tests.charge_toys import (
    GAIN_PER_PC,
    THRESHOLD_EDGES,
    WINDOW_EDGES,
    SpeTruth,
    box_and_line_truth,
    histogram,
    pass_threshold,
    truth_of,
    window_charges,
)

TRIGGERS, OCCUPANCY = 1_000_000, 0.3
PEDESTAL_PC = (0.0, 0.15)
TURN_ON_PC, TURN_ON_WIDTH_PC = 0.75, 0.3
TRUTHS = (
    truth_of("gaussian", SpeShape(1.6, 0.5)),
    truth_of("exponential", SpeShape(1.6, 0.45, 0.15, 0.56)),
    truth_of("scattered", SpeShape(1.6, 0.45, 0.05, 0.4, 0.2)),
    box_and_line_truth(1.6),
)
TWO_GAUSSIAN = "two_gaussian"
TWO_GAUSSIAN_CHARGES, SECOND_SHARE = 230_000, 0.115
"""As many charges as pass the threshold of the other truths, and the share of the second peak."""
TWO_GAUSSIAN_PC = (1.65, 0.44, 1.37)
"""Mean and width of the first Gaussian, and the ratio of the second width to it."""
WINDOW, THRESHOLD = SpectrumName.WINDOW, SpectrumName.THRESHOLD
MODELS_BY_SPECTRUM = (
    ("two_gaussian", THRESHOLD),
    ("dft", THRESHOLD),
    ("dft", WINDOW),
    ("poisson_gauss", WINDOW),
    ("moments", WINDOW),
)
OWN_SHAPES = (
    ("gaussian", "dft", WINDOW),
    ("gaussian", "dft", THRESHOLD),
    ("gaussian", "poisson_gauss", WINDOW),
    ("exponential", "dft", WINDOW),
    ("scattered", "dft", WINDOW),
    (TWO_GAUSSIAN, TWO_GAUSSIAN, THRESHOLD),
)
"""Truths of a family that a model fits: name of the truth, model and spectrum."""


@dataclass(frozen=True)
class Cell:
    """What one model found of one quantity on one truth."""

    truth: str
    quantity: str
    model: str
    spectrum: SpectrumName
    value: float
    """Over the true one."""
    error: float
    """Over the true value."""

    @property
    def is_own(self) -> bool:
        """Whether the truth is of the family that the model fits."""
        return (self.truth, self.model, self.spectrum) in OWN_SHAPES


def print_mismatch(fitter: GainFitter) -> None:
    """Print the bias of each model on each truth, and whether the stated spread covers it."""
    print(f"\nMismatched truth, {TRIGGERS:,} triggers: bias in % (statistical error)")
    cells = [cell for truth in TRUTHS for cell in _measure_cells(fitter, truth)]
    cells += _measure_two_gaussian(fitter)
    for cell in cells:
        covered = "   own shape" if cell.is_own else ""
        covered += "" if _is_covered(cell, cells) else "   NOT COVERED"
        print(
            f"{cell.truth:<13} {cell.quantity:<10} {cell.model:<14} {cell.spectrum:<10}"
            f" {100 * (cell.value - 1):+7.2f} ({100 * cell.error:.2f})"
            f"   range {100 * _stated_range(cell, cells):5.2f}{covered}"
        )
    settings = AnalysisSettings()
    _print_count("all models", cells)
    for told, models in (
        ("the default models of a position scan", settings.models),
        ("the default models of an HV check", settings.hv_models),
    ):
        found = [cell for cell in cells if cell.model in models]
        _print_count(told, [cell for cell in found if _is_of_one_result(cell, found)])


def _print_count(told: str, cells: Sequence[Cell]) -> None:
    covered, foreign = count_covered(cells)
    own = sum(cell.is_own for cell in cells)
    print(
        f"with {told}: covered by the range and 2 statistical errors in {covered} of "
        f"{foreign} cells ({100 * covered / foreign:.0f} %); "
        f"{own} cells of a model's own shape are left out",
        flush=True,
    )


def count_covered(cells: Sequence[Cell]) -> tuple[int, int]:
    """Return how many cells their range covers, and of how many: no own shape, no model alone."""
    foreign = [cell for cell in cells if not cell.is_own and _has_others(cell, cells)]
    return sum(_is_covered(cell, cells) for cell in foreign), len(foreign)


def _measure_cells(fitter: GainFitter, truth: SpeTruth) -> Iterator[Cell]:
    fits = tuple(_fit_all(fitter, truth))
    for quantity in ("gain_peak", "gain_mean", "occupancy"):
        yield from _cells_of(truth.name, quantity, _true_value(truth, quantity), fits)


def _cells_of(truth: str, quantity: str, true: float, fits: Sequence[FitOutcome]) -> Iterator[Cell]:
    for fit in fits:
        pair = value_of(fit, quantity)
        if pair is not None:
            yield Cell(truth, quantity, fit.model, fit.spectrum, pair[0] / true, pair[1] / true)


def _stated_range(cell: Cell, cells: Sequence[Cell]) -> float:
    """Return the range over the mean of what the models of one result found, as it states it."""
    same = [other for other in cells if other.truth == cell.truth]
    stated = [
        other.value
        for other in same
        if other.quantity == cell.quantity and _is_of_one_result(other, same)
    ]
    return float((max(stated) - min(stated)) / np.mean(stated))


def _is_of_one_result(cell: Cell, cells: Sequence[Cell]) -> bool:
    """Tell whether a result can have it: of ``dft`` it has the window's, where there is one."""
    has_window = any(other.truth == cell.truth and other.spectrum is WINDOW for other in cells)
    return not (has_window and cell.model == "dft" and cell.spectrum is THRESHOLD)


def _has_others(cell: Cell, cells: Sequence[Cell]) -> bool:
    """Tell whether a result has the quantity of several models, and so states a range."""
    same = (cell.truth, cell.quantity)
    return sum((other.truth, other.quantity) == same for other in cells) > 1


def _is_covered(cell: Cell, cells: Sequence[Cell]) -> bool:
    return abs(cell.value - 1.0) <= _stated_range(cell, cells) + 2 * cell.error


def _fit_all(fitter: GainFitter, truth: SpeTruth) -> Iterator[FitOutcome]:
    rng = np.random.default_rng(17)
    charge = window_charges(rng, truth.draw, TRIGGERS, OCCUPANCY, PEDESTAL_PC)
    dark = histogram(rng.normal(*PEDESTAL_PC, TRIGGERS), WINDOW_EDGES, SpectrumName.DARK)
    passed = pass_threshold(rng, charge, TURN_ON_PC, TURN_ON_WIDTH_PC)
    spectra = {
        WINDOW: histogram(charge, WINDOW_EDGES, WINDOW),
        THRESHOLD: histogram(passed, THRESHOLD_EDGES, THRESHOLD),
    }
    for model, name in MODELS_BY_SPECTRUM:
        yield fitter.fit(spectra[name], model, dark=dark)


def _measure_two_gaussian(fitter: GainFitter) -> Iterator[Cell]:
    """Fit charges of the laboratory's model: it knows no window, so no window is fitted."""
    rng, (mean, sigma, ratio) = np.random.default_rng(17), TWO_GAUSSIAN_PC
    number = rng.binomial(TWO_GAUSSIAN_CHARGES, SECOND_SHARE)
    first = rng.normal(mean, sigma, TWO_GAUSSIAN_CHARGES - number)
    second = rng.normal(2.0 * mean, ratio * sigma, number)
    spectrum = histogram(np.concatenate([first, second]), THRESHOLD_EDGES, THRESHOLD)
    fits = [fitter.fit(spectrum, model) for model in (TWO_GAUSSIAN, "dft")]
    return _cells_of(TWO_GAUSSIAN, "gain_peak", mean * GAIN_PER_PC, fits)


def _true_value(truth: SpeTruth, quantity: str) -> float:
    if quantity == "occupancy":
        return OCCUPANCY
    return (truth.peak_pc if quantity == "gain_peak" else truth.mean_pc) * GAIN_PER_PC


def value_of(fit: FitOutcome, quantity: str) -> tuple[float, float] | None:
    """Return a gain or derived quantity of a fit with its error, None where it has none."""
    if not isinstance(fit, ValidFit):
        return None
    if quantity == "gain_peak":
        return fit.peak_with_error
    if quantity == "gain_mean":
        return None if fit.gain_mean is None else (fit.gain_mean, fit.gain_mean_err or 0.0)
    found = next((entry for entry in fit.derived if entry.name == quantity), None)
    return (found.value, found.error or 0.0) if isinstance(found, Quantity) else None
