"""Rows of events as they come, blocks in the order of event numbers as they go."""

import numpy as np
from numpy.typing import NDArray

from server_side.wavedump.events import EventBlock
from server_side.wavedump.number_order import SequenceDesk, SequenceState
from server_side.wavedump.scanning import EventRows, copy_rows, make_rows
from server_side.wavedump.sequence import MOST_HELD, NOTHING_YET, end_events, order_events


class BlockBuilder:
    """Collects rows; events whose numbers are in doubt wait for the ones behind them."""

    def __init__(self, block_events: int, record_length: int, event_bytes: float) -> None:
        self._capacity = max(block_events, MOST_HELD + 1)
        self._record_length = record_length
        self._event_bytes = event_bytes
        self._state = NOTHING_YET
        self._held_rows = np.zeros(MOST_HELD, np.int64)
        self._scores = np.zeros(MOST_HELD, np.int64)
        self.rows: EventRows = make_rows(self._capacity, record_length)
        self.row = 0
        """First row that is free."""

    @property
    def is_full(self) -> bool:
        """There is no room for another event."""
        return self.row == self._capacity

    @property
    def held_events(self) -> int:
        """So many events wait for others to confirm their numbers."""
        return self._state.held

    @property
    def held_byte(self) -> int | None:
        """Where the first of these begins; None without one."""
        return int(self.rows.first_byte[0]) if self._state.held else None

    def close(self) -> tuple[EventBlock, NDArray[np.int64]]:
        """Return the events in hand that are certain, and the faults of their order."""
        desk = self._desk()
        state = order_events(desk, self._state, self._state.held, self.row)
        return self._finish(desk, SequenceState(*state))

    def end(self) -> tuple[EventBlock, NDArray[np.int64]]:
        """Return those that were held back, in a file that grows no more."""
        desk = self._desk()
        return self._finish(desk, SequenceState(*end_events(desk, self._state)))

    def _desk(self) -> SequenceDesk:
        return SequenceDesk(
            rows=self.rows,
            held_rows=self._held_rows,
            scores=self._scores,
            keep=np.zeros(self.row, np.bool_),
            faults=np.empty((self.row, 4), np.int64),
            event_bytes=self._event_bytes,
        )

    def _finish(
        self, desk: SequenceDesk, state: SequenceState
    ) -> tuple[EventBlock, NDArray[np.int64]]:
        """Make new rows, because the old ones are in the consumer's hands."""
        held = self._held_rows[: state.held].copy()
        self.row = len(held)
        self.rows = make_rows(self._capacity, self._record_length)
        copy_rows(desk.rows, held, self.rows)
        self._held_rows[: self.row] = np.arange(self.row)
        self._state = state._replace(noted=0)
        return _select(desk.rows, desk.keep), desk.faults[: state.noted]


def _select(rows: EventRows, keep: NDArray[np.bool_]) -> EventBlock:
    """Return the rows to keep; without a copy where they stand together."""
    places = np.flatnonzero(keep)
    chosen: NDArray[np.intp] | slice = places
    if len(places) and places[-1] - places[0] + 1 == len(places):
        chosen = slice(int(places[0]), int(places[-1]) + 1)
    return EventBlock(
        event_number=rows.event_number[chosen],
        time_tag=rows.time_tag[chosen],
        samples_adc=rows.samples_adc[chosen],
    )
