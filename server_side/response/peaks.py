"""Peaks of a histogram, where a fit can start."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from server_side.response.model import Array, Refusal

MIN_SIGNIFICANCE = 5.0
"""A maximum must stand out of the lower of its valleys by so many errors."""
MIN_HEIGHT = 0.25
"""A peak must reach this part of the highest one."""
MAX_LOW_END = 0.5
"""Counts at the low end, over the height of the first peak, above which it is not the first."""
LEAST_PEAK_BINS = 2.0
"""The first peak must lie so many bins above zero charge."""
SMOOTHING_BINS = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0)
"""Widths of the smoothing kernel that are tried, finest first."""


@dataclass(frozen=True)
class Peak:
    """A maximum of a smoothed histogram."""

    position_pc: float
    sigma_pc: float
    """From the points at exp(-1/2) of the height, on the steeper side."""
    height: float
    """Counts in the bin of the maximum, smoothed."""


def find_first_peak(counts: Array, edges_pc: Array, min_height: float = MIN_HEIGHT) -> Peak | None:
    """Return the peak at the lowest charge that is a peak beyond doubt, None without one.

    A maximum at the first or last bin is no peak: the histogram may rise on
    beyond its end.

    Parameters
    ----------
    counts
        Shape (bins,).
    edges_pc
        Shape (bins + 1,).
    min_height
        Part of the highest peak that a peak must reach.
    """
    for width in SMOOTHING_BINS:
        if 4 * width > len(counts):
            break
        peak = _first_peak_smoothed(counts, edges_pc, width, min_height)
        if peak is not None:
            return peak
    return None


def find_photoelectron_peak(counts: Array, edges_pc: Array) -> Peak | Refusal:
    """Return the first peak of a thresholded spectrum, or why it is not that of one electron.

    Parameters
    ----------
    counts
        Shape (bins,).
    edges_pc
        Shape (bins + 1,).
    """
    peak = find_first_peak(counts, edges_pc)
    if peak is None:
        return Refusal("the spectrum has no peak that stands out of its statistical errors")
    if peak.position_pc < LEAST_PEAK_BINS * float(np.median(np.diff(edges_pc))):
        return Refusal(
            f"the first peak lies at {peak.position_pc:.3g} pC: no charge that these bins resolve"
        )
    if counts[:2].mean() > MAX_LOW_END * peak.height:
        return Refusal(
            f"the spectrum rises towards its low end: the peak at {peak.position_pc:.2f} pC "
            "is not the first"
        )
    return peak


def smooth(counts: Array, width_bins: float) -> Array:
    """Return counts folded with a Gaussian; the ends are continued with the last bin."""
    reach = int(np.ceil(4 * width_bins))
    offset = np.arange(-reach, reach + 1)
    kernel = np.exp(-0.5 * (offset / width_bins) ** 2)
    padded = np.pad(counts, reach, mode="edge")
    return np.convolve(padded, kernel / kernel.sum(), mode="valid")


def _first_peak_smoothed(
    counts: Array, edges_pc: Array, width_bins: float, min_height: float
) -> Peak | None:
    smoothed = smooth(counts, width_bins)
    # One smoothed bin averages about 2 sqrt(pi) widths of bins.
    error = np.sqrt(np.maximum(smoothed, 1.0) / (2.0 * np.sqrt(np.pi) * width_bins))
    maxima = _interior_maxima(smoothed)
    if not maxima.size:
        return None
    highest = smoothed[maxima].max()
    for index in maxima:
        depth = smoothed[index] - _higher_valley(smoothed, int(index))
        tall = smoothed[index] >= min_height * highest
        if tall and depth >= MIN_SIGNIFICANCE * error[index]:
            return _describe(smoothed, edges_pc, int(index))
    return None


def _interior_maxima(smoothed: Array) -> NDArray[np.intp]:
    rises = smoothed[1:-1] > smoothed[:-2]
    falls = smoothed[1:-1] >= smoothed[2:]
    return np.flatnonzero(rises & falls) + 1


def _higher_valley(smoothed: Array, index: int) -> float:
    """Return the higher of the lowest levels between a maximum and its next higher neighbours."""
    left, right = smoothed[:index][::-1], smoothed[index + 1 :]
    return max(_valley(left, smoothed[index]), _valley(right, smoothed[index]))


def _valley(side: Array, height: float) -> float:
    above = np.flatnonzero(side > height)
    reach = side[: above[0]] if above.size else side
    return float(reach.min()) if reach.size else float(height)


def _describe(smoothed: Array, edges_pc: Array, index: int) -> Peak:
    centres = 0.5 * (edges_pc[:-1] + edges_pc[1:])
    level = np.exp(-0.5) * smoothed[index]
    widths = []
    for step in (-1, 1):
        position = index
        while 0 <= position < len(smoothed) and smoothed[position] > level:
            position += step
        if 0 <= position < len(smoothed):
            widths.append(abs(float(centres[position] - centres[index])))
    bin_width = float(edges_pc[index + 1] - edges_pc[index])
    sigma = min(widths) if widths else float(centres[-1] - centres[0]) / 4.0
    return Peak(float(centres[index]), max(sigma, bin_width), float(smoothed[index]))
