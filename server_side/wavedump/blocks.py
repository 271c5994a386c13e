"""Rows of events as they come, blocks in the order of event numbers as they go."""

import numpy as np
from numpy.typing import NDArray

from server_side.wavedump.events import EventBlock
from server_side.wavedump.scanning import EventRows, make_rows
from server_side.wavedump.sequence import (
    FAULTS_PER_EVENT,
    NOT_IN_HAND,
    NOTHING_YET,
    SequenceState,
    order_events,
    waits_for_next,
)


class BlockBuilder:
    """Collects rows; the last event of a block waits for the next one to confirm it."""

    def __init__(self, block_events: int, record_length: int, event_bytes: float) -> None:
        self._capacity = block_events + 1
        self._record_length = record_length
        self._event_bytes = event_bytes
        self._state = NOTHING_YET
        self.rows: EventRows = make_rows(self._capacity, record_length)
        self.row = 0
        """First row that is free."""

    @property
    def is_full(self) -> bool:
        """There is no room for another event."""
        return self.row == self._capacity

    @property
    def waiting_byte(self) -> int | None:
        """Where an event begins that waits for another one to confirm its number, if one does."""
        is_waiting = waits_for_next(self._state, self._event_bytes)
        return self._state.last_byte if is_waiting else None

    def close(self, *, is_last: bool) -> tuple[EventBlock, NDArray[np.int64]]:
        """Return the events in hand as a block, and the faults of their order.

        Parameters
        ----------
        is_last
            No other event is in sight: none is held back but one with a doubtful number.
        """
        keep = np.ones(self.row, np.bool_)
        faults = np.empty((FAULTS_PER_EVENT * self.row, 4), np.int64)
        first = 0 if self._state.row == NOT_IN_HAND else 1
        state, noted = order_events(self.rows, keep, self._state, first, faults)
        self._state = SequenceState(*state)
        held = self._state.row
        if is_last and self.waiting_byte is None:
            held = NOT_IN_HAND
        if held != NOT_IN_HAND:
            keep[held] = False
        block = _select(self.rows, keep)
        self._begin_rows(held)
        return block, faults[:noted]

    def _begin_rows(self, held: int) -> None:
        """Make new rows, because the old ones are in the consumer's hands."""
        old = self.rows
        self.rows = make_rows(self._capacity, self._record_length)
        self.row = 0
        self._state = self._state._replace(row=NOT_IN_HAND)
        if held != NOT_IN_HAND:
            self.rows.event_number[0] = old.event_number[held]
            self.rows.time_tag[0] = old.time_tag[held]
            self.rows.first_byte[0] = old.first_byte[held]
            self.rows.samples_adc[0] = old.samples_adc[held]
            self.row = 1
            self._state = self._state._replace(row=0)


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
