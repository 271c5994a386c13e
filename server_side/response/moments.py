"""Occupancy, mean and variance of the SPE charge without a model of its shape.

Two windows of the same length see the same noise and dark pulses, one of them
the light as well. The light adds a Poisson number of SPE charges, so

    occupancy = -ln(share of signal below a cut / share of dark below it)
    mean      = (signal mean - dark mean) / occupancy
    variance  = (signal variance - dark variance) / occupancy - mean^2

The cut lies at the median of the dark charges: half of the triggers without
light are below it, and a photoelectron is, only when its charge is less than
the noise. Such photoelectrons are the method's bias: they lower the occupancy
and raise the mean by about their share.

References
----------
Saldanha, Grandi, Guardincerri, Wester, Nucl. Instrum. Meth. A 863 (2017) 35
(arXiv:1602.03150).
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from server_side.response.model import Array, Refusal
from server_side.response.pedestal import find_pedestal
from server_side.result import Spectrum

NAME = "moments"
MIN_BELOW = 25
"""The signal must have so many triggers below the cut, or there is too much light."""
MIN_SIGNIFICANCE = 5.0
"""The occupancy must be so many errors from zero, or there is no light."""
ASSUMED_PEDESTAL = "no dark spectrum: the pedestal is taken for a Gaussian"


@dataclass(frozen=True)
class Estimate:
    """A number with its statistical error."""

    value: float
    error: float


@dataclass(frozen=True)
class SpeMoments:
    """What two windows tell of the photoelectrons."""

    occupancy: Estimate
    mean_pc: Estimate
    sigma_pc: Estimate | None
    """None where the variance is not positive."""
    resolution: Estimate | None
    note: str


@dataclass(frozen=True)
class _Linked:
    """A number from both windows, and its influences.

    An influence is the change of the number for one more charge in a bin, times the
    charges of the window: the number's variance is the mean square of its influence
    over those charges, so that correlations are in it. Shape (bins,).
    """

    value: float
    on_light: Array
    on_dark: Array


@dataclass(frozen=True)
class _Window:
    """Share of the charges in each bin of a window, and how many there are."""

    share: Array
    number: float

    @classmethod
    def of(cls, counts: Array) -> "_Window":
        return cls(counts / counts.sum(), float(counts.sum()))

    def log_below(self, cut: int) -> tuple[float, Array]:
        """Return the logarithm of the share in the first bins, with its influence."""
        below = float(self.share[:cut].sum())
        return math.log(below), (np.arange(len(self.share)) < cut) / below - 1.0

    def mean(self, centres: Array) -> tuple[float, Array]:
        """Return the mean charge with its influence."""
        value = float(self.share @ centres)
        return value, centres - value

    def variance(self, centres: Array) -> tuple[float, Array]:
        """Return the variance of the charge with its influence."""
        distance = (centres - self.share @ centres) ** 2
        value = float(self.share @ distance)
        return value, distance - value

    def variance_from(self, influence: Array) -> float:
        """Return what this window adds to the variance of a number."""
        return float(self.share @ influence**2) / self.number


def measure_moments(signal: Spectrum, dark: Spectrum | None) -> SpeMoments | Refusal:
    """Return occupancy, mean and width of the SPE charge, or why there are none.

    Parameters
    ----------
    signal
        Charges of the fixed window, every trigger.
    dark
        Charges of the window before the pulse, in the same bins; without it the
        pedestal is the Gaussian on the lower side of the signal's own.
    """
    if dark is not None and dark.edges_pc != signal.edges_pc:
        return Refusal("signal and dark spectrum do not have the same bins")
    blank = _gaussian_pedestal(signal) if dark is None else _charges_of(dark)
    if isinstance(blank, Refusal):
        return blank
    if blank.sum() < MIN_BELOW:
        return Refusal(f"{blank.sum():.0f} charges in the dark window")
    light = _charges_of(signal)
    cut = int(np.searchsorted(np.cumsum(blank), 0.5 * blank.sum())) + 1
    if light[:cut].sum() < MIN_BELOW:
        return Refusal("hardly a trigger without photoelectrons is left: too much light")
    note = ASSUMED_PEDESTAL if dark is None else ""
    return _combine(_Window.of(light), _Window.of(blank), _centres(signal), cut, note)


def _combine(
    light: _Window, dark: _Window, centres: Array, cut: int, note: str
) -> SpeMoments | Refusal:
    def estimate(linked: _Linked) -> Estimate:
        variance = light.variance_from(linked.on_light) + dark.variance_from(linked.on_dark)
        return Estimate(linked.value, math.sqrt(variance))

    occupancy = _difference(dark.log_below(cut), light.log_below(cut), dark_first=True)
    light_level = estimate(occupancy)
    if light_level.value <= MIN_SIGNIFICANCE * light_level.error:
        return Refusal(
            f"the occupancy is {light_level.value:.4f} ± {light_level.error:.4f}: no light"
        )
    mean = _ratio(_difference(light.mean(centres), dark.mean(centres)), occupancy)
    level = estimate(mean)
    if not 0.0 < level.error < level.value:
        return Refusal(f"the mean SPE charge is {level.value:.3g} ± {level.error:.3g} pC")
    square = _ratio(_difference(light.variance(centres), dark.variance(centres)), occupancy)
    if square.value <= mean.value**2:
        return SpeMoments(light_level, level, None, None, note)
    root = math.sqrt(square.value - mean.value**2)
    sigma = _derive(root, (0.5 / root, square), (-mean.value / root, mean))
    return SpeMoments(light_level, level, estimate(sigma), estimate(_ratio(sigma, mean)), note)


def _difference(
    first: tuple[float, Array], second: tuple[float, Array], *, dark_first: bool = False
) -> _Linked:
    """Return a moment of one window less that of the other, light first unless said."""
    value, influences = first[0] - second[0], (first[1], -second[1])
    return _Linked(value, *(reversed(influences) if dark_first else influences))


def _ratio(upper: _Linked, lower: _Linked) -> _Linked:
    ratio = upper.value / lower.value
    return _derive(ratio, (1.0 / lower.value, upper), (-ratio / lower.value, lower))


def _derive(value: float, *terms: tuple[float, _Linked]) -> _Linked:
    """Return a function of numbers; each term is its slope over one of them."""
    return _Linked(
        value,
        np.sum([slope * linked.on_light for slope, linked in terms], axis=0),
        np.sum([slope * linked.on_dark for slope, linked in terms], axis=0),
    )


def _charges_of(spectrum: Spectrum) -> Array:
    """Return the counts, with those beyond the ends in the last bins."""
    counts = np.asarray(spectrum.counts, dtype=np.float64)
    counts[0] += spectrum.below
    counts[-1] += spectrum.above
    return counts


def _gaussian_pedestal(signal: Spectrum) -> Array | Refusal:
    """Return a dark window that is a Gaussian, with as many charges as the signal's pedestal."""
    found = find_pedestal(signal)
    if isinstance(found, Refusal):
        return found
    edges = (np.asarray(signal.edges_pc) - found.mean_pc) / found.sigma_pc
    number = found.triggers * math.exp(-found.occupancy)
    counts: Array = number * np.diff(ndtr(edges))
    return counts


def _centres(spectrum: Spectrum) -> Array:
    edges = np.asarray(spectrum.edges_pc)
    centres: Array = 0.5 * (edges[:-1] + edges[1:])
    return centres
