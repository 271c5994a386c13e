"""Where pedestal and photoelectrons lie in a fixed-window spectrum, before any fit."""

import math
from dataclasses import dataclass

import numpy as np

from server_side.response.model import Array, Refusal
from server_side.response.peaks import find_first_peak
from server_side.result import Spectrum

MIN_PEDESTAL_HEIGHT = 0.01
"""The pedestal may be so much lower than the highest peak: at five photoelectrons it is."""
MIN_PHOTOELECTRON_CHARGES = 100
BEYOND_SIGMAS = 4.0
"""Charges further than this above the pedestal are photoelectrons."""
OCCUPANCY_RANGE = (0.002, 8.0)


@dataclass(frozen=True)
class PedestalStart:
    """First estimates from a fixed-window spectrum."""

    triggers: float
    mean_pc: float
    sigma_pc: float
    occupancy: float
    spe_peak_pc: float
    """Peak of the SPE charge, above the pedestal."""
    spe_sigma_pc: float


def find_pedestal(spectrum: Spectrum) -> PedestalStart | Refusal:
    """Find pedestal, occupancy and SPE peak, or say why they cannot be found.

    The pedestal is the first peak; its events are those of the Gaussian on its
    lower side. At less than one photoelectron the SPE peak is the first one above
    it; at more, where peaks of several photoelectrons outgrow the first, and
    where there is no peak, it follows from the mean charge.
    """
    counts = np.asarray(spectrum.counts, dtype=np.float64)
    edges = np.asarray(spectrum.edges_pc)
    centres, bin_width = 0.5 * (edges[:-1] + edges[1:]), float(edges[1] - edges[0])
    peak = find_first_peak(counts, edges, MIN_PEDESTAL_HEIGHT)
    if peak is None:
        return Refusal("the spectrum has no pedestal peak")
    mean, sigma = _refine(counts, centres, peak.position_pc, peak.sigma_pc)
    total = float(counts.sum())
    height = float(np.max(counts[np.abs(centres - mean) <= max(sigma, bin_width)]))
    ped_events = min(math.sqrt(2.0 * math.pi) * height * sigma / bin_width, 0.999 * total)
    beyond = float(counts[centres > mean + BEYOND_SIGMAS * sigma].sum())
    if beyond < MIN_PHOTOELECTRON_CHARGES:
        return Refusal(
            f"{beyond:.0f} charges lie beyond the pedestal, a fit needs "
            f"{MIN_PHOTOELECTRON_CHARGES}: there is no light"
        )
    mean_charge = float(np.average(centres, weights=counts)) - mean
    if mean_charge <= 0.0:
        return Refusal("the mean charge does not lie above the first peak: it is no pedestal")
    occupancy = -math.log(max(ped_events / total, 1e-4))
    spe_peak = _spe_peak(counts, edges, mean, sigma) if occupancy < 1.0 else None
    if spe_peak is None:
        spe_peak = 1.1 * mean_charge / occupancy
    else:
        occupancy = 1.1 * mean_charge / spe_peak
    low, high = OCCUPANCY_RANGE
    occupancy = min(max(occupancy, low), high)
    return PedestalStart(total, mean, sigma, occupancy, spe_peak, 0.33 * spe_peak)


def _refine(counts: Array, centres: Array, mean: float, sigma: float) -> tuple[float, float]:
    """Return mean and width of the parabola through the logarithm of the peak's lower side."""
    core = (centres > mean - 2.0 * sigma) & (centres < mean + sigma) & (counts > 10)
    if core.sum() < 4:
        return mean, sigma
    bend, slope, _ = np.polyfit(
        centres[core] - mean, np.log(counts[core]), 2, w=counts[core] ** 0.5
    )
    if bend >= 0:
        return mean, sigma
    refined = math.sqrt(-0.5 / float(bend))
    moved = float(-0.5 * slope / bend)
    if not 0.3 * sigma < refined < 3.0 * sigma or abs(moved) > sigma:
        return mean, sigma
    return mean + moved, refined


def _spe_peak(counts: Array, edges: Array, mean: float, sigma: float) -> float | None:
    """Return the first peak above the pedestal, counted from it."""
    first = int(np.searchsorted(edges, mean + 2.5 * sigma))
    if len(counts) - first < 8:
        return None
    peak = find_first_peak(counts[first:], edges[first:])
    return None if peak is None else peak.position_pc - mean
