"""Events in the order of their numbers: doubled ones and impossible numbers are left out.

One event is held back until the next one confirms its number: one damaged digit
must not make hundreds of good events look doubled.
"""

import numpy as np
from numpy.typing import NDArray

from server_side.wavedump.compilation import compiled
from server_side.wavedump.fault import Fault

_DOUBLED = int(Fault.DOUBLED)
_OUT_OF_ORDER = int(Fault.NUMBER_OUT_OF_ORDER)

NOT_IN_HAND = -1


@compiled
def order_events(
    numbers: NDArray[np.int64],
    first_byte: NDArray[np.int64],
    keep: NDArray[np.bool_],
    state: NDArray[np.int64],
    first: int,
    faults: NDArray[np.int64],
) -> int:
    """Decide which rows to keep, from row ``first`` on.

    Parameters
    ----------
    state
        Number before the last accepted one, last accepted number, and the row of the
        latter or ``NOT_IN_HAND``; it is brought up to date.
    faults
        Room for one record for each row.

    Returns
    -------
    int
        Number of fault records.
    """
    noted = 0
    for row in range(first, len(numbers)):
        number = numbers[row]
        keep[row] = state[0] < number != state[1]
        if number > state[1]:
            state[0] = state[1]
        elif keep[row]:
            if state[2] != NOT_IN_HAND:
                keep[state[2]] = False
            faults[noted, 0] = _OUT_OF_ORDER
            faults[noted, 1] = first_byte[state[2]] if state[2] >= 0 else first_byte[row]
            faults[noted, 2] = state[1]
            faults[noted, 3] = number
            noted += 1
        if keep[row]:
            state[1] = number
            state[2] = row
        else:
            faults[noted, 0] = _DOUBLED
            faults[noted, 1] = first_byte[row]
            faults[noted, 2] = number
            faults[noted, 3] = number
            noted += 1
    return noted
