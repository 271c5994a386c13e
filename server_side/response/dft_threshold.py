"""Compound Poisson response behind a threshold, by Fourier transform.

For charges of pulses above a leading-edge threshold: the threshold acts on the
pulse's height, which goes with the charge but not strictly, so its efficiency
over the charge is a smooth turn-on, an error function. Charges much below it are
not seen: this spectrum tells neither the low-charge component, which is left
out, nor the mean SPE charge, which is therefore not given.
"""

import math

import numpy as np
from scipy.special import ndtr

from server_side.response.compound import (
    FourierGrid,
    farthest_charge_pc,
    gaussian_transform,
    has_equal_bins,
    photoelectron_terms,
    poisson_transform,
)
from server_side.response.model import (
    Array,
    Boundary,
    Component,
    Constraint,
    Hold,
    ModelParameter,
    Refusal,
    ResponseQuantity,
    Side,
    Start,
    StartRow,
)
from server_side.response.peaks import Peak, find_photoelectron_peak
from server_side.response.spe_shape import SpeShape
from server_side.result import Spectrum, SpectrumName

NOISE_OVER_PEAK = 0.12
"""Width of the noise over the SPE peak. This spectrum cannot tell it; the pedestals of the
R12860 bench have 0.09 (150 baseline samples, window of 35) to 0.16 (40 and 60) ..."""
NOISE_WIDTH = 0.25
"""... so its logarithm is known to a quarter."""


class DftThreshold:
    """charges x efficiency x (compound Poisson * noise), none-photoelectron term left out."""

    name = "dft"
    spectrum = SpectrumName.THRESHOLD
    parameters = (
        ModelParameter("triggers", "events"),
        ModelParameter("occupancy", "photoelectrons per trigger"),
        ModelParameter("spe_centre_pc", "pC"),
        ModelParameter("spe_width_pc", "pC"),
        ModelParameter("turn_on_pc", "pC"),
        ModelParameter("turn_on_width_pc", "pC"),
        ModelParameter("noise_pc", "pC"),
    )
    boundaries = (
        Boundary(
            "turn_on_pc",
            (Side.LOW,),
            (Hold("turn_on_pc", 0.0), Hold("turn_on_width_pc", None)),
            "the threshold lies below the spectrum and does not shape it",
        ),
        Boundary(
            "turn_on_width_pc",
            (Side.LOW,),
            (Hold("turn_on_width_pc", None),),
            "the threshold's turn-on is sharper than the bins",
        ),
    )
    constraints = (
        Constraint(
            "noise_pc",
            "spe_centre_pc",
            NOISE_OVER_PEAK,
            NOISE_WIDTH,
            "width of the noise over the SPE peak: 0.12 within a quarter",
        ),
    )
    quantities = (
        ResponseQuantity(
            "occupancy",
            "",
            "Mean photoelectrons per trigger, from the share of several photoelectrons.",
            lambda v: float(v[1]),
        ),
    )

    def start(self, spectrum: Spectrum) -> Start | Refusal:
        """Start at the first peak of the spectrum, the turn-on half-way below it."""
        counts = np.asarray(spectrum.counts, dtype=np.float64)
        edges = np.asarray(spectrum.edges_pc)
        if not has_equal_bins(edges):
            return Refusal("the model needs bins of equal width")
        peak = find_photoelectron_peak(counts, edges)
        return peak if isinstance(peak, Refusal) else self._start_at(peak, counts, edges)

    def _start_at(self, peak: Peak, counts: Array, edges: Array) -> Start:
        total, place = float(counts.sum()), peak.position_pc
        centres = 0.5 * (edges[:-1] + edges[1:])
        above = float(counts[centres > place + 2.2 * peak.sigma_pc].sum()) / total
        occupancy = min(max(2.0 * above, 0.01), 2.0)
        triggers = total / (1.0 - math.exp(-occupancy))
        bin_width = float(edges[1] - edges[0])
        error = peak.sigma_pc / math.sqrt(total)
        width = min(max(peak.sigma_pc, 0.06 * place), 0.4 * place)
        noise = NOISE_OVER_PEAK * place
        return Start(
            (
                StartRow(1.2 * triggers, 0.02 * triggers, 0.0, 50.0 * triggers),
                StartRow(occupancy, 0.03 * occupancy, 0.0, 8.0),
                StartRow(0.95 * place, 3 * error, 0.6 * place, 1.3 * place),
                StartRow(width, 2 * error, 0.05 * place, 0.8 * place),
                StartRow(0.5 * place, 0.03 * place, 0.0, 1.2 * place),
                StartRow(0.3 * place, 0.03 * place, 0.5 * bin_width, place),
                StartRow(noise, 0.2 * noise, 0.02 * place, 0.6 * place),
            )
        )

    def expected(self, values: Array, edges_pc: Array) -> Array:
        """Return the expected counts per bin."""
        grid = _grid_of(values, edges_pc)
        frequency = grid.frequencies_for(values[6])
        spe = _spe_of(values).transform(frequency)
        some = poisson_transform(spe, values[1]) - math.exp(-values[1])
        noise = gaussian_transform(frequency, 0.0, values[6])
        counts: Array = values[0] * grid.sum_bins(
            grid.integrate_cells(some * noise) * _efficiency(values, grid)
        )
        return counts

    def components(self, values: Array, edges_pc: Array) -> tuple[Component, ...]:
        """Return one, two, and more photoelectrons behind the threshold."""
        grid = _grid_of(values, edges_pc)
        frequency = grid.frequencies_for(values[6])
        spe = _spe_of(values).transform(frequency)
        noise = gaussian_transform(frequency, 0.0, values[6])
        efficiency = _efficiency(values, grid)
        terms = photoelectron_terms(spe, float(values[1]), ("0 PE", "1 PE", "2 PE"))
        return tuple(
            Component(
                label, values[0] * grid.sum_bins(grid.integrate_cells(term * noise) * efficiency)
            )
            for label, term in terms[1:]
        )

    def peak_charge_pc(self, values: Array) -> float:
        """Return the mode of the SPE density before threshold and noise."""
        return _spe_of(values).mode_pc()

    def mean_charge_pc(self, values: Array) -> None:  # noqa: ARG002
        """Return nothing: charges below the threshold belong to the mean and are not seen."""
        return

    def fault(self, values: Array, spectrum: Spectrum) -> str:
        """Return why the first peak is not that of one photoelectron, or nothing."""
        place = float(values[2])
        if not spectrum.edges_pc[0] < place < spectrum.edges_pc[-1]:
            return f"the SPE peak, {place:.3g} pC, lies outside of the spectrum"
        return ""


def _spe_of(values: Array) -> SpeShape:
    """Return the SPE charge; charges below the threshold are left out."""
    return SpeShape(float(values[2]), float(values[3]))


def _grid_of(values: Array, edges_pc: Array) -> FourierGrid:
    farthest = farthest_charge_pc(_spe_of(values), float(values[1]), 0.0, float(values[6]))
    return FourierGrid.of(edges_pc, farthest)


def _efficiency(values: Array, grid: FourierGrid) -> Array:
    """Return the part of the pulses that pass the threshold, for each cell."""
    if values[4] <= 0.0:
        return np.ones_like(grid.centres_pc)
    passed: Array = ndtr((grid.centres_pc - values[4]) / values[5])
    return passed
