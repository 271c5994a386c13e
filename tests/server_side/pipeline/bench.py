"""Writes small WaveDump files as the DAQ would, fast enough for tests.

The simulator proper is ``server_side.simulate``; here a file has only what the
pipeline needs to give a gain: a trigger edge, and a PMT pulse in some events.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

RECORD = 260
PULSE = np.exp(-0.5 * ((np.arange(24) - 8.0) / 2.4) ** 2)
PC_PER_COUNT = 1000.0 * 2.0 / (1 << 14) * 2.0 / 50.0


def write_point(
    folder: Path,
    events: int,
    *,
    channels: Sequence[int] = (0, 2),
    mean_pc: float = 1.65,
    seed: int = 1,
    first_event: int = 0,
    mode: str = "w",
) -> None:
    """Write or append events of one point to ``wave<channel>.txt`` in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(seed)
    for channel in channels:
        samples = _samples(generator, channel, events, mean_pc)
        with (folder / f"wave{channel}.txt").open(mode) as stream:
            for number, record in enumerate(samples.tolist(), first_event):
                stream.write(
                    f"Record Length: {RECORD}\nBoardID: 31\nChannel: {channel}\n"
                    f"Event Number: {number}\nPattern: 0x0000\n"
                    f"Trigger Time Stamp: {1000 * number}\nDC offset (DAC): 0xBFFF\n"
                )
                stream.write("\n".join(map(str, record)) + "\n")


def _samples(
    generator: np.random.Generator, channel: int, events: int, mean_pc: float
) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    samples = generator.normal(8000.0, 4.0, (events, RECORD))
    if channel == 0:
        samples[:, 20:] += 3000.0
        return np.rint(samples).astype(np.int64)
    pulses = generator.poisson(0.35, events)
    charge_pc = np.maximum(generator.normal(mean_pc * pulses, 0.35 * mean_pc * np.sqrt(pulses)), 0)
    height = charge_pc / PC_PER_COUNT / PULSE.sum()
    start = 180 + np.rint(generator.normal(0.0, 0.6, events)).astype(int)
    for event in np.flatnonzero(pulses):
        samples[event, start[event] : start[event] + len(PULSE)] -= height[event] * PULSE
    return np.rint(samples).astype(np.int64)
