"""Charge-response models against known truths: ``python -m tests.benchmarks.bench_models``.

Three tables. Kalousis: bias of ``dft`` on the toys of arXiv:1911.06220, beside
the published one. Coverage: each model on its own truth, the share of toys whose
68 % interval holds it. Mismatch: each model on shapes that are not its own, with
the spread of the valid models that a result would state. Nothing fails here.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from server_side.gain_fit import GainFitter
from server_side.response import MODEL_NAMES, find_model
from server_side.response.spe_shape import SpeShape
from server_side.result import FitOutcome, Quantity, Spectrum, SpectrumName, ValidFit
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
from tests.kalousis_toys import HELD_TO, PUBLISHED_BIAS, TRIGGERS, measure_bias

Array = NDArray[np.float64]
MISMATCH_TRIGGERS = 1_000_000
MISMATCH_OCCUPANCY = 0.3
PEDESTAL_PC = (0.0, 0.15)
TURN_ON_PC, TURN_ON_WIDTH_PC = 0.75, 0.3


@dataclass(frozen=True)
class OwnTruth:
    """Parameters of a model, at which its toys are drawn."""

    model: str
    spectrum: SpectrumName
    values: tuple[float, ...]
    edges_pc: Array


OWN_TRUTHS = (
    OwnTruth(
        "two_gaussian", SpectrumName.THRESHOLD, (37e3, 4.8e3, 1.65, 0.44, 1.37), THRESHOLD_EDGES
    ),
    OwnTruth("poisson_gauss", SpectrumName.WINDOW, (2e5, 0.3, 0.0, 0.15, 1.6, 0.5), WINDOW_EDGES),
    OwnTruth(
        "dft",
        SpectrumName.WINDOW,
        (1e6, 0.3, 0.0, 0.15, 1.6, 0.45, 0.15, 0.56, 0.15),
        WINDOW_EDGES,
    ),
    OwnTruth("dft", SpectrumName.THRESHOLD, (2e5, 0.3, 1.6, 0.45, 0.8, 0.4, 0.19), THRESHOLD_EDGES),
)
MISMATCHED_TRUTHS = (
    truth_of("gaussian", SpeShape(1.6, 0.5)),
    truth_of("exponential", SpeShape(1.6, 0.45, 0.15, 0.56)),
    truth_of("scattered", SpeShape(1.6, 0.45, 0.05, 0.4, 0.2)),
    box_and_line_truth(1.6),
)
MODELS_BY_SPECTRUM = (
    ("two_gaussian", SpectrumName.THRESHOLD),
    ("dft", SpectrumName.THRESHOLD),
    ("dft", SpectrumName.WINDOW),
    ("poisson_gauss", SpectrumName.WINDOW),
    ("moments", SpectrumName.WINDOW),
)


def print_kalousis(fitter: GainFitter, toys: int, occupancies: Sequence[float]) -> None:
    """Print the bias of the mean SPE charge at each occupancy."""
    print(f"\nKalousis's toys, {toys} each of {TRIGGERS:,} triggers: bias of gain_mean in %")
    print("occupancy   bias +- toy error   published   invalid")
    for occupancy in occupancies:
        bias = measure_bias(fitter, toys, occupancy)
        is_missed = occupancy in HELD_TO and not bias.is_allowed
        print(
            f"{occupancy:9g} {100 * bias.mean:+8.4f} +- {100 * bias.error:.4f}"
            f"   {100 * bias.published:+9.3f}   {bias.invalid}{'   MISSED' if is_missed else ''}",
            flush=True,
        )


def print_coverage(fitter: GainFitter, toys: int) -> None:
    """Print how often the 68 % interval of the gain holds the truth, and the mean pull."""
    print(f"\nCoverage, {toys} toys of each model's own truth")
    print("model          spectrum   gain        within 1 sigma   mean pull   width   invalid")
    rng = np.random.default_rng(68)
    for truth in OWN_TRUTHS:
        peaks = [_own_pull(fitter, rng, truth) for _ in range(toys)]
        _print_pulls(f"{truth.model:<14} {truth.spectrum:<10} gain_peak", peaks)
    means = [_moments_pull(fitter, rng) for _ in range(toys)]
    _print_pulls(f"{'moments':<14} {'window':<10} gain_mean", means)


def _own_pull(fitter: GainFitter, rng: np.random.Generator, truth: OwnTruth) -> float | None:
    """Return the pull of one toy; constrained nuisances are drawn as they are constrained."""
    model = find_model(truth.model, truth.spectrum)
    if model is None:
        return None
    values, names = np.array(truth.values), [parameter.name for parameter in model.parameters]
    for known in model.constraints:
        centre = known.ratio * values[names.index(known.relative_to)]
        values[names.index(known.parameter)] = centre * np.exp(known.width * rng.normal())
    counts = rng.poisson(model.expected(values, truth.edges_pc))
    spectrum = Spectrum(
        name=truth.spectrum,
        edges_pc=tuple(float(edge) for edge in truth.edges_pc),
        counts=tuple(int(count) for count in counts),
    )
    fit = fitter.fit(spectrum, truth.model)
    peak = fit.peak_with_error if isinstance(fit, ValidFit) else None
    return (
        None if peak is None else (peak[0] - model.peak_charge_pc(values) * GAIN_PER_PC) / peak[1]
    )


def _moments_pull(fitter: GainFitter, rng: np.random.Generator) -> float | None:
    truth = MISMATCHED_TRUTHS[0]
    charge = window_charges(rng, truth.draw, 100_000, MISMATCH_OCCUPANCY, (0.0, 0.08))
    dark = histogram(rng.normal(0.0, 0.08, 100_000), WINDOW_EDGES, SpectrumName.DARK)
    light = histogram(charge, WINDOW_EDGES, SpectrumName.WINDOW)
    fit = fitter.fit(light, "moments", dark=dark)
    if not isinstance(fit, ValidFit) or fit.gain_mean is None or fit.gain_mean_err is None:
        return None
    return (fit.gain_mean - truth.mean_pc * GAIN_PER_PC) / fit.gain_mean_err


def _print_pulls(start: str, found: Sequence[float | None]) -> None:
    pulls = np.array([pull for pull in found if pull is not None])
    print(
        f"{start} {100 * np.mean(np.abs(pulls) < 1):12.1f} %   {pulls.mean():+12.3f}"
        f" {pulls.std():8.2f} {len(found) - len(pulls):8d}",
        flush=True,
    )


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
    def is_of_one_result(self) -> bool:
        """Whether a result can have it: of ``dft`` it has the window's, where there is one."""
        return (self.model, self.spectrum) != ("dft", SpectrumName.THRESHOLD)


def print_mismatch(fitter: GainFitter) -> None:
    """Print the bias of each model on each truth, and whether the stated spread covers it."""
    print(f"\nMismatched truth, {MISMATCH_TRIGGERS:,} triggers: bias in % (statistical error)")
    cells = [cell for truth in MISMATCHED_TRUTHS for cell in _measure_cells(fitter, truth)]
    for cell in cells:
        spread = _stated_spread(cell, cells)
        print(
            f"{cell.truth:<13} {cell.quantity:<10} {cell.model:<14} {cell.spectrum:<10}"
            f" {100 * (cell.value - 1):+7.2f} ({100 * cell.error:.2f})"
            f"   spread {100 * spread:5.2f}{'' if _is_covered(cell, cells) else '   NOT COVERED'}"
        )
    settings = AnalysisSettings()
    for told, models in (
        ("all models", MODEL_NAMES),
        ("the default models of a position scan", settings.models),
        ("the default models of an HV check", settings.hv_models),
    ):
        found = [cell for cell in cells if cell.model in models]
        if models != MODEL_NAMES:
            found = [cell for cell in found if cell.is_of_one_result]
        covered = sum(_is_covered(cell, found) for cell in found)
        print(f"with {told}: covered in {covered} of {len(found)} cells", flush=True)


def _measure_cells(fitter: GainFitter, truth: SpeTruth) -> Iterator[Cell]:
    fits = tuple(_fit_all(fitter, truth))
    for quantity in ("gain_peak", "gain_mean", "occupancy"):
        true = _true_value(truth, quantity)
        for fit in fits:
            pair = _value_of(fit, quantity)
            if pair is not None:
                value, error = pair[0] / true, pair[1] / true
                yield Cell(truth.name, quantity, fit.model, fit.spectrum, value, error)


def _stated_spread(cell: Cell, cells: Sequence[Cell]) -> float:
    """Return the range over the mean of what the models of one result found, as it states it."""
    same = (cell.truth, cell.quantity)
    stated = [
        other.value
        for other in cells
        if (other.truth, other.quantity) == same and other.is_of_one_result
    ]
    return float((max(stated) - min(stated)) / np.mean(stated))


def _is_covered(cell: Cell, cells: Sequence[Cell]) -> bool:
    return abs(cell.value - 1.0) <= _stated_spread(cell, cells) + 2 * cell.error


def _fit_all(fitter: GainFitter, truth: SpeTruth) -> Iterator[FitOutcome]:
    rng = np.random.default_rng(17)
    charge = window_charges(rng, truth.draw, MISMATCH_TRIGGERS, MISMATCH_OCCUPANCY, PEDESTAL_PC)
    dark = histogram(rng.normal(*PEDESTAL_PC, MISMATCH_TRIGGERS), WINDOW_EDGES, SpectrumName.DARK)
    passed = pass_threshold(rng, charge, TURN_ON_PC, TURN_ON_WIDTH_PC)
    spectra = {
        SpectrumName.WINDOW: histogram(charge, WINDOW_EDGES, SpectrumName.WINDOW),
        SpectrumName.THRESHOLD: histogram(passed, THRESHOLD_EDGES, SpectrumName.THRESHOLD),
    }
    for model, name in MODELS_BY_SPECTRUM:
        yield fitter.fit(spectra[name], model, dark=dark)


def _true_value(truth: SpeTruth, quantity: str) -> float:
    if quantity == "occupancy":
        return MISMATCH_OCCUPANCY
    return (truth.peak_pc if quantity == "gain_peak" else truth.mean_pc) * GAIN_PER_PC


def _value_of(fit: FitOutcome, quantity: str) -> tuple[float, float] | None:
    if not isinstance(fit, ValidFit):
        return None
    if quantity == "gain_peak":
        return fit.peak_with_error
    if quantity == "gain_mean":
        return None if fit.gain_mean is None else (fit.gain_mean, fit.gain_mean_err or 0.0)
    found = next((entry for entry in fit.derived if entry.name == quantity), None)
    return (found.value, found.error or 0.0) if isinstance(found, Quantity) else None


def main() -> None:
    """Print the three tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--toys", type=int, default=100, help="of each occupancy of Kalousis")
    parser.add_argument("--coverage-toys", type=int, default=300, help="of each model")
    parser.add_argument("--occupancies", type=float, nargs="*", default=list(PUBLISHED_BIAS))
    options = parser.parse_args()
    fitter = GainFitter()
    print_mismatch(fitter)
    if options.coverage_toys:
        print_coverage(fitter, options.coverage_toys)
    if options.toys:
        print_kalousis(fitter, options.toys, options.occupancies)


if __name__ == "__main__":
    main()
