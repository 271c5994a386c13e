"""Rows of all channels of a point, aligned by event number.

Channels are flushed at different moments and can lose or double events, so
the position of an event in its file says nothing: only its number does.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from server_side.pulses.table import PulseTable, take_rows


@dataclass(frozen=True)
class ChannelLosses:
    """What a channel lacks or has twice."""

    channel: int
    lost_events: int
    """Event numbers that another channel has and this one lacks."""
    doubled_events: int
    """Rows whose event number this channel had before; the first of them counts."""


@dataclass(frozen=True)
class AlignedPulses:
    """Tables of equal length: a row is the same event in each of them."""

    event_number: NDArray[np.int64]
    """Shape (events,), rising."""
    tables: tuple[PulseTable, ...]
    """One a channel, in the order of the channel numbers."""
    losses: tuple[ChannelLosses, ...]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.event_number)

    @property
    def channels(self) -> tuple[int, ...]:
        """Numbers of the channels, rising."""
        return tuple(table.channel for table in self.tables)

    def chunks(self) -> Iterator["AlignedPulses"]:
        """Yield all rows at once: they are in memory anyway."""
        yield self

    def of(self, channel: int) -> PulseTable:
        """Return the table of a channel.

        Raises
        ------
        KeyError
            When the channel was not read.
        """
        for table in self.tables:
            if table.channel == channel:
                return table
        raise KeyError(f"channel {channel} wanted, channels {list(self.channels)} were read")

    def has(self, channel: int) -> bool:
        """Tell whether a channel was read."""
        return channel in self.channels

    def arrival_ns(
        self, channel: int, trigger_channel: int, sample_ns: float
    ) -> NDArray[np.float64]:
        """Return start less trigger start (ns), shape (events,); NaN where one is missing."""
        starts = self.of(channel).start_sample - self.of(trigger_channel).start_sample
        return starts * sample_ns


def align(tables: Sequence[PulseTable], required: Collection[int] | None = None) -> AlignedPulses:
    """Bring the rows of channels together by event number.

    Parameters
    ----------
    tables
        One table a channel.
    required
        Channels that an event must have to get a row; all of them unless given.
        A row that another channel lacks holds NaN there.
    """
    ordered = sorted(tables, key=lambda table: table.channel)
    needed = {table.channel for table in ordered} if required is None else set(required)
    rows = {table.channel: _first_rows(table.event_number) for table in ordered}
    numbers = [rows[table.channel][0] for table in ordered]
    everything = reduce(_union, numbers, np.empty(0, dtype=np.int64))
    wanted = reduce(
        _intersection,
        [rows[channel][0] for channel in sorted(needed & rows.keys())],
        everything,
    )
    return AlignedPulses(
        event_number=wanted,
        tables=tuple(_aligned(table, *rows[table.channel], wanted) for table in ordered),
        losses=tuple(
            ChannelLosses(
                channel=table.channel,
                lost_events=len(everything) - len(own),
                doubled_events=len(table) - len(own),
            )
            for table, own in zip(ordered, numbers, strict=True)
        ),
    )


def _first_rows(
    event_number: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rising event numbers without doubles, and the first row of each."""
    if (event_number[1:] > event_number[:-1]).all():
        return event_number, np.arange(len(event_number), dtype=np.int64)
    numbers, rows = np.unique(event_number, return_index=True)
    return numbers, rows.astype(np.int64)


def rows_of(
    numbers: NDArray[np.int64], first_rows: NDArray[np.int64], wanted: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the row of each wanted event number, -1 where there is none.

    Parameters
    ----------
    numbers, first_rows
        Rising event numbers and the row of each, the first where a number is doubled.
    """
    if len(numbers) == 0:
        return np.full(len(wanted), -1, dtype=np.int64)
    places = np.minimum(np.searchsorted(numbers, wanted), len(numbers) - 1)
    return np.where(numbers[places] == wanted, first_rows[places], -1)


def _union(left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    return right if np.array_equal(left, right) or len(left) == 0 else np.union1d(left, right)


def _intersection(left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    # Channels that agree, the usual case, need no sorting.
    if np.array_equal(left, right):
        return left
    return np.intersect1d(left, right, assume_unique=True)


def _aligned(
    table: PulseTable,
    numbers: NDArray[np.int64],
    first_rows: NDArray[np.int64],
    wanted: NDArray[np.int64],
) -> PulseTable:
    if np.array_equal(table.event_number, wanted):
        return table
    rows = rows_of(numbers, first_rows, wanted)
    return replace(take_rows(table, rows), event_number=wanted)
