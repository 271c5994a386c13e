"""Pulse features of a point on disk, with the interface of those in memory.

Columns are read when they are asked for and are not kept: take one into a local
name and let it go. A whole table of a very long point is thinned to every n-th
row, which is more than any mean or width needs; what must see each event goes
through the point in ``chunks``.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from server_side.pulses.align import ChannelLosses
from server_side.pulses.scratch import ScratchColumn
from server_side.pulses.table import COLUMNS, PulseColumns, PulseTable, column_type

ROWS_PER_CHUNK = 50_000
MAX_TABLE_ROWS = 1_000_000
"""A whole table is thinned to so many rows; a usual point has 600,000."""


class FeatureFile:
    """Pulse features of one channel on disk, appended in the order of event numbers.

    Parameters
    ----------
    folder
        Where the columns lie; the folder for temporary files unless given.
    """

    def __init__(self, channel: int, folder: Path | None) -> None:
        self.channel = channel
        self._columns = {name: ScratchColumn(folder, column_type(name)) for name in COLUMNS}
        self._rows = 0
        self._last_event = -1

    def __len__(self) -> int:
        """Return the number of events."""
        return self._rows

    def append(self, table: PulseTable) -> None:
        """Write the rows of a table behind those that are there.

        Raises
        ------
        ValueError
            When the event numbers do not rise: what reads the file relies on it.
        FeatureFileError
            When the disk refuses.
        """
        if len(table) == 0:
            return
        numbers = table.event_number
        if numbers[0] <= self._last_event or (numbers[1:] <= numbers[:-1]).any():
            raise ValueError(f"event numbers of channel {self.channel} that rise were wanted")
        for name, column in self._columns.items():
            column.append(getattr(table, name))
        self._rows += len(table)
        self._last_event = int(numbers[-1])

    def column(self, name: str, rows: range) -> NDArray[Any]:
        """Return some rows of one column."""
        return self._columns[name].read(rows)

    def table(self, rows: range) -> PulseTable:
        """Return some rows as a table in memory."""
        return PulseTable(self.channel, **{name: self.column(name, rows) for name in COLUMNS})


@dataclass(frozen=True)
class StoredTable:
    """Some rows of a channel whose columns are read from disk each time they are asked for."""

    file: FeatureFile
    rows: range

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.rows)

    @property
    def channel(self) -> int:
        """Number of the channel."""
        return self.file.channel

    @property
    def event_number(self) -> NDArray[np.int64]:
        """As in ``PulseTable``, like all others here."""
        return self.file.column("event_number", self.rows)

    @property
    def time_tag(self) -> NDArray[np.int64]:
        """Trigger time tags."""
        return self.file.column("time_tag", self.rows)

    @property
    def baseline_adc(self) -> NDArray[np.float64]:
        """Baselines."""
        return self.file.column("baseline_adc", self.rows)

    @property
    def noise_adc(self) -> NDArray[np.float64]:
        """Noise of the baselines."""
        return self.file.column("noise_adc", self.rows)

    @property
    def start_sample(self) -> NDArray[np.float64]:
        """Leading edges."""
        return self.file.column("start_sample", self.rows)

    @property
    def charge_pc(self) -> NDArray[np.float64]:
        """Thresholded charges."""
        return self.file.column("charge_pc", self.rows)

    @property
    def window_charge_pc(self) -> NDArray[np.float64]:
        """Charges in the fixed window."""
        return self.file.column("window_charge_pc", self.rows)

    @property
    def dark_charge_pc(self) -> NDArray[np.float64]:
        """Charges in the dark window."""
        return self.file.column("dark_charge_pc", self.rows)

    @property
    def peak_mv(self) -> NDArray[np.float64]:
        """Largest excursions."""
        return self.file.column("peak_mv", self.rows)

    @property
    def saturated(self) -> NDArray[np.bool_]:
        """Marks of events out of range."""
        return self.file.column("saturated", self.rows)

    @property
    def disturbed(self) -> NDArray[np.bool_]:
        """Marks of events with a disturbed baseline."""
        return self.file.column("disturbed", self.rows)


class PulseRows(Protocol):
    """Aligned rows of several channels, in memory (``AlignedPulses``) or on disk."""

    @property
    def channels(self) -> tuple[int, ...]:
        """Numbers of the channels, rising."""

    def __len__(self) -> int:
        """Return the number of rows."""

    def of(self, channel: int) -> PulseColumns:
        """Return the columns of a channel."""

    def chunks(self) -> Iterator["PulseRows"]:
        """Yield all rows, some at a time."""

    def arrival_ns(
        self, channel: int, trigger_channel: int, sample_ns: float
    ) -> NDArray[np.float64]:
        """Return start less trigger start (ns); NaN where one is missing."""


@dataclass(frozen=True)
class StoredPulses:
    """Feature files of equal length: a row is the same event in each of them."""

    files: tuple[FeatureFile, ...]
    """One a channel, in the order of the channel numbers."""
    losses: tuple[ChannelLosses, ...]
    rows: range

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.rows)

    @property
    def channels(self) -> tuple[int, ...]:
        """Numbers of the channels, rising."""
        return tuple(file.channel for file in self.files)

    def has(self, channel: int) -> bool:
        """Tell whether a channel was read."""
        return channel in self.channels

    def of(self, channel: int) -> StoredTable:
        """Return the table of a channel; of more than ``MAX_TABLE_ROWS`` rows every n-th.

        Raises
        ------
        KeyError
            When the channel was not read.
        """
        every = -(-len(self.rows) // MAX_TABLE_ROWS) or 1
        for file in self.files:
            if file.channel == channel:
                return StoredTable(file, self.rows[::every])
        raise KeyError(f"channel {channel} wanted, channels {list(self.channels)} were read")

    def arrival_ns(
        self, channel: int, trigger_channel: int, sample_ns: float
    ) -> NDArray[np.float64]:
        """Return start less trigger start (ns) of the rows of ``of``; NaN where one is missing."""
        starts = self.of(channel).start_sample - self.of(trigger_channel).start_sample
        return starts * sample_ns

    def chunks(self) -> Iterator["StoredPulses"]:
        """Yield all rows, some at a time."""
        for first in range(0, len(self.rows), ROWS_PER_CHUNK):
            yield replace(self, rows=self.rows[first : first + ROWS_PER_CHUNK])
