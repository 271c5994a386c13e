"""What decoder and compiled scanners hand to each other.

All of these are named tuples, because compiled code reads and makes them.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from server_side.wavedump.compilation import compiled_scan

NO_TIME_TAG = -1
"""The format has none."""
PADDING_BYTES = 8
"""So many bytes behind the last one in sight may be looked at; the first of them is NUL."""

WHOLE = 0
"""Outcome: what was wanted was read. Outcomes above zero are kinds of ``Fault``."""
MORE = -1
"""Outcome: the bytes end before it can be said."""


class ByteWindow(NamedTuple):
    """Some consecutive bytes of a file."""

    data: NDArray[np.uint8]
    """Bytes up to ``end``, then ``PADDING_BYTES``."""
    begin: int
    """First byte that was not read yet."""
    end: int
    """Behind the last byte in sight."""
    first_byte: int
    """Where in the file ``data`` begins."""
    at_end: bool
    """The file ends with them."""


class EventRows(NamedTuple):
    """Room for events."""

    event_number: NDArray[np.int64]
    """Shape (rows,)."""
    time_tag: NDArray[np.int64]
    """Shape (rows,)."""
    first_byte: NDArray[np.int64]
    """Shape (rows,); where the event begins in the file."""
    samples_adc: NDArray[np.float32]
    """Shape (rows, record length)."""


class ScanPlace(NamedTuple):
    """How far a scanner is."""

    pos: int
    """First byte of the window that was not read yet."""
    row: int
    """First row that is free."""
    faults: int
    """First fault record that is free."""
    is_lost: bool
    """The last bytes are damaged, and no next event was found yet."""
    number: int
    """Number of the next event, for formats that have none."""
    is_starved: bool
    """The scan ended for want of bytes; otherwise rows or fault records ran out."""


def make_rows(rows: int, record_length: int) -> EventRows:
    """Return empty rows."""
    return EventRows(
        event_number=np.empty(rows, np.int64),
        time_tag=np.empty(rows, np.int64),
        first_byte=np.empty(rows, np.int64),
        samples_adc=np.empty((rows, record_length), np.float32),
    )


def copy_rows(source: EventRows, chosen: NDArray[np.int64], target: EventRows) -> None:
    """Put the chosen rows at the beginning of ``target``."""
    end = len(chosen)
    target.event_number[:end] = source.event_number[chosen]
    target.time_tag[:end] = source.time_tag[chosen]
    target.first_byte[:end] = source.first_byte[chosen]
    target.samples_adc[:end] = source.samples_adc[chosen]


@compiled_scan
def byte_at(data: NDArray[np.uint8], pos: int) -> int:
    """Return one byte.

    The unsigned index spares a test for negative ones, which would cost as much
    as the rest of reading a sample.
    """
    return int(data[np.uint64(pos)])


@compiled_scan
def label_row(rows: EventRows, row: int, number: int, time_tag: int, byte: int) -> None:
    """Write everything of an event but its samples."""
    rows.event_number[row] = number
    rows.time_tag[row] = time_tag
    rows.first_byte[row] = byte


@compiled_scan
def note_fault(
    faults: NDArray[np.int64], index: int, kind: int, byte: int, found_wanted: tuple[int, int]
) -> int:
    """Write one fault record and return the next index."""
    faults[index, 0] = kind
    faults[index, 1] = byte
    faults[index, 2] = found_wanted[0]
    faults[index, 3] = found_wanted[1]
    return index + 1
