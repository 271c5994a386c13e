"""How a number with its error becomes a measurement."""

import math

import numpy as np
from numpy.typing import NDArray

from server_side.result import Measurement, Missing, Quantity

MIN_VALUES = 20
"""Fewer values give no mean with an error worth the name."""


def measured(name: str, value: float, error: float | None, unit: str, meaning: str) -> Measurement:
    """Return the quantity, or that it is missing when value or error is no number."""
    if not math.isfinite(value):
        return Missing(name=name, reason="the data give no finite value")
    usable = error is not None and math.isfinite(error)
    return Quantity(
        name=name, value=value, error=error if usable else None, unit=unit, meaning=meaning
    )


def fraction(name: str, part: int, whole: int, meaning: str) -> Measurement:
    """Return part / whole with its binomial error.

    With none or all of them the error is that of one event more or less.
    """
    if whole <= 0:
        return Missing(name=name, reason="there are no events to take a fraction of")
    share = part / whole
    error = max(math.sqrt(share * (1.0 - share) / whole), 1.0 / whole)
    return measured(name, share, error, "", meaning)


def mean(name: str, values: NDArray[np.float64], unit: str, meaning: str) -> Measurement:
    """Return the mean of the finite values with its error."""
    finite = values[np.isfinite(values)]
    if len(finite) < MIN_VALUES:
        return Missing(name=name, reason=f"{len(finite)} values, a mean needs {MIN_VALUES}")
    error = float(finite.std(ddof=1)) / math.sqrt(len(finite))
    return measured(name, float(finite.mean()), error, unit, meaning)


def drift(name: str, values: NDArray[np.float64], unit: str, meaning: str) -> Measurement:
    """Return how far the values move from beginning to end: slope of a line times its length."""
    finite = values[np.isfinite(values)]
    if len(finite) < 10 * MIN_VALUES:
        reason = f"{len(finite)} values, a drift needs {10 * MIN_VALUES}"
        return Missing(name=name, reason=reason)
    place = np.linspace(-0.5, 0.5, len(finite))
    spread = float(np.sum(place**2))
    slope = float(np.sum(place * (finite - finite.mean()))) / spread
    scatter = float(np.std(finite - slope * place, ddof=2))
    return measured(name, slope, scatter / math.sqrt(spread), unit, meaning)
