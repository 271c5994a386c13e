"""From waveforms to pulse features, and the alignment of channels by event number."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class PulseTable:
    """Pulse features of one channel; every array has shape (events,)."""

    channel: int
    event_number: NDArray[np.int64]
    time_tag: NDArray[np.int64]
    """Trigger time tag as it was read (31 bit, wraps)."""
    baseline_adc: NDArray[np.float64]
    """Mean of the first samples."""
    noise_adc: NDArray[np.float64]
    """Standard deviation of the same samples."""
    start_sample: NDArray[np.float64]
    """First sample above threshold; NaN where there is none."""
    charge_pc: NDArray[np.float64]
    """Charge around the start; NaN where there is none."""
    window_charge_pc: NDArray[np.float64]
    """Charge in the fixed window after the trigger, every event; NaN without a trigger."""
    dark_charge_pc: NDArray[np.float64]
    """Charge in a window of the same length before the pulse."""
    peak_mv: NDArray[np.float64]
    """Largest excursion from the baseline in the sense of the pulse."""
    saturated: NDArray[np.bool_]
    """A sample lies at the end of the ADC's range."""
    disturbed: NDArray[np.bool_]
    """The baseline samples hold a pulse or jump: see ``docs/measurement.md``."""
