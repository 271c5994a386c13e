"""Charge-response models against known truths: ``python -m tests.benchmarks.bench_models``.

Three tables. Kalousis: bias of ``dft`` on the toys of arXiv:1911.06220, beside
the published one. Coverage: each model on its own truth, the share of toys whose
68 % interval holds it, for the gains and what follows from the shape. Mismatch: each
model on all shapes, its own ones marked and left out of the count, with the spread of
the valid models that a result would state. Nothing fails here.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from server_side.gain_fit import GainFitter
from server_side.response import find_model
from server_side.response.model import ResponseModel
from server_side.response.spe_shape import SpeShape
from server_side.result import Spectrum, SpectrumName, ValidFit
from tests.benchmarks.model_mismatch import print_mismatch, value_of
from tests.charge_toys import (
    GAIN_PER_PC,
    THRESHOLD_EDGES,
    WINDOW_EDGES,
    histogram,
    truth_of,
    window_charges,
)
from tests.kalousis_toys import PUBLISHED_BIAS, TRIGGERS, measure_bias

Array = NDArray[np.float64]
MOMENTS_TRUTH = truth_of("gaussian", SpeShape(1.6, 0.5))
MOMENTS_TRIGGERS, MOMENTS_OCCUPANCY, MOMENTS_PEDESTAL_PC = 100_000, 0.3, (0.0, 0.08)


@dataclass(frozen=True)
class OwnTruth:
    """Parameters of a model, at which its toys are drawn."""

    model: str
    spectrum: SpectrumName
    values: tuple[float, ...]
    edges_pc: Array

    @property
    def size(self) -> str:
        """Number of triggers; of charges where the model knows no triggers."""
        number = sum(self.values[:2]) if self.model == "two_gaussian" else self.values[0]
        return f"{number:>9,.0f}"


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
    OwnTruth(
        "dft",
        SpectrumName.WINDOW,
        (1e5, 0.3, 0.0, 0.15, 1.6, 0.45, 0.15, 0.56, 0.15),
        WINDOW_EDGES,
    ),
    OwnTruth("dft", SpectrumName.THRESHOLD, (2e5, 0.3, 1.6, 0.45, 0.8, 0.4, 0.19), THRESHOLD_EDGES),
)


def print_kalousis(fitter: GainFitter, toys: int, occupancies: Sequence[float]) -> None:
    """Print the bias of the mean SPE charge at each occupancy."""
    print(f"\nKalousis's toys, {toys} each of {TRIGGERS:,} triggers: bias of gain_mean in %")
    print("occupancy   bias +- toy error   published   invalid")
    for occupancy in occupancies:
        bias = measure_bias(fitter, toys, occupancy)
        missed = "   MISSED" if bias.is_missed else ""
        print(
            f"{occupancy:9g} {100 * bias.mean:+8.4f} +- {100 * bias.error:.4f}"
            f"   {100 * bias.published:+9.3f}   {bias.invalid}{missed}",
            flush=True,
        )


def print_coverage(fitter: GainFitter, toys: int) -> None:
    """Print how often the 68 % interval of the gain holds the truth, and the mean pull."""
    print(f"\nCoverage, {toys} toys of each model's own truth")
    print(
        "model          spectrum   triggers  quantity         within 1 sigma   mean pull"
        "   width   largest   invalid"
    )
    rng = np.random.default_rng(68)
    for truth in OWN_TRUTHS:
        _print_coverage_of(truth, [_own_pulls(fitter, rng, truth) for _ in range(toys)])
    means = [_moments_pull(fitter, rng) for _ in range(toys)]
    _print_pulls(f"{'moments':<14} {'window':<10} {MOMENTS_TRIGGERS:>9,} {'gain_mean':<14}", means)


def _print_coverage_of(truth: OwnTruth, toys: Sequence[Mapping[str, float]]) -> None:
    """Print a row for each quantity that the model has; a toy without a valid fit has none."""
    shown = f"{truth.model:<14} {truth.spectrum:<10} {truth.size}"
    for quantity in dict.fromkeys(name for toy in toys for name in toy):
        _print_pulls(f"{shown} {quantity:<14}", [toy.get(quantity) for toy in toys])


def _own_pulls(
    fitter: GainFitter, rng: np.random.Generator, truth: OwnTruth
) -> Mapping[str, float]:
    """Return the pulls of one toy; constrained nuisances are drawn as they are constrained."""
    model = find_model(truth.model, truth.spectrum)
    assert model is not None
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
    pulls = {}
    for quantity, true in _own_values(model, values):
        found = value_of(fit, quantity)
        if found is not None and found[1] > 0.0:
            pulls[quantity] = (found[0] - true) / found[1]
    return pulls


def _own_values(model: ResponseModel, values: Array) -> Iterator[tuple[str, float]]:
    """Return what the parameters of a toy say of each quantity whose coverage is shown."""
    yield "gain_peak", model.peak_charge_pc(values) * GAIN_PER_PC
    mean = model.mean_charge_pc(values)
    if mean is not None:
        yield "gain_mean", mean * GAIN_PER_PC
    for quantity in model.quantities:
        if quantity.name in {"occupancy", "spe_resolution"}:
            yield quantity.name, quantity.value(values)


def _moments_pull(fitter: GainFitter, rng: np.random.Generator) -> float | None:
    truth, pedestal, number = MOMENTS_TRUTH, MOMENTS_PEDESTAL_PC, MOMENTS_TRIGGERS
    charge = window_charges(rng, truth.draw, number, MOMENTS_OCCUPANCY, pedestal)
    dark = histogram(rng.normal(*pedestal, number), WINDOW_EDGES, SpectrumName.DARK)
    light = histogram(charge, WINDOW_EDGES, SpectrumName.WINDOW)
    fit = fitter.fit(light, "moments", dark=dark)
    if not isinstance(fit, ValidFit) or fit.gain_mean is None or fit.gain_mean_err is None:
        return None
    return (fit.gain_mean - truth.mean_pc * GAIN_PER_PC) / fit.gain_mean_err


def _print_pulls(start: str, found: Sequence[float | None]) -> None:
    pulls = np.array([pull for pull in found if pull is not None])
    print(
        f"{start} {100 * np.mean(np.abs(pulls) < 1):12.1f} %   {pulls.mean():+12.3f}"
        f" {pulls.std():8.2f} {np.abs(pulls).max():8.1f} {len(found) - len(pulls):8d}",
        flush=True,
    )


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
