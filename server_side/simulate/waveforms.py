"""Compiled loops: pulses and noise into counts, counts into WaveDump text.

Noise is white and Gaussian, drawn from 65,536 quantiles, four samples to one
64-bit random number; the largest is 4.3 standard deviations. The loops release
the GIL, so that channels can be written side by side.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from server_side.settings import DaqSettings
from server_side.simulate.pulse_shape import STEP_NS, PulseShape
from server_side.wavedump.compilation import compiled

QUANTILES = 1 << 16
DIGITS = 5
"""A count of at most 16 bits has up to so many digits."""


@dataclass(frozen=True)
class Pulses:
    """Pulses of some events of a channel, in any order."""

    event: NDArray[np.int64]
    """Index of the event within the block, shape (pulses,)."""
    time_ns: NDArray[np.float64]
    """Half height of the leading edge after the begin of the record."""
    height_adc: NDArray[np.float64]
    """With the sign that the digitiser sees."""


@dataclass(frozen=True)
class Digitiser:
    """Record, range and the tables that are made once."""

    record_length: int
    sample_ns: float
    top_adc: int
    quantiles: NDArray[np.float32]
    """Equally likely values of a standard normal distribution."""
    digits: NDArray[np.uint8]
    """Every count as text with its newline, then the length, shape (counts, 7)."""


def make_digitiser(daq: DaqSettings) -> Digitiser:
    """Make the digitiser that the settings describe."""
    return Digitiser(
        record_length=daq.record_length,
        sample_ns=daq.sample_ns,
        top_adc=(1 << daq.adc_bits) - 1,
        quantiles=_normal_quantiles(),
        digits=_decimal_digits(1 << daq.adc_bits),
    )


def digitise(
    digitiser: Digitiser,
    pulses: Pulses,
    shape: PulseShape,
    *,
    baseline_adc: NDArray[np.float64],
    noise_adc: float,
    seed: int,
) -> NDArray[np.uint16]:
    """Return the counts of a block of events, shape (events, samples).

    Parameters
    ----------
    baseline_adc
        Baseline of each event, shape (events,).
    """
    samples = np.zeros((len(baseline_adc), digitiser.record_length), dtype=np.float32)
    begins_ns = pulses.time_ns + shape.first_ns
    _add_pulses(
        samples, (pulses.event, begins_ns, pulses.height_adc), shape.height, digitiser.sample_ns
    )
    counts = np.empty(samples.shape, dtype=np.uint16)
    state = np.array([seed], dtype=np.uint64)
    scales = (noise_adc, digitiser.top_adc)
    _add_noise((samples, baseline_adc), scales, digitiser.quantiles, state, counts)
    return counts


def format_events(
    digitiser: Digitiser,
    counts: NDArray[np.uint16],
    rows: NDArray[np.int64],
    *,
    event_number: NDArray[np.int64],
    time_tag: NDArray[np.int64],
    channel: int,
) -> NDArray[np.uint8]:
    """Return events as WaveDump writes them: ASCII with header.

    Parameters
    ----------
    rows
        Which events of the block are written, in this order.
    """
    before = f"Record Length: {counts.shape[1]}\nBoardID: 31\nChannel: {channel}\nEvent Number: "
    between = "\nPattern: 0x0000\nTrigger Time Stamp: "
    after = "\nDC offset (DAC): 0xBFFF\n"
    pieces = tuple(np.frombuffer(text.encode(), np.uint8) for text in (before, between, after))
    longest = len(before) + len(between) + len(after) + 40 + (DIGITS + 1) * counts.shape[1]
    text = np.empty(longest * len(rows), dtype=np.uint8)
    events = (counts, event_number, time_tag)
    return text[: _write_events(events, rows, pieces, digitiser.digits, text)]


def _normal_quantiles() -> NDArray[np.float32]:
    normal = NormalDist()
    values = [normal.inv_cdf((k + 0.5) / QUANTILES) for k in range(QUANTILES)]
    return np.array(values, dtype=np.float32)


def _decimal_digits(counts: int) -> NDArray[np.uint8]:
    table = np.zeros((counts, DIGITS + 2), dtype=np.uint8)
    for count in range(counts):
        text = f"{count}\n".encode()
        table[count, : len(text)] = np.frombuffer(text, dtype=np.uint8)
        table[count, -1] = len(text)
    return table


@compiled
def _add_pulses(samples: Any, pulses: Any, shape: Any, sample_ns: float) -> None:
    events, begins_ns, heights = pulses
    length = samples.shape[1]
    for i in range(len(events)):
        row = samples[events[i]]
        first = max(0, math.ceil(begins_ns[i] / sample_ns))
        for k in range(first, length):
            step = int((k * sample_ns - begins_ns[i]) / STEP_NS)
            if step >= len(shape):
                break
            row[k] += heights[i] * shape[step]


@compiled
def _random_bits(state: Any) -> Any:
    """Advance a SplitMix64 generator (Steele, Lea and Flood 2014)."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@compiled
def _add_noise(signal: Any, scales: Any, quantiles: Any, state: Any, counts: Any) -> None:
    samples, baselines = signal
    noise, top = scales
    length = samples.shape[1]
    for i in range(len(samples)):
        bits = np.uint64(0)
        for k in range(length):
            if k % 4 == 0:
                bits = _random_bits(state)
            level = baselines[i] + samples[i, k] + noise * quantiles[bits & np.uint64(0xFFFF)]
            bits >>= np.uint64(16)
            counts[i, k] = int(min(max(level + 0.5, 0.0), top))


@compiled
def _put(text: Any, position: int, piece: Any) -> int:
    for k in range(len(piece)):
        text[position + k] = piece[k]
    return position + len(piece)


@compiled
def _put_number(text: Any, position: int, number: int) -> int:
    digits = 1
    rest = number
    while rest >= 10:
        rest //= 10
        digits += 1
    for k in range(digits):
        text[position + digits - 1 - k] = 48 + number % 10
        number //= 10
    return position + digits


@compiled
def _write_events(events: Any, rows: Any, pieces: Any, digits: Any, text: Any) -> int:
    counts, event_number, time_tag = events
    before, between, after = pieces
    position = 0
    for row in rows:
        position = _put(text, position, before)
        position = _put_number(text, position, event_number[row])
        position = _put(text, position, between)
        position = _put_number(text, position, time_tag[row])
        position = _put(text, position, after)
        for k in range(counts.shape[1]):
            count = counts[row, k]
            # A fixed number of bytes is copied without a branch; what is too much is
            # overwritten by the next sample.
            for j in range(DIGITS + 1):
                text[position + j] = digits[count, j]
            position += digits[count, DIGITS + 1]
    return position
