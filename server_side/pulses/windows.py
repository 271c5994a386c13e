"""Where the pulses of a point lie in time, and where to integrate.

Two stages. ``find_arrival_window`` looks at when pulses start after the
trigger, and says so when nothing stands out: cables differ from bench to
bench, so the window is found in the data unless settings fix it. Then
``charge_window_for`` gives the integration window that belongs to it, and
``place_windows`` puts signal window, dark window and quiet samples on the record.

Time runs from the trigger's start, the first sample of its leading edge above
threshold. Starts are whole samples, so the edges of an arrival window that was
found lie halfway between two samples and no pulse lies on an edge.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from server_side.pulses.arrival_times import ArrivalTimes
from server_side.pulses.kernels import MIN_QUIET_SAMPLES
from server_side.settings import Window

MIN_PEAK_PULSES = 10
"""Fewer pulses within three samples are no arrival peak."""
MIN_PEAK_SIGNIFICANCE = 5.0
"""The peak stands so many standard deviations above the pulses at other times."""
EDGE_FRACTION = 0.02
"""The window ends where the distribution has fallen to this part of its height."""
MAX_EARLY_NS = 14.0
MAX_LATE_NS = 24.0
"""The window reaches no further from its peak, so that late pulses stay outside."""
MIN_REACH_SAMPLES = 2
LEAD_NS = 10.0
"""The charge window begins so long before the earliest start: the pulse's foot."""
TAIL_NS = 45.0
"""It ends so long after the latest start: pulses are about 11 ns wide."""
DARK_GAP_SAMPLES = 4
"""Between dark window and charge window."""


@dataclass(frozen=True)
class ArrivalWindow:
    """When pulses that belong to the light start after the trigger."""

    window: Window
    origin: Literal["data", "settings"]
    peak_ns: float | None
    """Centre of the fullest three samples; None when settings gave the window."""
    pulses: int
    """Pulses inside the window."""
    background: float
    """Of them, how many are expected to be there by chance."""


@dataclass(frozen=True)
class NoArrivalWindow:
    """No arrival time stands out."""

    reason: str
    pulses: int
    """Pulses at any time."""


@dataclass(frozen=True)
class FixedWindows:
    """Integration windows of one channel, half-open, in samples after the trigger's start."""

    signal_low: int
    signal_high: int
    dark_low: int | None
    """Low end of the dark window, of the signal window's length; None without room for one."""
    noise_adc: float
    """Typical noise of the channel: by it an event's quiet samples are judged."""
    charge_window: Window
    """The signal window in ns, as it was placed."""


@dataclass(frozen=True)
class NoFixedWindows:
    """There is no fixed-window charge."""

    reason: str


def find_arrival_window(arrivals: ArrivalTimes) -> ArrivalWindow | NoArrivalWindow:
    """Find when the pulses of the light start after the trigger.

    Dark pulses come at any time, so their level is taken from the times far
    from the peak and the peak must stand above it by five standard deviations.
    """
    pulses, sample_ns = arrivals.pulses, arrivals.sample_ns
    if pulses < MIN_PEAK_PULSES:
        return NoArrivalWindow(f"{pulses} pulses, expected at least {MIN_PEAK_PULSES}", pulses)
    first = arrivals.first - MIN_REACH_SAMPLES
    counts = np.pad(arrivals.counts, MIN_REACH_SAMPLES).astype(np.float64)
    fullness = np.convolve(counts, np.ones(3), mode="same")
    peak, reach = int(fullness.argmax()), (MAX_EARLY_NS / sample_ns, MAX_LATE_NS / sample_ns)
    level = _level_outside(counts, peak, reach)
    excess = float(fullness[peak]) - 3 * level
    if fullness[peak] < MIN_PEAK_PULSES or excess < MIN_PEAK_SIGNIFICANCE * np.sqrt(3 * level):
        return NoArrivalWindow(
            f"no peak in the arrival times of {pulses} pulses: the fullest three samples, "
            f"{sample_ns * (peak + first):.0f} ns after the trigger, hold {fullness[peak]:.0f} "
            f"where {3 * level:.1f} are expected by chance",
            pulses,
        )
    low, high = _edges(counts, peak, level, reach)
    return ArrivalWindow(
        Window(low_ns=sample_ns * (first + low - 0.5), high_ns=sample_ns * (first + high + 0.5)),
        "data",
        peak_ns=sample_ns * (first + peak),
        pulses=int(counts[low : high + 1].sum()),
        background=level * (high + 1 - low),
    )


def given_arrival_window(window: Window, arrivals: ArrivalTimes) -> ArrivalWindow:
    """Return the window of the settings, with how many pulses it holds."""
    inside = is_inside(window, arrivals.times_ns)
    outside_ns = arrivals.times_ns[~inside & (arrivals.counts > 0)]
    span_ns = float(np.ptp(outside_ns)) if len(outside_ns) > 1 else 0.0
    width_ns = window.high_ns - window.low_ns
    outside = int(arrivals.counts[~inside].sum())
    level = outside / (span_ns - width_ns) if span_ns > width_ns else 0.0
    held = int(arrivals.counts[inside].sum())
    return ArrivalWindow(window, "settings", None, held, level * width_ns)


def is_inside(window: Window, time_ns: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which times lie between the ends of a window; NaN never does."""
    return (time_ns > window.low_ns) & (time_ns < window.high_ns)


def charge_window_for(arrival: Window) -> Window:
    """Return the fixed integration window (ns after the trigger's start) for an arrival window."""
    return Window(low_ns=arrival.low_ns - LEAD_NS, high_ns=arrival.high_ns + TAIL_NS)


def place_windows(
    charge: Window,
    trigger_start: NDArray[np.float64],
    record_length: int,
    sample_ns: float,
    noise_adc: float,
) -> FixedWindows | NoFixedWindows:
    """Put the signal window, the dark window and the quiet samples on the record.

    The dark window has the length of the signal window and ends four samples
    before it. All samples before the dark window are quiet: they are the
    baseline of both, so that the two spectra have the same pedestal. Where
    they would be fewer than 16 there is no dark window, and the signal window
    takes all samples before it. A signal window that the record cuts off is
    shortened so that it fits for nearly every trigger.

    Parameters
    ----------
    charge
        Integration window in ns after the trigger's start.
    trigger_start
        Starts of triggers in samples, shape (events,); NaN where there is none.
    """
    starts = trigger_start[np.isfinite(trigger_start)]
    if len(starts) == 0:
        return NoFixedWindows("no event has a trigger pulse above threshold")
    early, late = (int(np.quantile(starts, q)) for q in (0.001, 0.999))
    low = round(charge.low_ns / sample_ns)
    high = min(round(charge.high_ns / sample_ns), record_length - late)
    if high <= low or early + low < MIN_QUIET_SAMPLES:
        return NoFixedWindows(
            f"the window from {charge.low_ns:.0f} to {charge.high_ns:.0f} ns after a trigger at "
            f"sample {early} to {late} needs {MIN_QUIET_SAMPLES} quiet samples before it and an "
            f"end inside the record of {record_length} samples"
        )
    dark_low = low - DARK_GAP_SAMPLES - (high - low)
    placed = Window(low_ns=low * sample_ns, high_ns=high * sample_ns)
    has_dark = early + dark_low >= MIN_QUIET_SAMPLES
    return FixedWindows(low, high, dark_low if has_dark else None, noise_adc, placed)


def _level_outside(counts: NDArray[np.float64], peak: int, reach: tuple[float, float]) -> float:
    """Return the mean count of the bins further from the peak than the window can reach."""
    early, late = (round(part) for part in reach)
    outside = np.r_[counts[: max(0, peak - early)], counts[peak + late + 1 :]]
    return float(outside.mean()) if len(outside) else 0.0


def _edges(
    counts: NDArray[np.float64], peak: int, level: float, reach: tuple[float, float]
) -> tuple[int, int]:
    """Return first and last bin of the peak: where two neighbours have fallen to the edge level."""
    edge = level + max(EDGE_FRACTION * (counts[peak] - level), 2 * np.sqrt(level))
    pairs = (counts[1:] + counts[:-1]) / 2
    low, high = peak, peak
    while low > 0 and peak - low < reach[0] and pairs[low - 1] > edge:
        low -= 1
    while high < len(pairs) and high - peak < reach[1] and pairs[high] > edge:
        high += 1
    return min(low, peak - MIN_REACH_SAMPLES), max(high, peak + MIN_REACH_SAMPLES)
