"""Pedestal and a Poisson sum of Gaussians of 1, 2 ... photoelectrons.

For fixed-window charge. The SPE charge is one Gaussian: there are no low
charges. Where the dynodes give some, the fit takes them for pedestal or for
width, and its gain is off by some per cent; it is the oldest of the shared
languages, and its distance from ``dft`` says how much the shape matters.

References
----------
Bellamy et al., Nucl. Instrum. Meth. A 339 (1994) 468, without its background term.
"""

import math

import numpy as np
from scipy.special import gammaln, ndtr

from server_side.response import fixed_window
from server_side.response.model import (
    Array,
    Component,
    ModelParameter,
    Refusal,
    ResponseQuantity,
    Start,
    StartRow,
)
from server_side.response.pedestal import find_pedestal
from server_side.result import Spectrum, SpectrumName


class PoissonGauss:
    """triggers x sum over n of Poisson(n) Gauss(pedestal + n mean, ped^2 + n sigma^2)."""

    name = "poisson_gauss"
    spectrum = SpectrumName.WINDOW
    parameters = (
        *fixed_window.PARAMETERS,
        ModelParameter("spe_mean_pc", "pC"),
        ModelParameter("spe_sigma_pc", "pC"),
    )
    boundaries = ()
    constraints = ()

    @property
    def quantities(self) -> tuple[ResponseQuantity, ...]:
        """Occupancy, SPE resolution and peak-to-valley; mean and width are parameters."""
        return (
            fixed_window.OCCUPANCY,
            ResponseQuantity("spe_mean_pc", "pC", "Mean SPE charge.", lambda v: float(v[4])),
            ResponseQuantity(
                "spe_sigma_pc",
                "pC",
                "Standard deviation of the SPE charge.",
                lambda v: float(v[5]),
            ),
            ResponseQuantity(
                "spe_resolution",
                "",
                "Standard deviation over mean of the SPE charge, pedestal removed.",
                lambda v: float(v[5] / v[4]),
            ),
            fixed_window.peak_to_valley_of(self.expected),
        )

    def start(self, spectrum: Spectrum) -> Start | Refusal:
        """Start from pedestal, mean charge and the first peak above the pedestal."""
        found = find_pedestal(spectrum)
        if isinstance(found, Refusal):
            return found
        peak, error = found.spe_peak_pc, fixed_window.peak_error_pc(found)
        bin_width_pc = float(np.median(np.diff(spectrum.edges_pc)))
        return Start(
            (
                *fixed_window.start_rows(found, bin_width_pc),
                StartRow(0.9 * peak, error, 0.3 * peak, 2.0 * peak),
                StartRow(1.1 * found.spe_sigma_pc, error, 0.03 * peak, 1.5 * peak),
            )
        )

    def expected(self, values: Array, edges_pc: Array) -> Array:
        """Return the expected counts per bin."""
        counts: Array = self._terms(values, edges_pc).sum(axis=0)
        return counts

    def components(self, values: Array, edges_pc: Array) -> tuple[Component, ...]:
        """Return pedestal, one, two, and more photoelectrons."""
        terms = self._terms(values, edges_pc)
        return (
            Component("pedestal", terms[0]),
            Component("1 PE", terms[1]),
            Component("2 PE", terms[2]),
            Component("3 PE and more", terms[3:].sum(axis=0)),
        )

    def _terms(self, values: Array, edges_pc: Array) -> Array:
        """Return the counts of 0, 1, 2 ... photoelectrons, shape (terms, bins)."""
        triggers, occupancy, ped_mean, ped_sigma, mean, sigma = (float(v) for v in values)
        most = math.ceil(max(occupancy, 0.0) + 7.0 * math.sqrt(max(occupancy, 0.0))) + 5
        number = np.arange(most + 1, dtype=np.float64)
        share = np.exp(number * math.log(max(occupancy, 1e-12)) - occupancy - gammaln(number + 1))
        widths = np.sqrt(ped_sigma**2 + number * sigma**2)
        places = (edges_pc - (ped_mean + number * mean)[:, np.newaxis]) / widths[:, np.newaxis]
        counts: Array = triggers * share[:, np.newaxis] * np.diff(ndtr(places), axis=1)
        return counts

    def peak_charge_pc(self, values: Array) -> float:
        """Return the mean of the Gaussian, which is its mode."""
        return float(values[4])

    def mean_charge_pc(self, values: Array) -> float:
        """Return the mean of the Gaussian."""
        return float(values[4])

    def fault(self, values: Array, spectrum: Spectrum) -> str:
        """Return why the Gaussian is no charge of a photoelectron, or nothing."""
        if values[4] >= spectrum.edges_pc[-1]:
            return f"the SPE charge, {values[4]:.3g} pC, lies outside of the spectrum"
        return ""
