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
from server_side.response import find_model
from server_side.response.spe_shape import SpeShape
from server_side.result import FitOutcome, Quantity, Spectrum, SpectrumName, ValidFit
from tests.charge_toys import (
    GAIN_PER_PC,
    KALOUSIS,
    KALOUSIS_EDGES,
    KALOUSIS_PEDESTAL_PC,
    PUBLISHED_BIAS,
    THRESHOLD_EDGES,
    WINDOW_EDGES,
    SpeTruth,
    box_and_line_truth,
    histogram,
    pass_threshold,
    truth_of,
    window_charges,
)

Array = NDArray[np.float64]
KALOUSIS_TRIGGERS = 2_500_000
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
    print(f"Kalousis's toys, {toys} each of {KALOUSIS_TRIGGERS:,} triggers: bias of gain_mean in %")
    print("occupancy   bias +- toy error   published   invalid")
    for occupancy in occupancies:
        rng = np.random.default_rng(int(1000 * occupancy))
        fits = [fitter.fit(kalousis_spectrum(rng, occupancy), "dft") for _ in range(toys)]
        truth = KALOUSIS.mean_pc * GAIN_PER_PC
        bias = [f.gain_mean / truth - 1 for f in fits if isinstance(f, ValidFit) and f.gain_mean]
        error = np.std(bias, ddof=1) / np.sqrt(len(bias)) if len(bias) > 1 else np.nan
        print(
            f"{occupancy:9g} {100 * np.mean(bias):+8.4f} +- {100 * error:.4f}"
            f"   {100 * PUBLISHED_BIAS[occupancy]:+9.3f}   {toys - len(bias)}",
            flush=True,
        )


def kalousis_spectrum(rng: np.random.Generator, occupancy: float) -> Spectrum:
    """Draw one toy of the publication."""
    charge = window_charges(rng, KALOUSIS.draw, KALOUSIS_TRIGGERS, occupancy, KALOUSIS_PEDESTAL_PC)
    return histogram(charge, KALOUSIS_EDGES, SpectrumName.WINDOW)


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


def print_mismatch(fitter: GainFitter) -> None:
    """Print the bias of each model on each truth, and whether the stated spread covers it."""
    print(f"\nMismatched truth, {MISMATCH_TRIGGERS:,} triggers: bias in % (statistical error)")
    covered = []
    for truth in MISMATCHED_TRUTHS:
        fits = dict(_fit_all(fitter, truth))
        for quantity in ("gain_peak", "gain_mean", "occupancy"):
            true = _true_value(truth, quantity)
            found = {key: _value_of(fit, quantity) for key, fit in fits.items()}
            measured = {key: pair for key, pair in found.items() if pair is not None}
            # A result has one dft, of the window where there is one.
            stated = [pair[0] for key, pair in measured.items() if key != ("dft", "threshold")]
            spread = (max(stated) - min(stated)) / np.mean(stated)
            for (model, spectrum), (value, error) in measured.items():
                bias = value / true - 1
                is_covered = abs(bias) <= spread + 2 * error / true
                covered.append(is_covered)
                print(
                    f"{truth.name:<13} {quantity:<10} {model:<14} {spectrum:<10}"
                    f" {100 * bias:+7.2f} ({100 * error / true:.2f})   spread {100 * spread:5.2f}"
                    f"{'' if is_covered else '   NOT COVERED'}",
                    flush=True,
                )
    print(f"covered in {sum(covered)} of {len(covered)} cells")


def _fit_all(fitter: GainFitter, truth: SpeTruth) -> Iterator[tuple[tuple[str, str], FitOutcome]]:
    rng = np.random.default_rng(17)
    charge = window_charges(rng, truth.draw, MISMATCH_TRIGGERS, MISMATCH_OCCUPANCY, PEDESTAL_PC)
    dark = histogram(rng.normal(*PEDESTAL_PC, MISMATCH_TRIGGERS), WINDOW_EDGES, SpectrumName.DARK)
    passed = pass_threshold(rng, charge, TURN_ON_PC, TURN_ON_WIDTH_PC)
    spectra = {
        SpectrumName.WINDOW: histogram(charge, WINDOW_EDGES, SpectrumName.WINDOW),
        SpectrumName.THRESHOLD: histogram(passed, THRESHOLD_EDGES, SpectrumName.THRESHOLD),
    }
    for model, name in MODELS_BY_SPECTRUM:
        yield (model, name.value), fitter.fit(spectra[name], model, dark=dark)


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
