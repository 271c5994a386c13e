"""Charge densities of Poisson sums of photoelectrons, by Fourier transform.

A charge is the sum of the pedestal's fluctuation and of n single-photoelectron
(SPE) charges, n following a Poisson law. Convolutions are products of
characteristic functions, so the density of any n-fold sum, and of all of them
weighted, is one inverse transform (Kalousis et al., arXiv:1911.06220). The
characteristic functions are exact, not transforms of sampled densities: sharp
edges at zero charge do no harm.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.fft import next_fast_len

from server_side.response.model import Array, Complex
from server_side.response.spe_shape import SpeShape

CELLS_PER_BIN = 4
"""Points of the transform in each bin of the histogram."""
NOTHING_LEFT = 8.0
"""Widths of a Gaussian's transform beyond which it is under 1e-13."""
SPAN_RATIOS = (2.0, 64.0)
"""Least and greatest length of the transform over the histogram's reach."""
FAR_SIGMAS = 6.0
"""Standard deviations beyond which a sum of charges is not looked for ..."""
FAR_PHOTOELECTRONS = 6.0
"""... and the mean SPE charges beyond that: little light is no Gaussian."""
FAR_DECAYS = 16.0
"""The same for low charges, in their decays: 1e-7 of them lie further."""


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
    def of(cls, edges_pc: Array, farthest_pc: float) -> "FourierGrid":
        """Return the grid of a histogram with equal bins.

        The transform is so long that no charge wraps round into the histogram. Its length
        goes in steps of half the histogram's reach: a fit hardly ever meets one, and the
        counts on both sides of a step are the same.

        Parameters
        ----------
        farthest_pc
            Charge beyond which there is nothing (``farthest_charge_pc``).
        """
        bins = len(edges_pc) - 1
        cell = float(edges_pc[-1] - edges_pc[0]) / (bins * CELLS_PER_BIN)
        start = min(float(edges_pc[0]), 0.0)
        reach = float(edges_pc[-1]) - start
        least, most = SPAN_RATIOS
        ratio = math.ceil(2.0 * min(max(least, (farthest_pc - start) / reach), most)) / 2.0
        cells = next_fast_len(math.ceil(ratio * reach / cell), real=True)
        frequency = np.asarray(2.0 * np.pi * np.fft.rfftfreq(cells, cell), dtype=np.float64)
        return cls(cell, cells, bins, float(edges_pc[0]), frequency)

    @property
    def centres_pc(self) -> Array:
        """Centres of the cells inside the histogram, shape (bins * CELLS_PER_BIN,)."""
        number = self.bins * CELLS_PER_BIN
        steps = np.arange(number, dtype=np.float64)
        centres: Array = self.first_edge_pc + self.cell_pc * (steps + 0.5)
        return centres

    def frequencies_for(self, sigma_pc: float) -> Array:
        """Return the frequencies that a Gaussian of this width does not damp to nothing."""
        end = int(np.searchsorted(self.frequency, NOTHING_LEFT / sigma_pc))
        return self.frequency[: max(end, 2)]

    def integrate_cells(self, transform: Complex) -> Array:
        """Return the content of each cell inside the histogram, exactly integrated.

        Parameters
        ----------
        transform
            At the lowest frequencies; at those above it is nothing.
        """
        frequency = self.frequency[: len(transform)]
        half = 0.5 * frequency * self.cell_pc
        origin = self.first_edge_pc + 0.5 * self.cell_pc
        shifted = np.conj(transform) * np.exp(1j * frequency * origin) * np.sinc(half / np.pi)
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


def farthest_charge_pc(
    spe: SpeShape, occupancy: float, noise_mean_pc: float, noise_sigma_pc: float
) -> float:
    """Return a charge beyond which less than about 1e-9 of the triggers lie."""
    light = max(occupancy, 0.0)
    mean, sigma = spe.moments()
    spread = math.sqrt(light * (mean**2 + sigma**2) + noise_sigma_pc**2)
    low = FAR_DECAYS * spe.low_decay_pc if spe.low_fraction > 0.0 else 0.0
    far = max(FAR_PHOTOELECTRONS * mean, low)
    return noise_mean_pc + light * mean + FAR_SIGMAS * spread + far


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
