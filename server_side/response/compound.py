"""Charge densities of Poisson sums of photoelectrons, by Fourier transform.

A charge is the sum of the pedestal's fluctuation and of n single-photoelectron
(SPE) charges, n following a Poisson law. Convolutions are products of
characteristic functions, so the density of any n-fold sum, and of all of them
weighted, is one inverse transform (Kalousis et al., arXiv:1911.06220). The
characteristic functions are exact, not transforms of sampled densities: sharp
edges at zero charge do no harm.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.fft import next_fast_len
from scipy.special import ndtr, wofz

from server_side.response.model import Array, ResponseQuantity

Complex = NDArray[np.complex128]
CELLS_PER_BIN = 4
"""Points of the transform in each bin of the histogram."""
SPAN_RATIO = 2.0
"""Length of the transform over the histogram's reach: what lies beyond the histogram
must not wrap round into it."""


@dataclass(frozen=True)
class SpeShape:
    """SPE charge: a Gaussian truncated at zero and an exponential of low charges."""

    centre_pc: float
    sigma_pc: float
    low_fraction: float
    low_decay_pc: float

    def density(self, charge_pc: Array) -> Array:
        """Return the density per pC, zero below zero charge."""
        scaled = (charge_pc - self.centre_pc) / self.sigma_pc
        gauss = np.exp(-0.5 * scaled**2) / (math.sqrt(2.0 * math.pi) * self.sigma_pc * self._kept)
        low = np.exp(-np.maximum(charge_pc, 0.0) / self.low_decay_pc) / self.low_decay_pc
        mixed = (1.0 - self.low_fraction) * gauss + self.low_fraction * low
        density: Array = np.where(charge_pc >= 0.0, mixed, 0.0)
        return density

    @property
    def _kept(self) -> float:
        """Part of the Gaussian above zero."""
        return float(ndtr(self.centre_pc / self.sigma_pc))

    def transform(self, frequency: Array) -> Complex:
        """Return the characteristic function E[exp(i frequency q)].

        Of the truncated Gaussian with z = (centre + i k sigma^2) / (sqrt(2) sigma)::

            [2 exp(i k centre - k^2 sigma^2 / 2) - exp(-centre^2 / 2 sigma^2) w(i z)] / 2 kept

        where w is the Faddeeva function, exp(-z^2) erfc(z) = w(i z).
        """
        centre, sigma = self.centre_pc, self.sigma_pc
        whole = np.exp(1j * frequency * centre - 0.5 * (frequency * sigma) ** 2)
        argument = (centre + 1j * frequency * sigma**2) / (math.sqrt(2.0) * sigma)
        cut = math.exp(-0.5 * (centre / sigma) ** 2) * wofz(1j * argument)
        gauss = (2.0 * whole - cut) / (2.0 * self._kept)
        low = 1.0 / (1.0 - 1j * frequency * self.low_decay_pc)
        mixed: Complex = (1.0 - self.low_fraction) * gauss + self.low_fraction * low
        return mixed

    def moments(self) -> tuple[float, float]:
        """Return mean and standard deviation."""
        centre, sigma, kept = self.centre_pc, self.sigma_pc, self._kept
        edge = sigma * math.exp(-0.5 * (centre / sigma) ** 2) / (math.sqrt(2.0 * math.pi) * kept)
        first, second = centre + edge, sigma**2 + centre * (centre + edge)
        fraction, decay = self.low_fraction, self.low_decay_pc
        mean = (1.0 - fraction) * first + fraction * decay
        square = (1.0 - fraction) * second + 2.0 * fraction * decay**2
        return mean, math.sqrt(square - mean**2)

    def mode_pc(self) -> float:
        """Return the charge at which the density has its peak, NaN when it has none.

        Newton steps on the density's slope from the Gaussian's centre: the
        exponential moves the peak a little to lower charge.
        """
        charge, variance = self.centre_pc, self.sigma_pc**2
        gauss_norm = (1.0 - self.low_fraction) / (
            math.sqrt(2 * math.pi) * self.sigma_pc * self._kept
        )
        for _ in range(20):
            offset = charge - self.centre_pc
            gauss = gauss_norm * math.exp(-0.5 * offset**2 / variance)
            low = self.low_fraction * math.exp(-charge / self.low_decay_pc) / self.low_decay_pc
            slope = -gauss * offset / variance - low / self.low_decay_pc
            bend = gauss * (offset**2 / variance - 1.0) / variance + low / self.low_decay_pc**2
            if bend >= 0.0:
                return math.nan
            charge -= slope / bend
        # A step of error propagation may make the fraction negative, the mode then lies above.
        return charge if 0.0 < charge < 2.0 * self.centre_pc else math.nan


@dataclass(frozen=True)
class FourierGrid:
    """Cells of a histogram with equal bins, and the frequencies of their transform."""

    cell_pc: float
    cells: int
    bins: int
    first_edge_pc: float
    frequency: Array
    """Shape (cells // 2 + 1,)."""

    @classmethod
    def of(cls, edges_pc: Array) -> "FourierGrid":
        """Return the grid of a histogram with equal bins."""
        bins = len(edges_pc) - 1
        cell = float(edges_pc[-1] - edges_pc[0]) / (bins * CELLS_PER_BIN)
        reach = float(edges_pc[-1]) - min(float(edges_pc[0]), 0.0)
        cells = next_fast_len(math.ceil(SPAN_RATIO * reach / cell), real=True)
        frequency = np.asarray(2.0 * np.pi * np.fft.rfftfreq(cells, cell), dtype=np.float64)
        return cls(cell, cells, bins, float(edges_pc[0]), frequency)

    @property
    def centres_pc(self) -> Array:
        """Centres of the cells inside the histogram, shape (bins * CELLS_PER_BIN,)."""
        number = self.bins * CELLS_PER_BIN
        steps = np.arange(number, dtype=np.float64)
        centres: Array = self.first_edge_pc + self.cell_pc * (steps + 0.5)
        return centres

    def integrate_cells(self, transform: Complex) -> Array:
        """Return the content of each cell inside the histogram, exactly integrated."""
        half = 0.5 * self.frequency * self.cell_pc
        origin = self.first_edge_pc + 0.5 * self.cell_pc
        shifted = np.conj(transform) * np.exp(1j * self.frequency * origin) * np.sinc(half / np.pi)
        content: Array = np.fft.irfft(shifted, self.cells)[: self.bins * CELLS_PER_BIN]
        return content

    def sum_bins(self, cells: Array) -> Array:
        """Return the content of each bin from that of its cells."""
        summed: Array = cells.reshape(self.bins, CELLS_PER_BIN).sum(axis=1)
        return summed


def gaussian_transform(frequency: Array, mean_pc: float, sigma_pc: float) -> Complex:
    """Return the characteristic function of a Gaussian."""
    transform: Complex = np.exp(1j * frequency * mean_pc - 0.5 * (frequency * sigma_pc) ** 2)
    return transform


def poisson_transform(spe: Complex, occupancy: float) -> Complex:
    """Return the characteristic function of a Poisson number of SPE charges, none included."""
    transform: Complex = np.exp(occupancy * (spe - 1.0))
    return transform


def has_equal_bins(edges_pc: Array) -> bool:
    """Tell whether all bins are equally wide."""
    widths = np.diff(edges_pc)
    return bool(np.allclose(widths, widths.mean(), rtol=1e-6, atol=0.0))


def photoelectron_terms(
    spe: Complex, occupancy: float, names: tuple[str, ...]
) -> tuple[tuple[str, Complex], ...]:
    """Return the transforms of 0, 1, 2 ... photoelectrons by name, and of all the rest.

    Parameters
    ----------
    spe
        Characteristic function of the SPE charge.
    names
        Labels of 0, 1, 2 ... photoelectrons.
    """
    terms = [
        math.exp(-occupancy) * occupancy**n / math.factorial(n) * spe**n for n in range(len(names))
    ]
    rest = poisson_transform(spe, occupancy) - sum(terms)
    return (*zip(names, terms, strict=True), (f"{len(names)} PE and more", rest))


def spe_quantities(shape_of: Callable[[Array], SpeShape]) -> tuple[ResponseQuantity, ...]:
    """Return mean, width and resolution of the SPE charge, low charges included."""
    return (
        ResponseQuantity(
            "spe_mean_pc", "pC", "Mean SPE charge.", lambda v: shape_of(v).moments()[0]
        ),
        ResponseQuantity(
            "spe_sigma_pc",
            "pC",
            "Standard deviation of the SPE charge.",
            lambda v: shape_of(v).moments()[1],
        ),
        ResponseQuantity(
            "spe_resolution",
            "",
            "Standard deviation over mean of the SPE charge, pedestal removed.",
            lambda v: shape_of(v).moments()[1] / shape_of(v).moments()[0],
        ),
    )
