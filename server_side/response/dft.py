"""Compound Poisson response with low charges, by Fourier transform.

For fixed-window charge: the pedestal is in the spectrum and tells the
occupancy; the SPE charge is that of ``spe_shape``.

References
----------
Kalousis, de Andre, Baussan, Dracos, arXiv:1911.06220 and arXiv:2304.07292.
"""

import math

import numpy as np

from server_side.response import fixed_window
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
from server_side.response.pedestal import PedestalStart, find_pedestal
from server_side.response.spe_shape import SpeShape, spe_quantities
from server_side.result import Spectrum, SpectrumName

FRACTION_LIMIT = 0.5
"""Of either kind of low charge."""
DECAY_RATIO = 0.35
"""Decay of the exponential over the SPE centre, as the literature's spectra have it ..."""
DECAY_WIDTH = 0.25
"""... so its logarithm is known to a quarter."""


class DftWindow:
    """triggers x pedestal Gaussian * exp(occupancy (SPE - 1)) in Fourier space."""

    name = "dft"
    spectrum = SpectrumName.WINDOW
    parameters = (
        *fixed_window.PARAMETERS,
        ModelParameter("spe_centre_pc", "pC"),
        ModelParameter("spe_width_pc", "pC"),
        ModelParameter("low_fraction", ""),
        ModelParameter("low_decay_pc", "pC"),
        ModelParameter("scattered_fraction", ""),
    )
    boundaries = (
        Boundary(
            "low_fraction",
            (Side.LOW,),
            (Hold("low_fraction", 0.0), Hold("low_decay_pc", None)),
            "the spectrum needs no exponential of low charges",
            goes_on=True,
        ),
        Boundary(
            "scattered_fraction",
            (Side.LOW,),
            (Hold("scattered_fraction", 0.0),),
            "the spectrum needs no scattered photoelectrons",
            goes_on=True,
        ),
    )
    constraints = (
        Constraint(
            "low_decay_pc",
            "spe_centre_pc",
            DECAY_RATIO,
            DECAY_WIDTH,
            "decay of low charges over the SPE peak: 0.35 within a quarter",
        ),
    )

    @property
    def quantities(self) -> tuple[ResponseQuantity, ...]:
        """Occupancy, SPE mean, width and resolution, and peak-to-valley."""
        return (
            fixed_window.OCCUPANCY,
            *spe_quantities(spe_shape),
            fixed_window.peak_to_valley_of(self.expected),
        )

    def start(self, spectrum: Spectrum) -> Start | Refusal:
        """Start from pedestal, mean charge and the first peak above the pedestal."""
        if not has_equal_bins(np.asarray(spectrum.edges_pc)):
            return Refusal("the model needs bins of equal width")
        found = find_pedestal(spectrum)
        if isinstance(found, Refusal):
            return found
        return self._start_at(found, spectrum.edges_pc[1] - spectrum.edges_pc[0])

    def _start_at(self, found: PedestalStart, bin_width_pc: float) -> Start:
        peak, error = found.spe_peak_pc, fixed_window.peak_error_pc(found)
        return Start(
            (
                *fixed_window.start_rows(found, bin_width_pc),
                StartRow(peak, error, 0.4 * peak, 2.0 * peak),
                StartRow(found.spe_sigma_pc, error, 0.05 * peak, peak),
                StartRow(0.08, 0.02, 0.0, FRACTION_LIMIT),
                StartRow(DECAY_RATIO * peak, 0.1 * peak, 0.02 * peak, 4.0 * peak),
                StartRow(0.1, 0.02, 0.0, FRACTION_LIMIT),
            )
        )

    def expected(self, values: Array, edges_pc: Array) -> Array:
        """Return the expected counts per bin."""
        grid = _grid_of(values, edges_pc)
        frequency = grid.frequencies_for(values[3])
        transform = poisson_transform(spe_shape(values).transform(frequency), values[1])
        pedestal = gaussian_transform(frequency, values[2], values[3])
        counts: Array = values[0] * grid.sum_bins(grid.integrate_cells(transform * pedestal))
        return counts

    def components(self, values: Array, edges_pc: Array) -> tuple[Component, ...]:
        """Return pedestal, one, two, and more photoelectrons."""
        grid = _grid_of(values, edges_pc)
        frequency = grid.frequencies_for(values[3])
        spe = spe_shape(values).transform(frequency)
        pedestal = gaussian_transform(frequency, values[2], values[3])
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


def spe_shape(values: Array) -> SpeShape:
    """Return the SPE charge of a set of parameters: their last five."""
    return SpeShape(*(float(value) for value in values[-5:]))


def _grid_of(values: Array, edges_pc: Array) -> FourierGrid:
    shape = spe_shape(values)
    farthest = farthest_charge_pc(shape, float(values[1]), float(values[2]), float(values[3]))
    return FourierGrid.of(edges_pc, farthest)
