"""Charge of single photoelectrons: shapes of which the most frequent charge is 1.

A shape is a density on a grid of charges in units of its mode, so that "gain
1e7" means the same for each: the peak of the density lies at 1e7 e.
"""

from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

GRID_STEP = 0.0025
GRID_END = 6.0
CORE_WIDTH = 0.33
"""Width of the Gaussian of ``gauss`` relative to its peak: the 20-inch PMT's core."""
MODE_REACH = 0.15
"""The mode is that of a parabola through the density this close to its highest point."""


class SpeShape(StrEnum):
    """Charge distribution of single photoelectrons."""

    GAUSS = "gauss"
    """A Gaussian, cut at zero."""
    GAUSS_EXP = "gauss_exp"
    """A Gaussian cut at zero, and an exponential towards small charges."""
    BOX_AND_LINE = "box_and_line"
    """Table of a 20-inch box-and-line photomultiplier, measured in a dark box."""


@dataclass(frozen=True)
class SpeCharge:
    """A density of the single-photoelectron charge in units of its mode."""

    charge: NDArray[np.float64]
    """Grid, shape (points,)."""
    cumulative: NDArray[np.float64]
    """From 0 to 1, shape (points,)."""

    @property
    def mean(self) -> float:
        """Mean charge in units of the mode."""
        middle = (self.charge[1:] + self.charge[:-1]) / 2
        return float(middle @ np.diff(self.cumulative))

    def sample(self, number: int, random: np.random.Generator) -> NDArray[np.float64]:
        """Draw charges in units of the mode, shape (number,)."""
        return np.interp(random.random(number), self.cumulative, self.charge)


def spe_charge(
    shape: SpeShape, *, core_width: float, low_weight: float, low_scale: float
) -> SpeCharge:
    """Return the charge distribution of a shape.

    Parameters
    ----------
    core_width
        Width of the Gaussian relative to its peak; not for ``box_and_line``.
    low_weight, low_scale
        Part of the charges that is exponential, and its scale relative to the
        Gaussian's peak; only for ``gauss_exp``.
    """
    if shape is SpeShape.BOX_AND_LINE:
        return _in_units_of_the_mode(*_box_and_line_table())
    grid = np.arange(0.0, GRID_END, GRID_STEP)
    density = np.exp(-0.5 * ((grid - 1.0) / core_width) ** 2)
    density /= density.sum()
    if shape is SpeShape.GAUSS_EXP:
        low = np.exp(-grid / low_scale)
        # The exponential belongs to electrons that miss part of the amplification.
        low *= grid < 1.0
        density = (1 - low_weight) * density + low_weight * low / low.sum()
    return _in_units_of_the_mode(grid, np.cumsum(density) - density)


def _box_and_line_table() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return charge (in units of the mean) and cumulative distribution."""
    text = files("server_side.simulate").joinpath("box_and_line_20inch.csv").read_text()
    rows = [line.split(",") for line in text.splitlines() if line[:1] not in ("#", "c")]
    charge, cumulative = np.array(rows, dtype=np.float64).T
    return charge, cumulative


def _in_units_of_the_mode(
    charge: NDArray[np.float64], cumulative: NDArray[np.float64]
) -> SpeCharge:
    cumulative = (cumulative - cumulative[0]) / (cumulative[-1] - cumulative[0])
    return SpeCharge(charge / _mode(charge, cumulative), cumulative)


def _mode(charge: NDArray[np.float64], cumulative: NDArray[np.float64]) -> float:
    middle = (charge[1:] + charge[:-1]) / 2
    density = np.diff(cumulative) / np.diff(charge)
    highest = middle[density.argmax()]
    near = np.abs(middle - highest) < MODE_REACH * highest
    curvature, slope, _ = np.polyfit(middle[near], density[near], 2)
    return float(-slope / (2 * curvature))
