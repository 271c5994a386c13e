"""Events in the order of their numbers: doubled ones and impossible numbers are left out.

One event is held back until the next one confirms its number: one damaged digit
must not make hundreds of good events look doubled. Where two different events have the
same number, the one that follows the event before is right; where neither does, only
the next number can tell.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from server_side.wavedump.compilation import compiled_scan
from server_side.wavedump.fault import Fault
from server_side.wavedump.scanning import NO_TIME_TAG, WHOLE, EventRows, note_fault

_DOUBLED = int(Fault.DOUBLED)
_OUT_OF_ORDER = int(Fault.NUMBER_OUT_OF_ORDER)
_TAKEN = int(Fault.NUMBER_TAKEN)

NOT_IN_HAND = -1
NO_EVENT = -1
FAULTS_PER_EVENT = 2
"""An event can show that the one before is wrong, and be wrong itself."""


class SequenceState(NamedTuple):
    """What is known of the events accepted so far."""

    before_last: int
    """Number of the accepted event before the last; ``NO_EVENT`` where there is none."""
    before_byte: int
    """Where that event begins in the file."""
    last: int
    """Number of the last accepted event; ``NO_EVENT`` where there is none."""
    last_byte: int
    """Where it begins in the file."""
    row: int
    """Row of the last one, or ``NOT_IN_HAND``."""
    is_doubted: bool
    """Another event had the last one's number: only the next number confirms it."""


NOTHING_YET = SequenceState(NO_EVENT, 0, NO_EVENT, 0, NOT_IN_HAND, False)


def waits_for_next(state: SequenceState, event_bytes: float) -> bool:
    """Tell whether nothing but another event can confirm the number of the last one.

    More numbers are missing before it than events found room in the bytes between:
    so events were lost, or the number is damaged.

    Parameters
    ----------
    event_bytes
        Usual size of an event.
    """
    if state.row == NOT_IN_HAND or state.is_doubted:
        return state.is_doubted
    missing = state.last - state.before_last - 1
    room = round((state.last_byte - state.before_byte) / event_bytes) - 1
    return state.before_last != NO_EVENT and missing > max(room, 0)


@compiled_scan
def is_same_event(rows: EventRows, one: int, other: int) -> bool:
    """Tell whether two rows hold one event twice: by time tags, without these by samples."""
    if rows.time_tag[one] != NO_TIME_TAG or rows.time_tag[other] != NO_TIME_TAG:
        return bool(rows.time_tag[one] == rows.time_tag[other])
    for index in range(rows.samples_adc.shape[1]):
        if rows.samples_adc[one, index] != rows.samples_adc[other, index]:
            return False
    return True


@compiled_scan
def judge_number(rows: EventRows, row: int, state: SequenceState) -> tuple[int, SequenceState, int]:
    """Decide about one event.

    Returns
    -------
    fault or ``WHOLE``, state, row to leave out or ``NOT_IN_HAND``
    """
    before, before_byte, last, last_byte, held, _ = state
    number, byte = rows.event_number[row], rows.first_byte[row]
    if number > last:
        return WHOLE, SequenceState(last, last_byte, number, byte, row, False), NOT_IN_HAND
    if number <= before:
        return _DOUBLED, state, row
    if number < last:
        return _OUT_OF_ORDER, SequenceState(before, before_byte, number, byte, row, False), held
    if held == NOT_IN_HAND or is_same_event(rows, held, row):
        return _DOUBLED, state, row
    if last == before + 1:
        return _TAKEN, state, row
    return _TAKEN, SequenceState(before, before_byte, number, byte, row, True), held


@compiled_scan
def order_events(
    rows: EventRows,
    keep: NDArray[np.bool_],
    state: SequenceState,
    first: int,
    faults: NDArray[np.int64],
) -> tuple[SequenceState, int]:
    """Decide which of the rows to keep, from row ``first`` on.

    Parameters
    ----------
    faults
        Room for ``FAULTS_PER_EVENT`` records for each row.

    Returns
    -------
    state, number of fault records
    """
    noted = 0 * first
    for row in range(first, len(keep)):
        number = rows.event_number[row]
        if state.is_doubted and number != state.last and number != state.last + 1:
            keep[state.row] = False
            noted = note_fault(faults, noted, _TAKEN, state.last_byte, (state.last, number))
            before, byte = state.before_last, state.before_byte
            state = SequenceState(before, byte, before, byte, NOT_IN_HAND, False)
        found = number if number <= state.before_last else state.last
        kind, state, left_out = judge_number(rows, row, state)
        if left_out != NOT_IN_HAND:
            keep[left_out] = False
        if kind != WHOLE:
            byte = rows.first_byte[row if left_out == NOT_IN_HAND else left_out]
            noted = note_fault(faults, noted, kind, byte, (found, number))
    return state, noted
