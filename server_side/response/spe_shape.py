"""Charge of a single photoelectron (SPE): its density, transform, moments and mode.

Most photoelectrons are multiplied in full: a Gaussian, truncated at zero. The
others give less. Some miss the first dynode or lose a stage: an exponential of
low charges. Some scatter back from the first dynode and leave only a part of
their energy there: any part, so their charge is spread evenly up to that of a
full one. The scattered ones make the peak of a box-and-line dynode skew; without
them its mode is fitted one per cent too low.

References
----------
Kalousis et al., arXiv:1911.06220 (truncated Gaussian and exponential); Furman and
Pivi, Phys. Rev. ST Accel. Beams 5 (2002) 124404 (rediffused electrons, about flat
up to the full energy).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from scipy.special import ndtr, wofz

from server_side.response.model import Array, Complex, ResponseQuantity

NEWTON_STEPS = 20

Term = TypeVar("Term", float, Array, Complex)


@dataclass(frozen=True)
class SpeShape:
    """SPE charge: truncated Gaussian, exponential of low charges, scattered electrons."""

    centre_pc: float
    sigma_pc: float
    low_fraction: float = 0.0
    low_decay_pc: float = 1.0
    scattered_fraction: float = 0.0
    """Density of these: the probability that a full charge is larger, over its mean."""

    def density(self, charge_pc: Array) -> Array:
        """Return the density per pC, zero below zero charge."""
        scaled = (charge_pc - self.centre_pc) / self.sigma_pc
        full = np.exp(-0.5 * scaled**2) / (math.sqrt(2.0 * math.pi) * self.sigma_pc * self._kept)
        low = np.exp(-np.maximum(charge_pc, 0.0) / self.low_decay_pc) / self.low_decay_pc
        scattered = ndtr(-scaled) / (self._kept * self._full_moments[0])
        density: Array = np.where(charge_pc >= 0.0, self._mix(full, low, scattered), 0.0)
        return density

    def transform(self, frequency: Array) -> Complex:
        """Return the characteristic function E[exp(i frequency q)].

        Of the truncated Gaussian with z = (centre + i k sigma^2) / (sqrt(2) sigma)::

            G(k) = [2 exp(i k centre - k^2 sigma^2 / 2) - exp(-centre^2 / 2 sigma^2) w(i z)]
                   / 2 kept

        where w is the Faddeeva function, exp(-z^2) erfc(z) = w(i z); of the scattered
        electrons (G(k) - 1) / (i k mean), by integration in parts.
        """
        centre, sigma = self.centre_pc, self.sigma_pc
        whole = np.exp(1j * frequency * centre - 0.5 * (frequency * sigma) ** 2)
        argument = (centre + 1j * frequency * sigma**2) / (math.sqrt(2.0) * sigma)
        cut = math.exp(-0.5 * (centre / sigma) ** 2) * wofz(1j * argument)
        full = np.asarray((2.0 * whole - cut) / (2.0 * self._kept), dtype=np.complex128)
        low = np.asarray(1.0 / (1.0 - 1j * frequency * self.low_decay_pc), dtype=np.complex128)
        nonzero = np.where(frequency == 0.0, 1.0, frequency)
        flat = (full - 1.0) / (1j * nonzero * self._full_moments[0])
        mixed: Complex = self._mix(full, low, np.where(frequency == 0.0, 1.0, flat))
        return mixed

    def moments(self) -> tuple[float, float]:
        """Return mean and standard deviation."""
        first, second, third = self._full_moments
        decay = self.low_decay_pc
        mean = self._mix(first, decay, second / (2.0 * first))
        square = self._mix(second, 2.0 * decay**2, third / (3.0 * first))
        return mean, math.sqrt(square - mean**2)

    def mode_pc(self) -> float:
        """Return the charge at which the density has its peak, NaN when it has none.

        Newton steps on the density's slope from the Gaussian's centre: the charges
        below it move the peak a little down.
        """
        charge, variance = self.centre_pc, self.sigma_pc**2
        norm = 1.0 / (math.sqrt(2 * math.pi) * self.sigma_pc * self._kept)
        mean = self._full_moments[0]
        for _ in range(NEWTON_STEPS):
            offset = charge - self.centre_pc
            full = norm * math.exp(-0.5 * offset**2 / variance)
            low = math.exp(-charge / self.low_decay_pc) / self.low_decay_pc
            slope = self._mix(-full * offset / variance, -low / self.low_decay_pc, -full / mean)
            bend = self._mix(
                full * (offset**2 / variance - 1.0) / variance,
                low / self.low_decay_pc**2,
                full * offset / variance / mean,
            )
            if bend >= 0.0:
                return math.nan
            charge -= slope / bend
        # A step of error propagation may make a fraction negative, the mode then lies above.
        return charge if 0.0 < charge < 2.0 * self.centre_pc else math.nan

    @property
    def _kept(self) -> float:
        """Part of the Gaussian above zero."""
        return float(ndtr(self.centre_pc / self.sigma_pc))

    @property
    def _full_moments(self) -> tuple[float, float, float]:
        """First three moments of the truncated Gaussian about zero."""
        centre, sigma = self.centre_pc, self.sigma_pc
        edge = math.exp(-0.5 * (centre / sigma) ** 2) / (math.sqrt(2.0 * math.pi) * self._kept)
        first = centre + sigma * edge
        second = centre * first + sigma**2
        return first, second, centre * second + 2.0 * sigma**2 * first

    def _mix(self, full: Term, low: Term, scattered: Term) -> Term:
        """Return the sum of what belongs to the three kinds of charge, by their fractions."""
        share = 1.0 - self.low_fraction - self.scattered_fraction
        return share * full + self.low_fraction * low + self.scattered_fraction * scattered


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
