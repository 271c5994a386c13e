"""Goodness of a binned fit: chi2, its probability, pulls. Numpy and the standard library alone."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MIN_EXPECTED = 5.0
"""Bins are merged with their neighbours until a fit expects so many counts in each."""


@dataclass(frozen=True)
class Goodness:
    """How well expected counts describe the counted ones."""

    chi2: float
    ndf: int
    p_value: float
    pulls: NDArray[np.float64]
    """(counts - expected) / sqrt(expected) of every bin before merging; shape (bins,)."""


def goodness_of_fit(
    counts: NDArray[np.float64], expected: NDArray[np.float64], free_parameters: int
) -> Goodness:
    """Compare counts with a fit by Pearson's chi2.

    Where the fit expects fewer than ``MIN_EXPECTED`` counts, neighbouring bins
    are merged first: below that Pearson's sum does not follow a chi2
    distribution. The expectation decides, not the data, so that nothing is
    biased by it.

    Parameters
    ----------
    counts, expected
        Shape (bins,); expected counts are positive.
    free_parameters
        Parameters that the fit took from the same data.
    """
    starts = _group_starts(expected)
    merged, wanted = np.add.reduceat(counts, starts), np.add.reduceat(expected, starts)
    chi2 = float(np.sum((merged - wanted) ** 2 / wanted))
    ndf = len(starts) - free_parameters
    pulls = (counts - expected) / np.sqrt(expected)
    return Goodness(chi2, ndf, chi2_probability(chi2, ndf), pulls)


def _group_starts(expected: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the first bin of each group that expects enough; a poor tail joins the last group."""
    starts, total = [0], 0.0
    for index, value in enumerate(expected):
        if total >= MIN_EXPECTED:
            starts.append(index)
            total = 0.0
        total += float(value)
    if total < MIN_EXPECTED and len(starts) > 1:
        starts.pop()
    return np.array(starts, dtype=np.intp)


def chi2_probability(chi2: float, ndf: int) -> float:
    """Return the probability of a chi2 at least so large.

    The regularised upper incomplete gamma function Q(ndf/2, chi2/2) by its
    recursion Q(a+1, x) = Q(a, x) + x^a e^-x / gamma(a+1), which starts at
    Q(1/2, x) = erfc(sqrt(x)) or Q(1, x) = e^-x.

    References
    ----------
    NIST Digital Library of Mathematical Functions, 8.8.2 and 8.4.
    """
    if ndf <= 0 or not math.isfinite(chi2):
        return 0.0
    if chi2 <= 0:
        return 1.0
    x = chi2 / 2.0
    order = 0.5 if ndf % 2 else 1.0
    probability = math.erfc(math.sqrt(x)) if ndf % 2 else math.exp(-x)
    while order < ndf / 2.0:
        probability += math.exp(order * math.log(x) - x - math.lgamma(order + 1.0))
        order += 1.0
    return min(probability, 1.0)
