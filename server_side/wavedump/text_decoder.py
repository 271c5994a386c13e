"""The decoder of all text formats with a header."""

import numpy as np
from numpy.typing import NDArray

from server_side.wavedump.format_names import RawFormatName
from server_side.wavedump.rows import ByteWindow, DecodeStep, EventRows
from server_side.wavedump.text_samples import MAX_TOKEN_BYTES
from server_side.wavedump.text_scan import MAX_HEADER_BYTES, TextLayout, scan_events

FAULT_ROWS = 256


class TextDecoder:
    """Reads events of one layout; see ``Decoder``."""

    blanks = b" \t\r\n"

    def __init__(self, name: RawFormatName, layout: TextLayout, event_bytes: float) -> None:
        self.name = name
        self.record_length = layout.record_length
        self.channel = layout.channel if layout.channel >= 0 else None
        self.event_bytes = event_bytes
        self.max_event_bytes = 2 * MAX_HEADER_BYTES + MAX_TOKEN_BYTES * layout.record_length
        self.is_lost = False
        self._layout = layout
        self._faults: NDArray[np.int64] = np.empty((FAULT_ROWS, 4), np.int64)

    def decode(self, window: ByteWindow, rows: EventRows, row: int) -> DecodeStep:
        """Write whole events into ``rows`` from ``row`` on."""
        scan = scan_events(
            window.data,
            window.end,
            window.at_end,
            self.is_lost,
            self._layout,
            window.first_byte,
            rows,
            row,
            self._faults,
        )
        self.is_lost = scan.is_lost
        faults = self._faults[: scan.faults].copy()
        return DecodeStep(scan.consumed, scan.row, faults, scan.is_starved)
