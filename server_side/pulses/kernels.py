"""Compiled loops over waveforms: one pass for pulses, one for fixed windows.

Sums run in float64 over float32 counts. The loops release the GIL, so that
channels can be read side by side.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from server_side.wavedump.compilation import compiled, compiled_sums

NO_WINDOW = -1_000_000
"""Stands for a window that is not there."""
MIN_QUIET_SAMPLES = 16
"""A baseline of a fixed window needs so many quiet samples."""
DISTURBED_NOISES = 6.0
"""By how many typical noises quiet samples may depart."""


class PulseRule(NamedTuple):
    """What a pulse is, in counts and samples."""

    sign: float
    """+1 for positive pulses, -1 for negative ones."""
    baseline_samples: int
    threshold: float
    before: int
    """The charge begins so many samples before the start."""
    after: int
    top: float
    """Largest count of the ADC."""


class WindowRule(NamedTuple):
    """Fixed windows of one length, in samples after the trigger's start."""

    low: int
    width: int
    """0 where there is no window."""
    dark_low: int
    """``NO_WINDOW`` where there is no dark window."""
    noise: float
    """Typical noise of the channel in counts."""


@compiled_sums
def mean_of(row: Any, low: int, high: int) -> float:
    """Return the mean of row[low:high]."""
    total = 0.0
    for k in range(low, high):
        total += row[k]
    return total / (high - low)


@compiled_sums
def spread_of(row: Any, low: int, high: int, mean: float) -> float:
    """Return the standard deviation of row[low:high] about a mean."""
    total = 0.0
    for k in range(low, high):
        total += (row[k] - mean) ** 2
    return math.sqrt(total / (high - low))


@compiled
def range_of(row: Any, low: int, high: int) -> tuple[float, float]:
    """Return the smallest and the largest of row[low:high].

    Two strands of comparisons that do not wait for each other: the compiler
    does not vectorise a minimum of floats.
    """
    small_a = small_b = large_a = large_b = row[low]
    for k in range(low, high - 1, 2):
        small_a, large_a = min(small_a, row[k]), max(large_a, row[k])
        small_b, large_b = min(small_b, row[k + 1]), max(large_b, row[k + 1])
    last = row[high - 1]
    return min(small_a, small_b, last), max(large_a, large_b, last)


@compiled
def first_above(row: Any, sign: float, baseline: float, threshold: float) -> int:
    """Return the first sample above a threshold, or -1."""
    for k in range(len(row)):
        if sign * (row[k] - baseline) > threshold:
            return k
    return -1


@compiled
def measure_pulses(samples: Any, rule: PulseRule, columns: Any, saturated: Any) -> None:
    """Fill baseline, noise, start, charge (counts x samples), peak (counts) and saturation.

    ``columns`` has shape (5, events).
    """
    baselines, noises, starts, charges, peaks = columns
    length = samples.shape[1]
    for i in range(len(samples)):
        row = samples[i]
        baseline = mean_of(row, 0, rule.baseline_samples)
        smallest, largest = range_of(row, 0, length)
        peak = largest - baseline if rule.sign > 0 else baseline - smallest
        baselines[i], peaks[i] = baseline, peak
        noises[i] = spread_of(row, 0, rule.baseline_samples, baseline)
        saturated[i] = smallest <= 0 or largest >= rule.top
        starts[i], charges[i] = np.nan, np.nan
        if peak > rule.threshold:
            start = first_above(row, rule.sign, baseline, rule.threshold)
            low, high = max(0, start - rule.before), min(length, start + rule.after)
            starts[i] = start
            charges[i] = rule.sign * (mean_of(row, low, high) - baseline) * (high - low)


@compiled
def is_disturbed(row: Any, end: int, threshold: float, noise: float) -> bool:
    """Tell whether row[:end] holds a pulse or a jump."""
    mean = mean_of(row, 0, end)
    smallest, largest = range_of(row, 0, end)
    if max(largest - mean, mean - smallest) > max(threshold, DISTURBED_NOISES * noise):
        return True
    half = end // 2
    step = mean_of(row, 0, half) - mean_of(row, half, end)
    return abs(step) > DISTURBED_NOISES * noise * math.sqrt(1 / half + 1 / (end - half))


@compiled
def measure_windows(
    samples: Any,
    trigger_start: Any,
    rules: tuple[PulseRule, WindowRule],
    columns: Any,
    disturbed: Any,
) -> None:
    """Fill window charge, dark charge (counts x samples) and disturbance.

    ``columns`` has shape (2, events).
    """
    signals, darks = columns
    pulse, window = rules
    length, width = samples.shape[1], window.width
    for i in range(len(samples)):
        row = samples[i]
        signals[i], darks[i] = np.nan, np.nan
        quiet = pulse.baseline_samples
        if width > 0 and not math.isnan(trigger_start[i]):
            low = int(trigger_start[i]) + window.low
            dark = int(trigger_start[i]) + window.dark_low
            end = dark if dark >= MIN_QUIET_SAMPLES else low
            if end >= MIN_QUIET_SAMPLES and low + width <= length:
                quiet = end
                base = mean_of(row, 0, quiet)
                signals[i] = pulse.sign * (mean_of(row, low, low + width) - base) * width
                if end == dark:
                    darks[i] = pulse.sign * (mean_of(row, dark, dark + width) - base) * width
        disturbed[i] = is_disturbed(row, quiet, pulse.threshold, window.noise)
