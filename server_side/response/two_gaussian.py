"""Two Gaussians, the second at twice the first: the model of the laboratory's history.

It describes the charges of pulses above threshold between two cuts. The first
Gaussian is taken for one photoelectron, the second, at twice its mean and with
a width of its own, for two. It knows neither the threshold's turn-on nor the
low-charge tail of real photomultipliers, and so does not describe real spectra
within their statistical errors; it is kept because gains of many years are its.
"""

import math

import numpy as np
from scipy.special import ndtr

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
    StartRow,
)
from server_side.response.peaks import Peak, find_photoelectron_peak
from server_side.result import Spectrum, SpectrumName

SQRT2 = math.sqrt(2.0)
MAX_RELATIVE_WIDTH = 0.8
"""A first Gaussian wider than this, over its mean, is no single-photoelectron peak."""
RATIO_LIMITS = (0.5, 4.0)
YIELD_LIMIT = 3.0
"""No Gaussian may hold more than so many times the charges of the spectrum."""


class TwoGaussian:
    """n1 Gauss(mean1, sigma1) + n2 Gauss(2 mean1, sigma_ratio sigma1), integrated over bins."""

    name = "two_gaussian"
    spectrum = SpectrumName.THRESHOLD
    parameters = (
        ModelParameter("n1", "charges"),
        ModelParameter("n2", "charges"),
        ModelParameter("mean1_pc", "pC"),
        ModelParameter("sigma1_pc", "pC"),
        ModelParameter("sigma_ratio", ""),
    )
    boundaries = (
        Boundary(
            "n2",
            (Side.LOW,),
            (Hold("n2", 0.0), Hold("sigma_ratio", None)),
            "there is no second Gaussian",
        ),
        Boundary(
            "sigma_ratio",
            (Side.LOW, Side.HIGH),
            (Hold("sigma_ratio", SQRT2),),
            "the width of the second Gaussian is not determined: taken as sqrt(2) of the first",
            is_physical=False,
        ),
    )
    constraints = ()
    quantities = (
        ResponseQuantity(
            "peak_resolution",
            "",
            "width over mean of the first Gaussian",
            lambda values: float(values[3] / values[2]),
        ),
    )

    def start(self, spectrum: Spectrum) -> Start | Refusal:
        """Start at the first peak of the spectrum, with what is left near its double."""
        counts = np.asarray(spectrum.counts, dtype=np.float64)
        edges = np.asarray(spectrum.edges_pc)
        peak = find_photoelectron_peak(counts, edges)
        return peak if isinstance(peak, Refusal) else self._start_at(peak, counts, edges)

    def _start_at(self, peak: Peak, counts: Array, edges: Array) -> Start:
        total = float(counts.sum())
        mean, bin_width = peak.position_pc, float(np.median(np.diff(edges)))
        sigma = max(min(peak.sigma_pc, 0.6 * mean), 0.3 * bin_width)
        first = min(peak.height * math.sqrt(2.0 * math.pi) * sigma / bin_width, total)
        second = max(total - first, 0.02 * total)
        step, error = 2.0 * math.sqrt(total), 3.0 * sigma / math.sqrt(total)
        most = YIELD_LIMIT * total
        return Start(
            (
                StartRow(first, step, 0.0, most),
                StartRow(second, step, 0.0, most),
                StartRow(mean, error, 0.7 * mean, 1.3 * mean),
                StartRow(sigma, error, 0.3 * bin_width, MAX_RELATIVE_WIDTH * mean),
                StartRow(SQRT2, 0.05, *RATIO_LIMITS),
            )
        )

    def expected(self, values: Array, edges_pc: Array) -> Array:
        """Return the expected counts per bin."""
        first, second = self._terms(values, edges_pc)
        return first + second

    def components(self, values: Array, edges_pc: Array) -> tuple[Component, ...]:
        """Return both Gaussians."""
        first, second = self._terms(values, edges_pc)
        return Component("1 PE Gaussian", first), Component("2 PE Gaussian", second)

    def _terms(self, values: Array, edges_pc: Array) -> tuple[Array, Array]:
        n1, n2, mean, sigma, ratio = values
        first = n1 * np.diff(ndtr((edges_pc - mean) / sigma))
        second = n2 * np.diff(ndtr((edges_pc - 2.0 * mean) / (ratio * sigma)))
        return first, second

    def peak_charge_pc(self, values: Array) -> float:
        """Return the mean of the first Gaussian."""
        return float(values[2])

    def mean_charge_pc(self, values: Array) -> None:  # noqa: ARG002
        """Return nothing: a Gaussian cut at the threshold says nothing about the mean charge."""
        return

    def fault(self, values: Array, spectrum: Spectrum) -> str:
        """Return why the first Gaussian is not the first peak, or nothing."""
        edges = np.asarray(spectrum.edges_pc)
        mean = float(values[2])
        if not edges[0] < mean < edges[-1]:
            return f"the first peak, {mean:.3g} pC, lies outside of the spectrum"
        first, second = self._terms(values, np.array([0.98 * mean, 1.02 * mean]))
        if second[0] > first[0]:
            return "the second Gaussian describes the first peak"
        return ""
