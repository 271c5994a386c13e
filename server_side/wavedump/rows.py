"""The arrays that a decoder fills, and one step of decoding."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from server_side.wavedump.format_names import RawFormatName


class EventRows(NamedTuple):
    """Room for events; a named tuple, because compiled code fills it."""

    event_number: NDArray[np.int64]
    """Shape (rows,)."""
    time_tag: NDArray[np.int64]
    """Shape (rows,)."""
    first_byte: NDArray[np.int64]
    """Shape (rows,); where the event begins in the file."""
    samples_adc: NDArray[np.float32]
    """Shape (rows, record length)."""


def make_rows(rows: int, record_length: int) -> EventRows:
    """Return empty rows."""
    return EventRows(
        event_number=np.empty(rows, np.int64),
        time_tag=np.empty(rows, np.int64),
        first_byte=np.empty(rows, np.int64),
        samples_adc=np.empty((rows, record_length), np.float32),
    )


@dataclass(frozen=True)
class ByteWindow:
    """Some consecutive bytes of a file."""

    data: NDArray[np.uint8]
    """The bytes, then at least one NUL."""
    end: int
    """Number of bytes without the NUL."""
    first_byte: int
    """Where in the file they begin."""
    at_end: bool
    """The file ends with them."""


@dataclass(frozen=True)
class DecodeStep:
    """What one call of a decoder did."""

    consumed: int
    """Bytes that need not be shown again."""
    row: int
    """First row that was not written."""
    faults: NDArray[np.int64]
    """Fault records of shape (n, 4)."""
    is_starved: bool
    """It ended for want of bytes; otherwise rows or fault records ran out."""


class Decoder(Protocol):
    """Reads one format; it keeps what is known of the file and whether it lost its way."""

    name: RawFormatName
    record_length: int
    channel: int | None
    event_bytes: float
    """Usual size of an event."""
    max_event_bytes: int
    """An event is never longer: with so many bytes in sight a step makes progress."""
    blanks: bytes
    """Bytes that do not make a torn event when they stand at the file's end."""
    is_lost: bool
    """The bytes shown last are damaged, and no next event was found yet."""

    def decode(self, window: ByteWindow, rows: EventRows, row: int) -> DecodeStep:
        """Write whole events into ``rows`` from ``row`` on."""
