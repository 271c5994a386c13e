"""The weighted straight line through ln(gain) over ln(voltage), and the points beside it.

The arithmetic of ``hv_curve``: numpy alone, no judgement.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

OUTLIER_PULL = 3.0
"""A point further from the line through the others is an outlier."""


@dataclass(frozen=True)
class HvOutlier:
    """A point that does not lie on the curve through the others."""

    voltage_v: float
    pull: float
    """Its ln(gain) less that of the line through the other points, over the error of both."""

    @property
    def words(self) -> str:
        """What is said of it."""
        side = "above" if self.pull > 0 else "below"
        return (
            f"{self.voltage_v:g} V lies {abs(self.pull):.1f} errors {side} the curve through the "
            "other points"
        )


@dataclass(frozen=True)
class HvPoints:
    """Points sorted by voltage, arrays of shape (points,)."""

    voltage_v: NDArray[np.float64]
    gain: NDArray[np.float64]
    relative_err: NDArray[np.float64]


@dataclass(frozen=True)
class HvLine:
    """ln(gain) = level + index * (ln(voltage) - pivot); level and index are uncorrelated."""

    level: float
    level_err: float
    index: float
    index_err: float
    pivot: float
    chi2: float
    ndf: int
    worst_v: float
    worst_pull: float

    @property
    def scatter(self) -> float:
        """By how much more than their errors the points scatter; 1 where they do not."""
        return math.sqrt(max(1.0, self.chi2 / self.ndf)) if self.ndf > 0 else 1.0

    def log_gain_err(self, log_voltage: float) -> float:
        """Return the error of ln(gain) on the line."""
        return math.hypot(self.level_err, self.index_err * (log_voltage - self.pivot))


def fit_line(points: HvPoints) -> HvLine:
    """Fit the line; its pivot is where level and index are uncorrelated."""
    x, y = np.log(points.voltage_v), np.log(points.gain)
    weight = points.relative_err**-2.0
    pivot = float(np.average(x, weights=weight))
    spread = float(np.sum(weight * (x - pivot) ** 2))
    level = float(np.average(y, weights=weight))
    index = float(np.sum(weight * (x - pivot) * y)) / spread
    pulls = (y - level - index * (x - pivot)) / points.relative_err
    worst = int(np.argmax(np.abs(pulls)))
    return HvLine(
        level=level,
        level_err=float(np.sum(weight)) ** -0.5,
        index=index,
        index_err=spread**-0.5,
        pivot=pivot,
        chi2=float(np.sum(pulls**2)),
        ndf=len(x) - 2,
        worst_v=float(points.voltage_v[worst]),
        worst_pull=float(pulls[worst]),
    )


def find_outliers(points: HvPoints) -> tuple[HvOutlier, ...]:
    """Return the points that do not lie on the line through the others, by voltage.

    With fewer than four points the others are two, and say nothing.
    """
    if len(points.voltage_v) < 4:
        return ()
    found = []
    for place, voltage in enumerate(points.voltage_v):
        others = HvPoints(
            *(
                np.delete(values, place)
                for values in (points.voltage_v, points.gain, points.relative_err)
            )
        )
        line = fit_line(others)
        distance = math.log(voltage) - line.pivot
        miss = math.log(points.gain[place]) - line.level - line.index * distance
        error = math.hypot(float(points.relative_err[place]), line.log_gain_err(math.log(voltage)))
        if abs(miss) > OUTLIER_PULL * error:
            found.append(HvOutlier(float(voltage), miss / error))
    return tuple(found)
