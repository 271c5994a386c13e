"""Spectra drawn event by event from known photoelectron charges, for tests and benchmarks.

Nothing of the fitted code is used to draw them, so that they can contradict it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from server_side.response.spe_shape import SpeShape
from server_side.result import ELEMENTARY_CHARGE_C, Spectrum, SpectrumName
from server_side.simulate.spe import SpeShape as SimulatedShape
from server_side.simulate.spe import spe_charge

Array = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Array]
GAIN_PER_PC = 1e-12 / ELEMENTARY_CHARGE_C
WINDOW_EDGES = np.linspace(-1.2, 9.0, 301)
THRESHOLD_EDGES = np.linspace(0.5, 4.5, 51)


@dataclass(frozen=True)
class SpeTruth:
    """A known charge of single photoelectrons."""

    name: str
    draw: Draw
    peak_pc: float
    mean_pc: float


def truth_of(name: str, shape: SpeShape) -> SpeTruth:
    """Return a truth of the shape that ``dft`` fits."""
    return SpeTruth(
        name,
        lambda rng, number: spe_charges(rng, shape, number),
        shape.mode_pc(),
        shape.moments()[0],
    )


KALOUSIS = truth_of("kalousis", SpeShape(0.02917, 0.0079, 0.17, 1 / 85))
"""The toys of arXiv:1911.06220, charges in its own unit; 2.5 million triggers each."""
KALOUSIS_PEDESTAL_PC = (0.15158, 0.00279)
KALOUSIS_EDGES = np.linspace(0.0, 0.85, 251)


def box_and_line_truth(peak_pc: float) -> SpeTruth:
    """Return the measured table of a 20-inch box-and-line dynode, scaled to a peak."""
    spe = spe_charge(SimulatedShape.BOX_AND_LINE, core_width=0.3, low_weight=0.1, low_scale=0.5)
    return SpeTruth(
        "box_and_line",
        lambda rng, number: peak_pc * spe.sample(number, rng),
        peak_pc,
        peak_pc * spe.mean,
    )


def spe_charges(rng: np.random.Generator, shape: SpeShape, number: int) -> Array:
    """Draw charges: truncated Gaussian, exponential, scattered."""
    charge = rng.normal(shape.centre_pc, shape.sigma_pc, number)
    while (below := charge < 0).any():
        charge[below] = rng.normal(shape.centre_pc, shape.sigma_pc, int(below.sum()))
    kind = rng.random(number)
    is_low = kind < shape.low_fraction
    is_scattered = ~is_low & (kind < shape.low_fraction + shape.scattered_fraction)
    charge[is_low] = rng.exponential(shape.low_decay_pc, int(is_low.sum()))
    charge[is_scattered] = _scattered_charges(rng, shape, int(is_scattered.sum()))
    return charge


def _scattered_charges(rng: np.random.Generator, shape: SpeShape, number: int) -> Array:
    """Draw evenly, and keep a charge when that of a full photoelectron is larger."""
    found = np.zeros(0)
    while len(found) < number:
        charge = rng.uniform(0.0, shape.centre_pc + 8 * shape.sigma_pc, 4 * number + 100)
        full = rng.normal(shape.centre_pc, shape.sigma_pc, len(charge))
        found = np.concatenate([found, charge[full > charge]])
    return found[:number]


def window_charges(
    rng: np.random.Generator,
    draw: Draw,
    triggers: int,
    occupancy: float,
    pedestal_pc: tuple[float, float],
) -> Array:
    """Draw the fixed-window charge of every trigger; pedestal as mean and width."""
    number = rng.poisson(occupancy, triggers)
    owner = np.repeat(np.arange(triggers), number)
    sums = np.bincount(owner, draw(rng, len(owner)), triggers)
    return sums + rng.normal(*pedestal_pc, triggers)


def pass_threshold(
    rng: np.random.Generator, charge_pc: Array, turn_on_pc: float, width_pc: float
) -> Array:
    """Return the charges that a leading-edge threshold lets through, by its turn-on."""
    return charge_pc[rng.random(len(charge_pc)) < ndtr((charge_pc - turn_on_pc) / width_pc)]


def histogram(charge_pc: Array, edges_pc: Array, name: SpectrumName) -> Spectrum:
    """Fill a spectrum."""
    counts, _ = np.histogram(charge_pc[charge_pc < edges_pc[-1]], edges_pc)
    return Spectrum(
        name=name,
        edges_pc=tuple(float(edge) for edge in edges_pc),
        counts=tuple(int(count) for count in counts),
        below=int((charge_pc < edges_pc[0]).sum()),
        above=int((charge_pc >= edges_pc[-1]).sum()),
    )
