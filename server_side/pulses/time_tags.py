"""Whether a row holds the same trigger in all channels, told by the trigger time tags.

A channel that loses an event while its counter goes on has numbers without a gap, and from
there on its rows hold another trigger than those of the other channels. The tags betray it:
what a channel's tag has more than the trigger channel's stays the same as long as both are of
one trigger. Slow changes are the clocks of two boards, a sudden one is a slip; behind it every
event counts as slipped until a sudden change brings the tags together again.

Boards of their own may begin to count at different times, so the first row sets the zero,
unless it is a whole number of trigger intervals away: then the channel lost its events there.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from server_side.pulses.stored import StoredPulses

TAG_VALUES = 1 << 30
"""Counters of 30, 31 and 32 bits agree modulo this, however often they wrap."""
CLOCK_PART = 1e-4
"""Clocks of two boards differ by less than this part of the time that passed."""
READING_COUNTS = 4.0
"""Two tags of one trigger differ by less than this more from one event to the next."""
SLIP_READINGS = 4.0
"""An event has slipped when its tag is off by so many times what two events may differ."""
LARGEST_FIRST_SLIP = 100
"""Trigger intervals; boards that begin to count so near each other do so at the same time."""


@dataclass(frozen=True)
class SlippedEvents:
    """Rows of a channel that hold another trigger than those of the trigger's channel."""

    channel: int
    events: int
    first_event: int | None
    """Number of the first one; None without any."""


@dataclass(frozen=True)
class _Rows:
    """Consecutive rows that have a time tag in a channel and in the trigger's."""

    event_number: NDArray[np.int64]
    trigger_tag: NDArray[np.int64]
    ahead: NDArray[np.int64]
    """What the channel's tag has more (counts)."""


@dataclass(frozen=True)
class _Place:
    """Where the comparison stands: the last row, and the sudden changes up to it."""

    trigger_tag: int
    ahead: int
    slip: int
    """Their sum (counts)."""


def find_slipped_events(pulses: StoredPulses, trigger: int) -> tuple[SlippedEvents, ...]:
    """Compare the time tags of every channel with those of the trigger's.

    Returns
    -------
    tuple
        One entry for each channel that could be compared: both formats give time tags.
    """
    if not pulses.has(trigger):
        return ()
    found = (_compare(pulses, channel, trigger) for channel in pulses.channels)
    return tuple(entry for entry in found if entry is not None and entry.channel != trigger)


def _compare(pulses: StoredPulses, channel: int, trigger: int) -> SlippedEvents | None:
    """Go through the rows of a channel; None when no row has both time tags."""
    place, events, first_event = None, 0, None
    for rows in _tagged_rows(pulses, channel, trigger):
        place = place or _beginning(rows)
        slip, place = _follow(rows, place)
        numbers = rows.event_number[slip]
        if len(numbers) and first_event is None:
            first_event = int(numbers[0])
        events += len(numbers)
    return None if place is None else SlippedEvents(channel, events, first_event)


def _tagged_rows(pulses: StoredPulses, channel: int, trigger: int) -> Iterator[_Rows]:
    for chunk in pulses.chunks():
        own, of_trigger = chunk.of(channel).time_tag, chunk.of(trigger).time_tag
        tagged = (own >= 0) & (of_trigger >= 0)
        if tagged.any():
            own, of_trigger = own[tagged], of_trigger[tagged]
            numbers = chunk.of(trigger).event_number[tagged]
            yield _Rows(numbers, of_trigger, _wrapped(own - of_trigger))


def _beginning(rows: _Rows) -> _Place:
    """Return the place before the first row: slipped already, or the zero of two boards."""
    ahead = int(rows.ahead[0])
    passed = int(np.sum(np.diff(rows.trigger_tag) % TAG_VALUES))
    triggers = int(rows.event_number[-1] - rows.event_number[0])
    interval = passed / triggers if triggers else 0.0
    intervals = round(ahead / interval) if interval > SLIP_READINGS * READING_COUNTS else 0
    is_whole = abs(ahead - intervals * interval) < READING_COUNTS
    has_slipped = is_whole and 0 < abs(intervals) <= LARGEST_FIRST_SLIP
    return _Place(int(rows.trigger_tag[0]), ahead, ahead if has_slipped else 0)


def _follow(rows: _Rows, place: _Place) -> tuple[NDArray[np.bool_], _Place]:
    """Return which rows have slipped, shape (rows,), and the place behind them."""
    passed = np.diff(rows.trigger_tag, prepend=place.trigger_tag) % TAG_VALUES
    change = _wrapped(np.diff(rows.ahead, prepend=place.ahead))
    # A damaged tag can only make one of the two channels' times too long.
    least = np.minimum(passed, (passed + change) % TAG_VALUES)
    allowed = READING_COUNTS + CLOCK_PART * least
    sudden = np.where(np.abs(change) > allowed, change, 0)
    slip = _wrapped(place.slip + np.cumsum(sudden))
    behind = _Place(int(rows.trigger_tag[-1]), int(rows.ahead[-1]), int(slip[-1]))
    return np.abs(slip) > SLIP_READINGS * allowed, behind


def _wrapped(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the smallest differences that the wrapping of the tags allows, of either sign."""
    half = TAG_VALUES // 2
    return (counts + half) % TAG_VALUES - half
