"""Shapes of pulses over time, of height 1, with time 0 at half height of the leading edge."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

STEP_NS = 0.1


@dataclass(frozen=True)
class PulseShape:
    """A pulse of height 1 on a fine grid of times."""

    height: NDArray[np.float32]
    """Shape (steps,), one every 0.1 ns."""
    first_ns: float
    """Time of the first step."""

    @property
    def area_ns(self) -> float:
        """Area over height: charge is height x area / impedance."""
        return float(self.height.sum()) * STEP_NS


def pmt_pulse() -> PulseShape:
    """Return the pulse of a 20-inch PMT: 11 ns wide at half height, 6.2 mV at a gain of 1e7.

    A Gaussian of 3.05 ns with an exponential decay of 6.2 ns: the two numbers
    follow from the width and from the ratio of charge to height.
    """
    return _smeared_decay(rise_ns=3.05, decay_ns=6.2)


def sipm_pulse() -> PulseShape:
    """Return the pulse of the light monitor: a fast edge and a slow decay."""
    return _smeared_decay(rise_ns=2.0, decay_ns=30.0)


def trigger_pulse() -> PulseShape:
    """Return the signal generator's pulse: 100 ns long with edges of 4 ns."""
    time = np.arange(-4.0, 110.0, STEP_NS)
    rising, falling = (time + 2.0) / 4.0, (102.0 - time) / 4.0
    return _from_half_height(np.clip(np.minimum(rising, falling), 0.0, 1.0))


def _smeared_decay(rise_ns: float, decay_ns: float) -> PulseShape:
    reach = np.arange(-5 * rise_ns, 5 * rise_ns, STEP_NS)
    gauss = np.exp(-0.5 * (reach / rise_ns) ** 2)
    decay = np.exp(-np.arange(0.0, 10 * decay_ns, STEP_NS) / decay_ns)
    return _from_half_height(np.convolve(gauss, decay))


def _from_half_height(height: NDArray[np.float64]) -> PulseShape:
    height = height / height.max()
    half = int(np.argmax(height >= 0.5))
    return PulseShape(height.astype(np.float32), first_ns=-half * STEP_NS)
