"""What can be wrong inside a raw file, in numbers for the compiled code and in words for people."""

from dataclasses import dataclass
from enum import IntEnum
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

FEWEST_SAMPLE_BYTES = 2
"""A digit and a line end or comma."""
WORDS_KEPT = 20
"""So many faults are kept in words; all are counted."""


class Fault(IntEnum):
    """Kinds of damage; a record is (kind, byte offset, found, wanted)."""

    BROKEN_LENGTH = 1
    """The header states no record length, or one that no event has."""
    BROKEN_SAMPLE = 2
    """Something that is no sample stands where a sample should."""
    FEW_SAMPLES = 3
    """The next event begins too early."""
    MANY_SAMPLES = 4
    """Samples go on behind the event's last."""
    OUT_OF_RANGE = 5
    """A sample that the ADC cannot give."""
    LENGTH_CHANGED = 6
    """The event has another record length than the file."""
    CHANNEL_CHANGED = 7
    """The event is of another channel than the file."""
    STRAY_BYTES = 8
    """Something that is no event stands between two events."""
    NUMBER_OUT_OF_ORDER = 9
    """The event number fits neither the event before nor the one behind."""
    DOUBLED = 10
    """The event number was there already."""
    ALIGNMENT_LOST = 11
    """Without headers nobody can say where the next event begins."""
    SIZE_CHANGED = 12
    """No header stands where the event should end."""
    RESUMED = 13
    """No damage: reading goes on here, behind the damage of the record before."""
    NUMBER_TAKEN = 14
    """Two different events have the same number: this is the wrong one, or may be."""
    BROKEN_NUMBER = 15
    """The header states no event number."""
    BROKEN_TAG = 16
    """The header states no time tag, or one that has more bits than there are."""
    STATED_SIZE_CHANGED = 17
    """The header states another size of the event than those of the file."""
    BOARD_CHANGED = 18
    """The event is of another board than the file."""


_WORDS = {
    Fault.BROKEN_LENGTH: "Record Length {found} in the header instead of 1 to {wanted}",
    Fault.BROKEN_NUMBER: "Event Number cannot be read in the header",
    Fault.BROKEN_TAG: "Trigger Time Stamp {found} in the header instead of at most {wanted}",
    Fault.STATED_SIZE_CHANGED: "an event of {found} bytes by its header instead of {wanted}",
    Fault.BOARD_CHANGED: "board {found} instead of {wanted}",
    Fault.BROKEN_SAMPLE: "sample {found} cannot be read",
    Fault.FEW_SAMPLES: "{found} samples instead of {wanted}",
    Fault.MANY_SAMPLES: "more than {wanted} samples",
    Fault.OUT_OF_RANGE: "sample {found} lies outside the range of the ADC",
    Fault.LENGTH_CHANGED: "record length {found} instead of {wanted}",
    Fault.CHANNEL_CHANGED: "channel {found} instead of {wanted}",
    Fault.STRAY_BYTES: "bytes that belong to no event",
    Fault.NUMBER_OUT_OF_ORDER: "event number {found} stands beside {wanted}",
    Fault.DOUBLED: "event number {found} a second time",
    Fault.NUMBER_TAKEN: "event number {found} at two different events",
    Fault.SIZE_CHANGED: "the event does not end after {wanted} bytes",
    Fault.ALIGNMENT_LOST: "the events behind cannot be told apart without headers",
}

_UNREADABLE = {
    Fault.BROKEN_LENGTH: "Record Length cannot be read in the header",
    Fault.BROKEN_TAG: "Trigger Time Stamp cannot be read in the header",
    Fault.CHANNEL_CHANGED: "Channel cannot be read in the header, expected {wanted}",
}
"""The same where nothing was found."""
NOTHING_FOUND = -1

_ORDER_FAULTS = (Fault.DOUBLED, Fault.NUMBER_OUT_OF_ORDER, Fault.NUMBER_TAKEN)


def describe_fault(kind: Fault, found: int, wanted: int) -> str:
    """Return one fault in words."""
    words = _UNREADABLE.get(kind, _WORDS[kind]) if found == NOTHING_FOUND else _WORDS[kind]
    return words.format(found=found, wanted=wanted)


@dataclass
class DamageLog:
    """Counts damage and keeps the first few faults in words."""

    skipped_events: int = 0
    doubled_events: int = 0
    _first: tuple[tuple[int, str], ...] = ()
    """Bytes and words of the first faults in the file."""
    _fault_byte: int = 0
    _stated: tuple[float, float] = (0.0, 0.0)
    """Fewest and likely bytes of the event of the last damage, where its header says it is long."""

    @property
    def words(self) -> tuple[str, ...]:
        """The first few faults, with byte offsets, in the order of the file."""
        return tuple(text for _, text in self._first)

    def add(self, records: NDArray[np.int64], event_bytes: float) -> None:
        """Take note of fault records of shape (n, 4).

        Parameters
        ----------
        event_bytes
            Usual size of an event. Where one piece of damage is longer than that,
            as many events are counted as would have stood there.
        """
        for kind, byte, found, wanted in records.tolist():
            if kind == Fault.RESUMED:
                self.skipped_events = self.skipped_up_to(byte, event_bytes)
                continue
            if kind not in _ORDER_FAULTS:
                self._fault_byte = byte
                self._stated = _stated_bytes(kind, found, wanted, event_bytes)
            if kind == Fault.DOUBLED:
                self.doubled_events += 1
            else:
                self.skipped_events += 1
            self._put_in_words(byte, describe_fault(Fault(kind), found, wanted))

    def _put_in_words(self, byte: int, fault: str) -> None:
        """Keep a fault when it is one of the first; faults of order come late for their place."""
        if len(self._first) < WORDS_KEPT or byte < self._first[-1][0]:
            noted = (*self._first, (byte, f"byte {byte}: {fault}"))
            self._first = tuple(sorted(noted, key=itemgetter(0)))[:WORDS_KEPT]

    def skipped_up_to(self, byte: int, event_bytes: float) -> int:
        """Return the skipped events when the last damage goes up to ``byte``."""
        fewest, likely = self._stated
        damaged_bytes = byte - self._fault_byte
        is_as_stated = 0.0 < fewest <= damaged_bytes
        covered = round(damaged_bytes / (likely if is_as_stated else event_bytes))
        return self.skipped_events + max(0, covered - 1)


def _stated_bytes(kind: int, found: int, wanted: int, event_bytes: float) -> tuple[float, float]:
    """Return the fewest and the likely bytes of an event that is longer by its header, else 0.

    A damaged header states any size: it counts only where the damage reaches so far.
    """
    if kind == Fault.LENGTH_CHANGED and found > wanted:
        return event_bytes + FEWEST_SAMPLE_BYTES * (found - wanted), event_bytes * found / wanted
    if kind == Fault.STATED_SIZE_CHANGED and found > wanted:
        return found, found
    return 0.0, 0.0
