"""Events in the order of their numbers: doubled ones and impossible numbers are left out.

One event is held back until the next one confirms its number: one damaged digit
must not make hundreds of good events look doubled.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from server_side.wavedump.compilation import compiled_scan
from server_side.wavedump.fault import Fault
from server_side.wavedump.scanning import WHOLE, EventRows, note_fault

_DOUBLED = int(Fault.DOUBLED)
_OUT_OF_ORDER = int(Fault.NUMBER_OUT_OF_ORDER)

NOT_IN_HAND = -1


class SequenceState(NamedTuple):
    """What is known of the events accepted so far."""

    before_last: int
    """Number of the accepted event before the last; -1 where there is none."""
    last: int
    """Number of the last accepted event; -1 where there is none."""
    row: int
    """Row of the last one, or ``NOT_IN_HAND``."""


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
        Room for one record for each row.

    Returns
    -------
    state, number of fault records
    """
    before, last, held = state
    noted = 0 * first
    for row in range(first, len(keep)):
        number = rows.event_number[row]
        byte = rows.first_byte[row]
        kind, found = _DOUBLED, number
        keep[row] = before < number and number != last
        if keep[row]:
            kind, found = _OUT_OF_ORDER, last
            if number > last:
                kind = WHOLE
                before = last
            elif held != NOT_IN_HAND:
                keep[held] = False
                byte = rows.first_byte[held]
            last = number
            held = row
        if kind != WHOLE:
            noted = note_fault(faults, noted, kind, byte, (found, number))
    return SequenceState(before, last, held), noted
