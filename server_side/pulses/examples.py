"""A few example waveforms and the mean pulse of a channel, for ``waveforms.json``."""

import numpy as np
from numpy.typing import NDArray

from server_side.pulses.table import PulseTable
from server_side.result import ChannelWaveforms, Trace
from server_side.settings import ChannelSettings, DaqSettings
from server_side.wavedump.events import EventBlock

EXAMPLES = 4
"""Examples a channel."""
MEAN_EVENTS = 2000
"""The mean pulse is taken over at most so many events."""


class WaveformSampler:
    """Keeps examples and a running sum of one channel; bounded, whatever is shown to it."""

    def __init__(self, channel: ChannelSettings, daq: DaqSettings) -> None:
        self._channel = channel
        self._daq = daq
        self._examples: list[Trace] = []
        self._sum: NDArray[np.float64] | None = None
        self._summed = 0

    def add(self, block: EventBlock, table: PulseTable, chosen: NDArray[np.bool_]) -> None:
        """Take what is still wanted from some events.

        Parameters
        ----------
        chosen
            Which events count as pulses, shape (events,).
        """
        rows = np.flatnonzero(chosen)
        for row in rows[: EXAMPLES - len(self._examples)]:
            voltage = self._voltage_mv(block, table, row)
            self._examples.append(_trace(int(block.event_number[row]), voltage))
        rows = rows[: MEAN_EVENTS - self._summed]
        if len(rows) and (self._sum is None or len(self._sum) == block.samples_adc.shape[1]):
            total = self._voltage_mv(block, table, rows).sum(axis=0)
            self._sum = total if self._sum is None else self._sum + total
            self._summed += len(rows)

    def waveforms(self, chosen_in_words: str) -> ChannelWaveforms:
        """Return what was kept."""
        mean = None if self._sum is None else _trace(None, self._sum / self._summed)
        return ChannelWaveforms(
            channel=self._channel.number,
            role=self._channel.role.value,
            sample_ns=self._daq.sample_ns,
            examples=tuple(self._examples),
            mean=mean,
            mean_of=f"first {self._summed} {chosen_in_words}" if mean else "",
        )

    def _voltage_mv(
        self, block: EventBlock, table: PulseTable, rows: NDArray[np.int64] | np.int64
    ) -> NDArray[np.float64]:
        above = block.samples_adc[rows] - table.baseline_adc[rows, ..., None]
        return np.asarray(above * self._daq.mv_per_adc)


def _trace(event_number: int | None, voltage_mv: NDArray[np.float64]) -> Trace:
    return Trace(event_number=event_number, voltage_mv=tuple(np.round(voltage_mv, 3).tolist()))
