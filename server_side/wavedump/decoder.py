"""The decoder of one file: a compiled scanner, what it must know, and where it stands."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from server_side.wavedump.format_names import RawFormatName
from server_side.wavedump.scanning import ByteWindow, EventRows, ScanPlace

FAULT_ROWS = 256
"""Faults that one step can note."""

Scanner = Callable[[ByteWindow, Any, EventRows, ScanPlace, NDArray[np.int64]], ScanPlace]
"""A compiled function: bytes, layout, rows, place and room for fault records; how far it came."""


@dataclass(frozen=True)
class DecodeStep:
    """What one call of ``Decoder.decode`` did."""

    pos: int
    """First byte of the window that must be shown again."""
    row: int
    """First row that is free."""
    faults: NDArray[np.int64]
    """Fault records of shape (n, 4)."""
    is_starved: bool
    """It ended for want of bytes; otherwise rows or fault records ran out."""


@dataclass
class Decoder:
    """Reads one file of one format; it remembers whether it lost its way."""

    name: RawFormatName
    scan: Scanner
    layout: tuple[Any, ...]
    """The named tuple that the scanner understands."""
    record_length: int
    channel: int | None
    event_bytes: float
    """Usual size of an event."""
    max_event_bytes: int
    """No event is longer: with so many bytes in sight a step makes progress."""
    blanks: bytes
    """Bytes that do not make a torn event when they stand at the file's end."""
    is_lost: bool = False
    """The bytes shown last are damaged, and no next event was found yet."""
    _number: int = 0
    _faults: NDArray[np.int64] = field(
        default_factory=lambda: np.empty((FAULT_ROWS, 4), np.int64), repr=False
    )

    def decode(self, window: ByteWindow, rows: EventRows, row: int) -> DecodeStep:
        """Write whole events into ``rows`` from ``row`` on."""
        place = ScanPlace(window.begin, row, 0, self.is_lost, self._number, False)
        reached = ScanPlace(*self.scan(window, self.layout, rows, place, self._faults))
        self.is_lost = reached.is_lost
        self._number = reached.number
        faults = self._faults[: reached.faults].copy()
        return DecodeStep(reached.pos, reached.row, faults, reached.is_starved)
