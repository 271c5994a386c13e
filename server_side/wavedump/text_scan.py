"""Events as text with a header: where they begin, what the header says, what is damage.

An event begins at ``Record Length:``. Other header lines may stand in any order
behind it or before it; samples begin at the first line that is no header line.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from server_side.wavedump.compilation import compiled
from server_side.wavedump.fault import Fault
from server_side.wavedump.rows import EventRows
from server_side.wavedump.text_samples import (
    MORE,
    WHOLE,
    Bytes,
    Samples,
    is_letter,
    read_column,
    read_list,
)

MAX_HEADER_BYTES = 8192
"""No header is longer, so that an event has a largest size."""
MAX_RECORD_LENGTH = 100_000

_RECORD_LENGTH = np.frombuffer(b"Record Length:", np.uint8)
_CHANNEL = np.frombuffer(b"Channel:", np.uint8)
_EVENT_NUMBER = np.frombuffer(b"Event Number:", np.uint8)
_TIME_TAG = np.frombuffer(b"Trigger Time Stamp:", np.uint8)

_BROKEN_HEADER = int(Fault.BROKEN_HEADER)
_MANY = int(Fault.MANY_SAMPLES)
_RANGE = int(Fault.OUT_OF_RANGE)
_LENGTH = int(Fault.LENGTH_CHANGED)
_CHANGED_CHANNEL = int(Fault.CHANNEL_CHANGED)
_STRAY = int(Fault.STRAY_BYTES)
_RESUMED = int(Fault.RESUMED)
_LF, _CR, _SPACE, _COLON, _ZERO = 10, 13, 32, 58, 48

NO_VALUE = -1
"""A header field that is not there or not a number."""


class TextLayout(NamedTuple):
    """What is known of a text file; plain numbers, because compiled code reads it."""

    record_length: int
    """0 as long as any is accepted."""
    channel: int
    """``NO_VALUE`` where events do not say."""
    any_channel: bool
    has_time_tag: bool
    has_lists: bool
    """Samples stand in comma separated lines or have decimals."""
    top_adc: int
    """Largest value of a sample."""


class TextHeader(NamedTuple):
    """The fields of one event's header."""

    record_length: int
    channel: int
    number: int
    time_tag: int


class TextScan(NamedTuple):
    """How far one call came."""

    consumed: int
    """Bytes that need not be seen again."""
    row: int
    """First row that was not written."""
    faults: int
    """Rows of fault records that were written."""
    is_lost: bool
    """The last bytes are damaged, and no next event was found yet."""
    is_starved: bool
    """It ended for want of bytes, not of room."""


@compiled
def starts_with(data: Bytes, pos: int, end: int, word: Bytes) -> bool:
    """Tell whether ``word`` stands at ``pos``."""
    if pos + len(word) > end:
        return False
    for index in range(len(word)):  # noqa: SIM110 - compiled
        if data[pos + index] != word[index]:
            return False
    return True


@compiled
def find_event(data: Bytes, pos: int, end: int) -> int:
    """Return where the next ``Record Length:`` begins, or -1."""
    first = _RECORD_LENGTH[0]
    while pos < end:
        if data[pos] == first and starts_with(data, pos, end, _RECORD_LENGTH):
            return pos
        pos += 1
    return -1


@compiled
def find_stray(data: Bytes, pos: int, end: int) -> int:
    """Return where something other than blank lines and header lines begins, or -1."""
    while pos < end:
        line = pos
        has_colon = False
        while pos < end and data[pos] != _LF:
            has_colon |= data[pos] == _COLON
            pos += 1
        is_blank = pos == line or (pos == line + 1 and data[line] == _CR)
        if not is_blank and not (is_letter(data[line]) and (has_colon or pos == end)):
            return line
        if pos - line > MAX_HEADER_BYTES:
            return line
        pos += 1
    return -1


@compiled
def read_value(data: Bytes, pos: int, end: int) -> int:
    """Return the whole number at ``pos`` up to the line's end, or ``NO_VALUE``."""
    while pos < end and data[pos] == _SPACE:
        pos += 1
    start = pos
    value = 0
    while pos < end and _ZERO <= data[pos] <= _ZERO + 9 and pos - start < 12:
        value = value * 10 + np.int64(data[pos]) - _ZERO
        pos += 1
    stop = pos + 1 if data[pos] == _CR else pos
    if pos == start or data[stop] != _LF:
        return NO_VALUE
    return value


@compiled
def read_header(data: Bytes, begin: int, end: int) -> tuple[int, TextHeader]:
    """Return where the samples begin, or ``MORE``, and the header's fields."""
    length = channel = number = tag = NO_VALUE
    pos = begin
    while pos < end and is_letter(data[pos]) and pos - begin < MAX_HEADER_BYTES:
        if starts_with(data, pos, end, _RECORD_LENGTH):
            if pos > begin:
                break
            length = read_value(data, pos + len(_RECORD_LENGTH), end)
        elif starts_with(data, pos, end, _CHANNEL):
            channel = read_value(data, pos + len(_CHANNEL), end)
        elif starts_with(data, pos, end, _EVENT_NUMBER):
            number = read_value(data, pos + len(_EVENT_NUMBER), end)
        elif starts_with(data, pos, end, _TIME_TAG):
            tag = read_value(data, pos + len(_TIME_TAG), end)
        while pos < end and data[pos] != _LF and pos - begin < MAX_HEADER_BYTES:
            pos += 1
        pos += 1
    header = TextHeader(length, channel, number, tag)
    return (MORE if pos >= end else pos), header


@compiled
def check_header(header: TextHeader, layout: TextLayout) -> tuple[int, int, int]:
    """Return the fault of a header (or ``WHOLE``), what was found, and what was wanted."""
    length = header.record_length
    if not 0 < length <= MAX_RECORD_LENGTH or header.number == NO_VALUE:
        return _BROKEN_HEADER, 0, 0
    if layout.has_time_tag and not 0 <= header.time_tag < 2**32:
        return _BROKEN_HEADER, 0, 0
    if layout.record_length not in (0, length):
        return _LENGTH, length, layout.record_length
    if not layout.any_channel and header.channel != layout.channel:
        return _CHANGED_CHANNEL, header.channel, layout.channel
    return WHOLE, 0, 0


@compiled
def read_samples(
    data: Bytes, pos: int, end: int, wanted: int, layout: TextLayout, out: Samples
) -> tuple[int, int, int]:
    """Read ``wanted`` samples in the file's own style."""
    if layout.has_lists:
        return read_list(data, pos, end, wanted, layout.top_adc, out)
    return read_column(data, pos, end, wanted, layout.top_adc, out)


@compiled
def read_event(
    data: Bytes, begin: int, end: int, at_end: bool, layout: TextLayout, out: Samples
) -> tuple[int, int, int, int, TextHeader]:
    """Read the event that begins at ``begin``.

    Returns
    -------
    position, outcome, found, wanted, header
        Outcome is ``WHOLE``, ``MORE`` or a fault; the position is behind the event or
        where reading failed.
    """
    pos, header = read_header(data, begin, end)
    if pos == MORE:
        return begin, MORE, 0, 0, header
    outcome, found, wanted = check_header(header, layout)
    if outcome != WHOLE:
        return pos, outcome, found, wanted, header
    wanted = header.record_length
    pos, found, outcome = read_samples(data, pos, end, wanted, layout, out)
    if outcome == WHOLE:
        outcome = _check_what_follows(data, pos, end, at_end, layout)
    return pos, outcome, found, layout.top_adc if outcome == _RANGE else wanted, header


@compiled
def _check_what_follows(data: Bytes, pos: int, end: int, at_end: bool, layout: TextLayout) -> int:
    """Return ``WHOLE`` unless one more sample follows, or may follow."""
    if pos >= end:
        return WHOLE if at_end else MORE
    _, _, outcome = read_samples(data, pos, end, 1, layout, np.empty(1, np.float32))
    if outcome == MORE:
        return MORE
    return _MANY if outcome == WHOLE else WHOLE


@compiled
def note_fault(
    faults: NDArray[np.int64], index: int, kind: int, byte: int, found: int, wanted: int
) -> int:
    """Write one fault record and return the next index."""
    faults[index, 0] = kind
    faults[index, 1] = byte
    faults[index, 2] = found
    faults[index, 3] = wanted
    return index + 1


@compiled
def judge_gap(data: Bytes, pos: int, begin: int, end: int) -> int:
    """Return where bytes between two events stop to be header or blank lines, or -1."""
    stray = find_stray(data, pos, begin if begin >= 0 else end)
    if stray < 0 and begin < 0 and end - pos > MAX_HEADER_BYTES:
        return pos
    return stray


@compiled
def scan_events(
    data: Bytes,
    end: int,
    at_end: bool,
    is_lost: bool,
    layout: TextLayout,
    first_byte: int,
    rows: EventRows,
    row: int,
    faults: NDArray[np.int64],
) -> TextScan:
    """Read whole events into ``rows`` until bytes, rows or fault records run out."""
    pos = 0
    noted = 0
    is_starved = False
    while row < len(rows.event_number) and noted + 3 <= len(faults):
        begin = find_event(data, pos, end)
        stray = -1 if is_lost else judge_gap(data, pos, begin, end)
        if stray >= 0:
            noted = note_fault(faults, noted, _STRAY, first_byte + stray, 0, 0)
            is_lost = True
        if begin < 0:
            if is_lost:
                pos = max(pos, end - len(_RECORD_LENGTH) + 1)
            is_starved = True
            break
        if is_lost:
            noted = note_fault(faults, noted, _RESUMED, first_byte + begin, 0, 0)
        pos = begin
        stop, outcome, found, wanted, header = read_event(
            data, begin, end, at_end, layout, rows.samples_adc[row]
        )
        is_lost = outcome not in (WHOLE, MORE)
        if outcome == MORE:
            is_starved = True
            break
        pos = stop
        if is_lost:
            noted = note_fault(faults, noted, outcome, first_byte + begin, found, wanted)
        else:
            rows.event_number[row] = header.number
            rows.time_tag[row] = header.time_tag
            rows.first_byte[row] = first_byte + begin
            row += 1
    return TextScan(pos, row, noted, is_lost, is_starved)
