"""Header lines of text formats: found and read by key, whatever their order."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from server_side.wavedump.compilation import compiled_scan
from server_side.wavedump.scanning import MORE, ByteWindow, byte_at
from server_side.wavedump.text_samples import is_letter, read_digits

MAX_HEADER_BYTES = 8192
"""No header is longer, so that an event has a largest size."""
NO_VALUE = -1
"""A header field that is not there or not a number."""

RECORD_LENGTH_KEY = np.frombuffer(b"Record Length:", np.uint8)
_CHANNEL_KEY = np.frombuffer(b"Channel:", np.uint8)
_NUMBER_KEY = np.frombuffer(b"Event Number:", np.uint8)
_TAG_KEY = np.frombuffer(b"Trigger Time Stamp:", np.uint8)
_LF, _CR, _SPACE, _COLON = 10, 13, 32, 58


class TextHeader(NamedTuple):
    """The fields of one event's header; ``NO_VALUE`` where there is none."""

    record_length: int
    channel: int
    number: int
    time_tag: int


@compiled_scan
def starts_with(data: NDArray[np.uint8], pos: int, word: NDArray[np.uint8]) -> bool:
    """Tell whether ``word`` stands at ``pos``; the NUL behind the last byte ends the search."""
    for index, byte in enumerate(word):  # noqa: SIM110 - all() is not compiled
        if byte_at(data, pos + index) != byte:
            return False
    return True


@compiled_scan
def find_event(window: ByteWindow, pos: int) -> int:
    """Return where the next ``Record Length:`` begins, or -1."""
    first = RECORD_LENGTH_KEY[0]
    while pos < window.end:
        if byte_at(window.data, pos) == first and starts_with(window.data, pos, RECORD_LENGTH_KEY):
            return pos
        pos += 1
    return -1


@compiled_scan
def find_stray(data: NDArray[np.uint8], pos: int, end: int) -> int:
    """Return where something other than blank lines and header lines begins, or -1."""
    while pos < end:
        line = pos
        has_colon = False
        while pos < end and byte_at(data, pos) != _LF:
            has_colon |= byte_at(data, pos) == _COLON
            pos += 1
        is_blank = pos == line or (pos == line + 1 and byte_at(data, line) == _CR)
        is_header = is_letter(byte_at(data, line)) and (has_colon or pos == end)
        if not (is_blank or is_header) or pos - line > MAX_HEADER_BYTES:
            return line
        pos += 1
    return -1


@compiled_scan
def read_value(data: NDArray[np.uint8], pos: int) -> int:
    """Return the whole number at ``pos`` up to the line's end, or ``NO_VALUE``."""
    while byte_at(data, pos) == _SPACE:
        pos += 1
    value, stop = read_digits(data, pos)
    behind = stop + 1 if byte_at(data, stop) == _CR else stop
    return NO_VALUE if stop == pos or byte_at(data, behind) != _LF else value


@compiled_scan
def read_header(window: ByteWindow, begin: int) -> tuple[int, TextHeader]:
    """Return where the samples begin, or ``MORE``, and the header's fields."""
    data = window.data
    length = channel = number = tag = NO_VALUE
    pos = begin
    last = min(window.end, begin + MAX_HEADER_BYTES)
    while pos < last and is_letter(byte_at(data, pos)):
        if starts_with(data, pos, RECORD_LENGTH_KEY):
            if pos > begin:
                break
            length = read_value(data, pos + len(RECORD_LENGTH_KEY))
        elif starts_with(data, pos, _CHANNEL_KEY):
            channel = read_value(data, pos + len(_CHANNEL_KEY))
        elif starts_with(data, pos, _NUMBER_KEY):
            number = read_value(data, pos + len(_NUMBER_KEY))
        elif starts_with(data, pos, _TAG_KEY):
            tag = read_value(data, pos + len(_TAG_KEY))
        while pos < last and byte_at(data, pos) != _LF:
            pos += 1
        pos += 1
    header = TextHeader(length, channel, number, tag)
    return (MORE if pos >= window.end else pos), header
