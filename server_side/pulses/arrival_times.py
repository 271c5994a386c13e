"""How many pulses start how long after the trigger: all that a search for the light needs."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ArrivalTimes:
    """Counts of pulses by arrival time; starts are whole samples, and so are their differences."""

    first: int
    """Arrival of the first count, in samples."""
    counts: NDArray[np.int64]
    """Pulses at each number of samples from ``first`` on."""
    sample_ns: float

    @property
    def pulses(self) -> int:
        """Return the number of all pulses."""
        return int(self.counts.sum())

    @property
    def times_ns(self) -> NDArray[np.float64]:
        """Return the arrival time of each count."""
        steps = np.arange(self.first, self.first + len(self.counts), dtype=np.float64)
        return steps * self.sample_ns

    def plus(self, other: "ArrivalTimes") -> "ArrivalTimes":
        """Return the counts of both."""
        if len(other.counts) == 0:
            return self
        if len(self.counts) == 0:
            return other
        first = min(self.first, other.first)
        end = max(part.first + len(part.counts) for part in (self, other))
        counts = np.zeros(end - first, np.int64)
        for part in (self, other):
            counts[part.first - first :][: len(part.counts)] += part.counts
        return ArrivalTimes(first, counts, self.sample_ns)


def count_arrivals(arrival_ns: NDArray[np.float64], sample_ns: float) -> ArrivalTimes:
    """Count arrival times (start less trigger start, NaN where there is no pulse)."""
    samples = np.rint(arrival_ns[np.isfinite(arrival_ns)] / sample_ns).astype(np.int64)
    first = int(samples.min()) if len(samples) else 0
    return ArrivalTimes(first, np.bincount(samples - first), sample_ns)
