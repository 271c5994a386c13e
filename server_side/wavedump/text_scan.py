"""Events as text with a header: where they begin, what the header says, what is damage.

An event begins at ``Record Length:``. Other header lines may stand in any order
behind it or before it; samples begin at the first line that is no header line.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from server_side.wavedump.compilation import compiled_scan
from server_side.wavedump.fault import Fault
from server_side.wavedump.scanning import (
    MORE,
    WHOLE,
    ByteWindow,
    EventRows,
    ScanPlace,
    label_row,
    note_fault,
)
from server_side.wavedump.text_header import (
    MAX_HEADER_BYTES,
    NO_VALUE,
    RECORD_LENGTH_KEY,
    TextHeader,
    find_event,
    find_stray,
    read_header,
)
from server_side.wavedump.text_samples import (
    SampleRule,
    judge_what_follows,
    read_column,
    read_list,
)

MAX_RECORD_LENGTH = 100_000
MAX_TIME_TAG = 2**32 - 1

_BROKEN_LENGTH = int(Fault.BROKEN_LENGTH)
_BROKEN_NUMBER = int(Fault.BROKEN_NUMBER)
_BROKEN_TAG = int(Fault.BROKEN_TAG)
_LENGTH_CHANGED = int(Fault.LENGTH_CHANGED)
_CHANNEL_CHANGED = int(Fault.CHANNEL_CHANGED)
_STRAY = int(Fault.STRAY_BYTES)
_RESUMED = int(Fault.RESUMED)


class TextLayout(NamedTuple):
    """What is known of a text file."""

    record_length: int
    """0 as long as any is accepted."""
    channel: int
    """``NO_VALUE`` where events do not say."""
    any_channel: bool
    has_time_tag: bool
    has_lists: bool
    """Samples stand in comma separated lines or have decimals."""
    rule: SampleRule


class EventOutcome(NamedTuple):
    """What reading one event gave."""

    outcome: int
    """``WHOLE``, ``MORE`` or a fault."""
    stop: int
    """Behind the event, or where reading failed."""
    found_wanted: tuple[int, int]
    header: TextHeader


@compiled_scan
def check_header(header: TextHeader, layout: TextLayout) -> tuple[int, tuple[int, int]]:
    """Return the fault of a header or ``WHOLE``, with what was found and what was wanted."""
    length = header.record_length
    if not 0 < length <= MAX_RECORD_LENGTH:
        return _BROKEN_LENGTH, (length, MAX_RECORD_LENGTH)
    if header.number == NO_VALUE:
        return _BROKEN_NUMBER, (NO_VALUE, 0)
    if layout.has_time_tag and not 0 <= header.time_tag <= MAX_TIME_TAG:
        return _BROKEN_TAG, (header.time_tag, MAX_TIME_TAG)
    if layout.record_length not in (0, length):
        return _LENGTH_CHANGED, (length, layout.record_length)
    if not layout.any_channel and header.channel != layout.channel:
        return _CHANNEL_CHANGED, (header.channel, layout.channel)
    return WHOLE, (0, 0)


@compiled_scan
def read_samples(
    window: ByteWindow, pos: int, wanted: int, layout: TextLayout, out: NDArray[np.float32]
) -> tuple[int, int, int]:
    """Read ``wanted`` samples in the file's own style."""
    if layout.has_lists:
        return read_list(window, pos, wanted, layout.rule, out)
    return read_column(window, pos, wanted, layout.rule.high_adc, out)


@compiled_scan
def read_event(
    window: ByteWindow, begin: int, layout: TextLayout, out: NDArray[np.float32]
) -> EventOutcome:
    """Read the event that begins at ``begin``."""
    pos, header = read_header(window, begin)
    if pos == MORE:
        return EventOutcome(MORE, begin, (0, 0), header)
    outcome, found_wanted = check_header(header, layout)
    if outcome != WHOLE:
        return EventOutcome(outcome, pos, found_wanted, header)
    wanted = header.record_length
    pos, count, outcome = read_samples(window, pos, wanted, layout, out)
    if outcome == WHOLE:
        outcome = judge_what_follows(window, pos)
    return EventOutcome(outcome, pos, (count, wanted), header)


@compiled_scan
def judge_gap(window: ByteWindow, pos: int, begin: int) -> int:
    """Return where bytes between two events stop to be header or blank lines, or -1."""
    stray = find_stray(window.data, pos, begin if begin >= 0 else window.end)
    if stray < 0 and begin < 0 and window.end - pos > MAX_HEADER_BYTES:
        return pos
    return stray


@compiled_scan
def scan_text(
    window: ByteWindow,
    layout: TextLayout,
    rows: EventRows,
    place: ScanPlace,
    faults: NDArray[np.int64],
) -> ScanPlace:
    """Read whole events into ``rows`` until bytes, rows or fault records run out."""
    pos, row, noted, is_lost, number, _ = place
    while row < len(rows.event_number) and noted < len(faults):
        begin = find_event(window, pos)
        kind, byte, found_wanted = WHOLE, begin, (WHOLE, WHOLE)
        if is_lost:
            if begin < 0:
                pos = max(pos, window.end - len(RECORD_LENGTH_KEY) + 1)
                return ScanPlace(pos, row, noted, is_lost, number, True)
            kind, pos, is_lost = _RESUMED, begin, False
        else:
            stray = judge_gap(window, pos, begin)
            if stray >= 0:
                kind, byte, pos, is_lost = _STRAY, stray, stray, True
            elif begin < 0:
                return ScanPlace(pos, row, noted, is_lost, number, True)
            else:
                event = read_event(window, begin, layout, rows.samples_adc[row])
                if event.outcome == MORE:
                    return ScanPlace(begin, row, noted, is_lost, number, True)
                kind, pos, found_wanted = event.outcome, event.stop, event.found_wanted
                is_lost = kind != WHOLE
                row = keep_event(rows, row, event.header, window.first_byte + begin, is_lost)
        if kind != WHOLE:
            noted = note_fault(faults, noted, kind, window.first_byte + byte, found_wanted)
    return ScanPlace(pos, row, noted, is_lost, number, False)


@compiled_scan
def keep_event(rows: EventRows, row: int, header: TextHeader, byte: int, is_damaged: bool) -> int:
    """Complete the row of an undamaged event; return the next free row."""
    if is_damaged:
        return row
    label_row(rows, row, header.number, header.time_tag, byte)
    return row + 1
