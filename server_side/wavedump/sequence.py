"""Events in the order of their numbers: doubled ones and impossible numbers are left out.

An event whose number is as far from the one before as the bytes between them give room for is
right and goes at once. Any other may be damaged, or stand behind lost events: it is held back,
and with it those behind it, until enough of them rise in one order, or until so many are there
that the longest such order cannot be made of damaged ones. The first event of a file is held
back in the same way. What is decided depends on nothing but the events and their places, so a
file gives the same in whatever pieces it is read.
"""

from server_side.wavedump.compilation import compiled_scan
from server_side.wavedump.fault import Fault
from server_side.wavedump.number_order import (
    NO_EVENT,
    NOT_FOUND,
    SequenceDesk,
    SequenceState,
    find_certain,
    has_one_order,
    is_next,
    surplus_between,
    surplus_step,
)
from server_side.wavedump.scanning import NO_TIME_TAG, EventRows, note_fault

NEIGHBOURS_BORNE = 3
"""So many neighbouring events with damaged numbers cost no other event."""
ENOUGH_RISING = NEIGHBOURS_BORNE + 1
"""So many neighbouring events are not all damaged."""
MOST_HELD = 2 * NEIGHBOURS_BORNE + 1
"""Of so many neighbouring events most are undamaged."""

TAG_VALUES = 1 << 31

_DOUBLED = int(Fault.DOUBLED)
_OUT_OF_ORDER = int(Fault.NUMBER_OUT_OF_ORDER)
_TAKEN = int(Fault.NUMBER_TAKEN)

NOTHING_YET = SequenceState(NO_EVENT, 0, NO_TIME_TAG, 0.0, 0, 0)


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
def refuse(desk: SequenceDesk, state: SequenceState, row: int, kind: int) -> SequenceState:
    """Leave a row out, with a fault that names the number beside which it stands."""
    number, byte, tag, interval, held, noted = state
    beside = number
    if number == NO_EVENT:
        beside = desk.rows.event_number[desk.held_rows[held - 1]]
    found_wanted = (desk.rows.event_number[row], beside)
    noted = note_fault(desk.faults, noted, kind, desk.rows.first_byte[row], found_wanted)
    return SequenceState(number, byte, tag, interval, held, noted)


@compiled_scan
def release_first(desk: SequenceDesk, state: SequenceState) -> SequenceState:
    """Hold the first of the events back no longer."""
    number, byte, tag, interval, held, noted = state
    for index in range(1, held):
        desk.held_rows[index - 1] = desk.held_rows[index]
    return SequenceState(number, byte, tag, interval, held - 1, noted)


@compiled_scan
def refuse_first(desk: SequenceDesk, state: SequenceState) -> SequenceState:
    """Leave out the first event held back."""
    row, kind = desk.held_rows[0], _OUT_OF_ORDER
    for index in range(1, state.held):
        if desk.rows.event_number[desk.held_rows[index]] == desk.rows.event_number[row]:
            kind = _TAKEN
    return release_first(desk, refuse(desk, state, row, kind))


@compiled_scan
def accept(desk: SequenceDesk, state: SequenceState, row: int) -> SequenceState:
    """Give a row."""
    desk.keep[row] = True
    number, tag = desk.rows.event_number[row], desk.rows.time_tag[row]
    interval = 0.0
    if NO_TIME_TAG not in (tag, state.time_tag):
        interval = ((tag - state.time_tag) % TAG_VALUES) / (number - state.number)
    byte = desk.rows.first_byte[row]
    return SequenceState(number, byte, tag, interval, state.held, state.noted)


@compiled_scan
def accept_first(desk: SequenceDesk, state: SequenceState) -> SequenceState:
    """Give the first event held back; those behind it with a lower number are none."""
    row = desk.held_rows[0]
    state = accept(desk, release_first(desk, state), row)
    others = state.held
    number, byte, tag, interval, _, noted = state
    state = SequenceState(number, byte, tag, interval, 0, noted)
    for index in range(others):
        other = desk.held_rows[index]
        if desk.rows.event_number[other] <= number:
            is_taken = desk.rows.event_number[other] == number
            state = refuse(desk, state, other, _TAKEN if is_taken else _OUT_OF_ORDER)
        else:
            state = hold(desk, state, other)
    return state


@compiled_scan
def hold(desk: SequenceDesk, state: SequenceState, row: int) -> SequenceState:
    """Hold a row back behind the others."""
    number, byte, tag, interval, held, noted = state
    desk.held_rows[held] = row
    return SequenceState(number, byte, tag, interval, held + 1, noted)


@compiled_scan
def settle(desk: SequenceDesk, state: SequenceState) -> SequenceState:
    """Decide about the events held back, as far as they tell."""
    while state.held > 0:
        is_sure = state.held >= ENOUGH_RISING and has_one_order(desk, state)
        if is_sure or is_next(desk, state, desk.held_rows[0]):
            state = accept_first(desk, state)
        elif state.held < MOST_HELD:
            break
        else:
            certain = find_certain(desk, state)
            for _ in range(1 if certain == NOT_FOUND else certain):
                state = refuse_first(desk, state)
            if certain != NOT_FOUND:
                state = accept_first(desk, state)
    return state


@compiled_scan
def take_event(desk: SequenceDesk, state: SequenceState, row: int) -> SequenceState:
    """Decide about one more event, and about those that wait for it."""
    rows = desk.rows
    number, tag = rows.event_number[row], rows.time_tag[row]
    if number <= state.number:
        is_other = NO_TIME_TAG not in (tag, state.time_tag) and tag != state.time_tag
        is_taken = number == state.number and is_other
        return refuse(desk, state, row, _TAKEN if is_taken else _DOUBLED)
    if state.held == 0 and is_next(desk, state, row):
        return accept(desk, state, row)
    for index in range(state.held):
        other = desk.held_rows[index]
        if rows.event_number[other] == number and is_same_event(rows, other, row):
            return refuse(desk, state, row, _DOUBLED)
    return settle(desk, hold(desk, state, row))


@compiled_scan
def order_events(desk: SequenceDesk, state: SequenceState, first: int, last: int) -> SequenceState:
    """Decide which of the rows from ``first`` up to ``last`` to give."""
    for row in range(first, last):
        state = take_event(desk, state, row)
    return state


@compiled_scan
def is_supported(desk: SequenceDesk, state: SequenceState) -> bool:
    """Tell whether the first event held back can be right when no other will come.

    It can where there was room for the events that are missing before it. Else its time tag
    must lie nearer to where its number belongs than to where the next number does; without
    time tags another event must follow it.
    """
    row = desk.held_rows[0]
    if state.number == NO_EVENT or surplus_step(desk, state, row) <= 0:
        return True
    tag = desk.rows.time_tag[row]
    if NO_TIME_TAG not in (tag, state.time_tag) and state.interval_ticks > 0.0:
        step = desk.rows.event_number[row] - state.number
        ticks = (tag - state.time_tag) % TAG_VALUES
        return bool(2 * ticks > state.interval_ticks * (step + 1))
    for index in range(1, state.held):
        if surplus_between(desk, row, desk.held_rows[index]) == 0:
            return True
    return False


@compiled_scan
def end_events(desk: SequenceDesk, state: SequenceState) -> SequenceState:
    """Decide about all events held back, because no other will come."""
    while state.held > 0:
        certain = find_certain(desk, state)
        for _ in range(state.held if certain == NOT_FOUND else certain):
            state = refuse_first(desk, state)
        if certain != NOT_FOUND:
            is_right = is_supported(desk, state)
            state = accept_first(desk, state) if is_right else refuse_first(desk, state)
    return state
