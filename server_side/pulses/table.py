"""Pulse features of one channel as columns of equal length.

``PulseTable`` holds them in memory; ``PulseColumns`` is what a function asks for
that takes them from there or from disk (``stored``).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Protocol

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

    def __len__(self) -> int:
        """Return the number of events."""
        return len(self.event_number)


class PulseColumns(Protocol):
    """The columns of ``PulseTable``, wherever they are; each has shape (events,)."""

    @property
    def channel(self) -> int:
        """Number of the channel."""

    @property
    def event_number(self) -> NDArray[np.int64]:
        """Event numbers, rising."""

    @property
    def time_tag(self) -> NDArray[np.int64]:
        """Trigger time tags."""

    @property
    def baseline_adc(self) -> NDArray[np.float64]:
        """Baselines."""

    @property
    def noise_adc(self) -> NDArray[np.float64]:
        """Noise of the baselines."""

    @property
    def start_sample(self) -> NDArray[np.float64]:
        """Leading edges."""

    @property
    def charge_pc(self) -> NDArray[np.float64]:
        """Thresholded charges."""

    @property
    def window_charge_pc(self) -> NDArray[np.float64]:
        """Charges in the fixed window."""

    @property
    def dark_charge_pc(self) -> NDArray[np.float64]:
        """Charges in the dark window."""

    @property
    def peak_mv(self) -> NDArray[np.float64]:
        """Largest excursions."""

    @property
    def saturated(self) -> NDArray[np.bool_]:
        """Marks of events out of range."""

    @property
    def disturbed(self) -> NDArray[np.bool_]:
        """Marks of events with a disturbed baseline."""

    def __len__(self) -> int:
        """Return the number of events."""


def concatenate(tables: Sequence[PulseTable]) -> PulseTable:
    """Put tables of one channel one behind the other.

    Raises
    ------
    ValueError
        When there is no table, or when they are of different channels.
    """
    channels = {table.channel for table in tables}
    if len(channels) != 1:
        raise ValueError(f"tables of exactly one channel wanted, found channels {sorted(channels)}")
    return _by_column(
        channels.pop(), lambda name: np.concatenate([getattr(table, name) for table in tables])
    )


def take_rows(table: PulseTable, rows: NDArray[np.int64]) -> PulseTable:
    """Return the rows with these indices; index -1 gives a row that was not measured."""
    is_missing = rows < 0
    if not is_missing.any():
        return _by_column(table.channel, lambda name: getattr(table, name)[rows])

    def column(name: str) -> NDArray[Any]:
        values = _unmeasured_column(name, len(rows))
        values[~is_missing] = getattr(table, name)[rows[~is_missing]]
        return values

    return _by_column(table.channel, column)


def empty_table(channel: int) -> PulseTable:
    """Return a table without events."""
    return unmeasured_table(channel, np.empty(0, dtype=np.int64))


def unmeasured_table(channel: int, event_number: NDArray[np.int64]) -> PulseTable:
    """Return rows of which nothing but the event number is known.

    Every number is NaN, every mark False, every time tag -1.
    """
    table = _by_column(channel, lambda name: _unmeasured_column(name, len(event_number)))
    return replace(table, event_number=event_number)


def _by_column(channel: int, column: Callable[[str], NDArray[Any]]) -> PulseTable:
    return PulseTable(channel, **{name: column(name) for name in COLUMNS})


def _unmeasured_column(name: str, rows: int) -> NDArray[Any]:
    dtype = column_type(name)
    unmeasured = {"i": -1, "b": False, "f": np.nan}[dtype.kind]
    return np.full(rows, unmeasured, dtype=dtype)


def column_type(name: str) -> np.dtype[Any]:
    """Return the type of the numbers in a column."""
    if name in ("event_number", "time_tag"):
        return np.dtype(np.int64)
    return np.dtype(np.bool_ if name in ("saturated", "disturbed") else np.float64)


COLUMNS = tuple(field.name for field in fields(PulseTable) if field.name != "channel")
"""Names of the arrays of a table."""
