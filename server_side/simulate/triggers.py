"""The triggers of an acquisition in blocks: what all channels of an event share."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from server_side.simulate.settings import BenchSettings

EVENTS_PER_BLOCK = 500
TIME_TAG_NS = 8.0
TIME_TAG_VALUES = 1 << 31
"""The trigger time tag has 31 bits and wraps."""


@dataclass(frozen=True)
class TriggerBlock:
    """Some consecutive triggers of one point."""

    index: int
    event_number: NDArray[np.int64]
    time_tag: NDArray[np.int64]
    edge_ns: NDArray[np.float64]
    """Trigger edge after the begin of the record."""
    progress: NDArray[np.float64]
    """From 0 at the first event of the point to 1 at the last."""

    def __len__(self) -> int:
        """Return the number of triggers."""
        return len(self.event_number)


def block_count(bench: BenchSettings) -> int:
    """Return how many blocks a point has."""
    return -(-bench.triggers // EVENTS_PER_BLOCK)


def trigger_block(bench: BenchSettings, step: int, index: int, slowness: float) -> TriggerBlock:
    """Return one block of the triggers of a point; the same for every channel that asks."""
    first = index * EVENTS_PER_BLOCK
    events = np.arange(first, min(first + EVENTS_PER_BLOCK, bench.triggers), dtype=np.int64)
    random = np.random.default_rng((bench.seed, step, index))
    phase_ns = random.uniform(0.0, bench.daq.sample_ns, len(events))
    jitter_ns = bench.light.trigger_jitter_ns * random.standard_normal(len(events))
    period_ns = 1e9 * slowness / bench.trigger_rate_hz
    tags = np.floor((events + 1) * period_ns / TIME_TAG_NS).astype(np.int64)
    return TriggerBlock(
        index=index,
        event_number=bench.first_event + events,
        time_tag=tags % TIME_TAG_VALUES,
        edge_ns=bench.light.trigger_ns + phase_ns + jitter_ns,
        progress=events / bench.triggers,
    )
