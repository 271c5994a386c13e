"""In which order the numbers of neighbouring events make sense: by how far they rise, and where.

Between two events of a file there is room for a whole number of others. A number that rises by
just as much is right; one that rises further stands behind lost events, or is damaged; one that
rises less is damaged, or something foreign stands between the two.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from server_side.wavedump.compilation import compiled_scan
from server_side.wavedump.scanning import EventRows

NO_EVENT = -1
NOT_FOUND = -1
FOLLOWS_SCORE = 10
"""Of an event whose number is the one that its place says."""
JUMPS_SCORE = 8
"""Of one before which events can be lost."""
SHORT_SCORE = 1
"""Of one that has too low a number for its place: between doubled events that is nothing rare."""


class SequenceState(NamedTuple):
    """What is known of the events so far."""

    number: int
    """Number of the last event that was given; ``NO_EVENT`` before the first."""
    byte: int
    """Where it begins in the file."""
    time_tag: int
    interval_ticks: float
    """What time tags rose by between it and the one before, for each number."""
    held: int
    """So many events behind it are held back."""
    noted: int
    """So many faults were noted."""


class SequenceDesk(NamedTuple):
    """The arrays that deciding works on."""

    rows: EventRows
    held_rows: NDArray[np.int64]
    """Rows of the events held back, in the order of the file; shape (``MOST_HELD``,)."""
    scores: NDArray[np.int64]
    """Room for as many scores."""
    keep: NDArray[np.bool_]
    """Which rows to give; none at first."""
    faults: NDArray[np.int64]
    """Room for one record for each row."""
    event_bytes: float
    """Usual size of an event."""


@compiled_scan
def room_between(byte: int, later_byte: int, event_bytes: float) -> int:
    """Return the step of the number for which the bytes between two events give room."""
    return max(1, round((later_byte - byte) / event_bytes))


@compiled_scan
def surplus_step(desk: SequenceDesk, state: SequenceState, row: int) -> int:
    """Return the step of the number from the last event given to a row, less the room for it."""
    room = room_between(state.byte, desk.rows.first_byte[row], desk.event_bytes)
    return int(desk.rows.event_number[row] - state.number - room)


@compiled_scan
def surplus_between(desk: SequenceDesk, one: int, other: int) -> int:
    """Return the step of the number from one row to another, less the room for it."""
    rows = desk.rows
    room = room_between(rows.first_byte[one], rows.first_byte[other], desk.event_bytes)
    return int(rows.event_number[other] - rows.event_number[one] - room)


@compiled_scan
def score_of(surplus: int) -> int:
    """Return the score of an event behind another one whose number is lower."""
    if surplus == 0:
        return FOLLOWS_SCORE
    return JUMPS_SCORE if surplus > 0 else SHORT_SCORE


@compiled_scan
def is_next(desk: SequenceDesk, state: SequenceState, row: int) -> bool:
    """Tell whether a row's number is the one that its place says."""
    return state.number != NO_EVENT and surplus_step(desk, state, row) == 0


@compiled_scan
def best_score(desk: SequenceDesk, state: SequenceState, without: int) -> int:
    """Return the score of the best order of rising numbers among the events held back.

    Parameters
    ----------
    without
        Which of them may not be in it; ``NOT_FOUND`` for none.
    """
    best = 0
    numbers = desk.rows.event_number
    for index in range(state.held):
        row = desk.held_rows[index]
        score = JUMPS_SCORE
        if state.number != NO_EVENT:
            score = score_of(surplus_step(desk, state, row))
        for earlier in range(index):
            before = desk.held_rows[earlier]
            if earlier != without and numbers[before] < numbers[row]:
                link = score_of(surplus_between(desk, before, row))
                score = max(score, desk.scores[earlier] + link)
        desk.scores[index] = score
        if index != without:
            best = max(best, score)
    return best


@compiled_scan
def find_certain(desk: SequenceDesk, state: SequenceState) -> int:
    """Return the first event held back that is in each of the best orders, or ``NOT_FOUND``."""
    best = best_score(desk, state, NOT_FOUND)
    for index in range(state.held):
        if best_score(desk, state, index) < best:
            return index
    return NOT_FOUND


@compiled_scan
def has_one_order(desk: SequenceDesk, state: SequenceState) -> bool:
    """Tell whether the numbers of all events held back rise, each as far as its place says."""
    for index in range(1, state.held):
        if surplus_between(desk, desk.held_rows[index - 1], desk.held_rows[index]) < 0:
            return False
    return True
