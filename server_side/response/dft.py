"""Compound Poisson response with a low-charge component, by Fourier transform.

For fixed-window charge: the pedestal is in the spectrum and tells the
occupancy; the SPE charge is a Gaussian truncated at zero plus an exponential of
low charges (photoelectrons that miss the first dynode or scatter back from it).

References
----------
Kalousis, de Andre, Baussan, Dracos, arXiv:1911.06220 and arXiv:2304.07292.
"""

import math

import numpy as np

from server_side.response.compound import (
    FourierGrid,
    SpeShape,
    gaussian_transform,
    has_equal_bins,
    photoelectron_terms,
    poisson_transform,
    spe_quantities,
)
from server_side.response.model import (
    Array,
    Boundary,
    Component,
    Hold,
    ModelParameter,
    Refusal,
    ResponseQuantity,
    Side,
    Start,
)
from server_side.response.pedestal import PedestalStart, find_pedestal
from server_side.result import Spectrum, SpectrumName

LOW_FRACTION_LIMIT = 0.6
DECAY_LIMITS = (0.05, 1.0)
"""Of the exponential's decay over the SPE centre: shorter is no charge, longer no low charge."""


class DftWindow:
    """triggers x pedestal Gaussian * exp(occupancy (SPE - 1)) in Fourier space."""

    name = "dft"
    spectrum = SpectrumName.WINDOW
    parameters = (
        ModelParameter("triggers", "events"),
        ModelParameter("occupancy", "photoelectrons per trigger"),
        ModelParameter("ped_mean_pc", "pC"),
        ModelParameter("ped_sigma_pc", "pC"),
        ModelParameter("spe_centre_pc", "pC"),
        ModelParameter("spe_width_pc", "pC"),
        ModelParameter("low_fraction", ""),
        ModelParameter("low_decay_pc", "pC"),
    )
    boundaries = (
        Boundary(
            "low_fraction",
            (Side.LOW,),
            (Hold("low_fraction", 0.0), Hold("low_decay_pc", None)),
            "the spectrum needs no component of low charges",
        ),
        Boundary(
            "low_decay_pc",
            (Side.LOW,),
            (Hold("low_fraction", 0.0), Hold("low_decay_pc", None)),
            "its low charges are no different from none",
        ),
        Boundary(
            "low_decay_pc",
            (Side.HIGH,),
            (Hold("low_decay_pc", None),),
            "its low charges are spread evenly up to the peak",
        ),
    )

    @property
    def quantities(self) -> tuple[ResponseQuantity, ...]:
        """Occupancy, SPE mean, width and resolution, and peak-to-valley."""
        return (
            ResponseQuantity(
                "occupancy", "", "Mean photoelectrons per trigger.", lambda v: float(v[1])
            ),
            *spe_quantities(spe_shape),
            ResponseQuantity(
                "peak_to_valley",
                "",
                "Height of the fitted SPE peak over the valley between it and the pedestal.",
                self._peak_to_valley,
            ),
        )

    def start(self, spectrum: Spectrum) -> Start | Refusal:
        """Start from pedestal, mean charge and the first peak above the pedestal."""
        if not has_equal_bins(np.asarray(spectrum.edges_pc)):
            return Refusal("the model needs bins of equal width")
        found = find_pedestal(spectrum)
        if isinstance(found, Refusal):
            return found
        return self._start_at(found, np.asarray(spectrum.edges_pc))

    def _start_at(self, found: PedestalStart, edges: Array) -> Start:
        total, peak = found.triggers, found.spe_peak_pc
        bin_width = float(edges[1] - edges[0])
        root = math.sqrt(total)
        spe_error = peak / math.sqrt(total * min(found.occupancy, 1.0))
        least_sigma = 0.3 * bin_width
        occupancy, mean, sigma = found.occupancy, found.mean_pc, found.sigma_pc
        widest = 3.0 * sigma + least_sigma
        decay_low, decay_high = DECAY_LIMITS[0] * peak, DECAY_LIMITS[1] * peak
        rows = (  # value, step, low, high of each parameter
            (total, root, 0.5 * total, 1.5 * total),
            (occupancy, math.sqrt(occupancy / total), 0.3 * occupancy, 3.0 * occupancy + 0.05),
            (mean, 2 * sigma / root, mean - 2.0 * sigma, mean + 2.0 * sigma),
            (max(sigma, 2.0 * least_sigma), 2 * sigma / root, least_sigma, widest),
            (peak, spe_error, 0.4 * peak, 2.0 * peak),
            (found.spe_sigma_pc, spe_error, 0.05 * peak, peak),
            (0.15, 0.02, 0.0, LOW_FRACTION_LIMIT),
            (0.35 * peak, 0.05 * peak, decay_low, decay_high),
        )
        values, steps, low, high = zip(*rows, strict=True)
        return Start(values=values, steps=steps, low=low, high=high)

    def expected(self, values: Array, edges_pc: Array) -> Array:
        """Return the expected counts per bin."""
        grid = FourierGrid.of(edges_pc)
        transform = poisson_transform(spe_shape(values).transform(grid.frequency), values[1])
        pedestal = gaussian_transform(grid.frequency, values[2], values[3])
        counts: Array = values[0] * grid.sum_bins(grid.integrate_cells(transform * pedestal))
        return counts

    def components(self, values: Array, edges_pc: Array) -> tuple[Component, ...]:
        """Return pedestal, one, two, and more photoelectrons."""
        grid = FourierGrid.of(edges_pc)
        spe = spe_shape(values).transform(grid.frequency)
        pedestal = gaussian_transform(grid.frequency, values[2], values[3])
        terms = photoelectron_terms(spe, float(values[1]), ("pedestal", "1 PE", "2 PE"))
        return tuple(
            Component(label, values[0] * grid.sum_bins(grid.integrate_cells(term * pedestal)))
            for label, term in terms
        )

    def peak_charge_pc(self, values: Array) -> float:
        """Return the mode of the SPE density, pedestal removed."""
        return spe_shape(values).mode_pc()

    def mean_charge_pc(self, values: Array) -> float:
        """Return the mean of the SPE density, low charges included."""
        return spe_shape(values).moments()[0]

    def fault(self, values: Array, spectrum: Spectrum) -> str:  # noqa: ARG002
        """Return why the SPE density has no peak, or nothing."""
        if not math.isfinite(self.peak_charge_pc(values)):
            return "the fitted single-photoelectron charge has no peak"
        return ""

    def _peak_to_valley(self, values: Array) -> float:
        """Return the ratio on a fine grid from the pedestal to beyond the SPE peak, or NaN."""
        edges = np.linspace(values[2], values[2] + 2.0 * values[4], 401)
        density = self.expected(values, edges)
        peak = int(np.argmax(density[100:300])) + 100
        valley = float(density[:peak].min())
        ratio = float(density[peak]) / valley if valley > 0 else math.nan
        return ratio if ratio > 1.0 else math.nan


def spe_shape(values: Array) -> SpeShape:
    """Return the SPE charge of a set of parameters: their last four."""
    centre, sigma, fraction, decay = (float(value) for value in values[-4:])
    return SpeShape(centre, sigma, fraction, decay)
