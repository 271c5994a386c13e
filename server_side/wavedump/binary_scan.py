"""Binary events with a header of 32-bit words: where they begin, and what is damage.

A header is known by its size, board and channel, which are the same in a whole
file. An event counts only when another header, or the file's end, follows it:
so bytes that were lost or added inside are noticed.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from server_side.wavedump.compilation import compiled_scan
from server_side.wavedump.fault import Fault
from server_side.wavedump.scanning import (
    MORE,
    NO_TIME_TAG,
    WHOLE,
    ByteWindow,
    EventRows,
    ScanPlace,
    byte_at,
    label_row,
    note_fault,
)

WORD_BYTES = 4
NO_WORD = -1
"""The header has no such word."""
LIKELY_WORDS = 4
"""So many of five words right: a header with one damaged word, not lost bytes."""
FAR_AHEAD = 1 << 20
"""A counter does not rise by more than this from one event to the next."""

_STATED_SIZE = int(Fault.STATED_SIZE_CHANGED)
_BOARD = int(Fault.BOARD_CHANGED)
_CHANNEL = int(Fault.CHANNEL_CHANGED)
_BROKEN_EVENT = int(Fault.SIZE_CHANGED)
_RANGE = int(Fault.OUT_OF_RANGE)
_RESUMED = int(Fault.RESUMED)


class BinaryLayout(NamedTuple):
    """What is known of a binary file."""

    record_length: int
    sample_bytes: int
    """1 or 2 for whole numbers, 4 for floating point."""
    header_bytes: int
    event_bytes: int
    """The value of the size word."""
    size_word: int
    board_word: int
    pattern_word: int
    channel_word: int
    number_word: int
    tag_word: int
    board: int
    pattern: int
    channel: int
    top_adc: int
    """Largest value of a sample."""


@compiled_scan
def read_word(data: NDArray[np.uint8], pos: int) -> int:
    """Return a little-endian 32-bit word."""
    low = byte_at(data, pos) | byte_at(data, pos + 1) << 8
    return low | byte_at(data, pos + 2) << 16 | byte_at(data, pos + 3) << 24


@compiled_scan
def has_word(data: NDArray[np.uint8], pos: int, word: int, value: int) -> bool:
    """Tell whether a header's word has a value; a word that there is not has any."""
    return word == NO_WORD or read_word(data, pos + WORD_BYTES * word) == value


@compiled_scan
def is_header(data: NDArray[np.uint8], pos: int, layout: BinaryLayout) -> bool:
    """Tell whether the words that never change stand at ``pos``."""
    return (
        read_word(data, pos + WORD_BYTES * layout.size_word) == layout.event_bytes
        and has_word(data, pos, layout.channel_word, layout.channel)
        and has_word(data, pos, layout.board_word, layout.board)
    )


@compiled_scan
def judge_header(data: NDArray[np.uint8], pos: int, layout: BinaryLayout) -> tuple[int, int, int]:
    """Return the fault of a header or ``WHOLE``, what was found and what was wanted."""
    size = read_word(data, pos + WORD_BYTES * layout.size_word)
    if size != layout.event_bytes:
        return _STATED_SIZE, size, layout.event_bytes
    if not has_word(data, pos, layout.channel_word, layout.channel):
        channel = read_word(data, pos + WORD_BYTES * layout.channel_word)
        return _CHANNEL, channel, layout.channel
    if not has_word(data, pos, layout.board_word, layout.board):
        return _BOARD, read_word(data, pos + WORD_BYTES * layout.board_word), layout.board
    return WHOLE, WHOLE, WHOLE


@compiled_scan
def is_likely_header(data: NDArray[np.uint8], pos: int, layout: BinaryLayout, after: int) -> bool:
    """Tell whether a header stands at ``pos`` of which at most one word is damaged."""
    number = read_word(data, pos + WORD_BYTES * layout.number_word)
    right = 1 if after < number <= after + FAR_AHEAD else 0
    right += has_word(data, pos, layout.size_word, layout.event_bytes)
    right += has_word(data, pos, layout.board_word, layout.board)
    right += has_word(data, pos, layout.pattern_word, layout.pattern)
    right += has_word(data, pos, layout.channel_word, layout.channel)
    return right >= LIKELY_WORDS


@compiled_scan
def find_header(window: ByteWindow, pos: int, layout: BinaryLayout) -> int:
    """Return where the next header begins, or -1."""
    last = window.end - layout.header_bytes
    while pos <= last:
        if is_header(window.data, pos, layout):
            return pos
        pos += 1
    return -1


@compiled_scan
def read_binary_samples(
    data: NDArray[np.uint8], pos: int, layout: BinaryLayout, out: NDArray[np.float32]
) -> int:
    """Read an event's samples; return the first impossible one or -1."""
    if layout.sample_bytes == 4:
        return read_floats(data, pos, layout, out)
    wide = layout.sample_bytes == 2
    for index in range(layout.record_length):
        value = byte_at(data, pos)
        if wide:
            value |= byte_at(data, pos + 1) << 8
        if value > layout.top_adc:
            return index
        out[index] = value
        pos += layout.sample_bytes
    return -1


@compiled_scan
def read_floats(
    data: NDArray[np.uint8], pos: int, layout: BinaryLayout, out: NDArray[np.float32]
) -> int:
    """Read floating point samples; return the first impossible one or -1."""
    bits = out.view(np.uint32)
    for index in range(layout.record_length):
        bits[index] = read_word(data, pos)
        if not -layout.top_adc <= out[index] <= 2 * layout.top_adc:
            return index
        pos += 4
    return -1


@compiled_scan
def judge_event(window: ByteWindow, begin: int, layout: BinaryLayout) -> tuple[int, int, int]:
    """Return ``WHOLE`` when an event's bytes are all there and its end is confirmed.

    Otherwise it is ``MORE`` or a fault, with what was found and what was wanted.
    """
    stop = begin + layout.event_bytes
    if begin + layout.header_bytes <= window.end and not is_header(window.data, begin, layout):
        return judge_header(window.data, begin, layout)
    if stop > window.end or (stop + layout.header_bytes > window.end and not window.at_end):
        return MORE, WHOLE, WHOLE
    if stop + layout.header_bytes > window.end:
        return WHOLE, WHOLE, WHOLE
    number = read_word(window.data, begin + WORD_BYTES * layout.number_word)
    is_confirmed = is_header(window.data, stop, layout) or is_likely_header(
        window.data, stop, layout, number
    )
    return WHOLE if is_confirmed else _BROKEN_EVENT, WHOLE, layout.event_bytes


@compiled_scan
def keep_binary_event(
    window: ByteWindow, begin: int, layout: BinaryLayout, rows: EventRows, row: int
) -> int:
    """Fill a row; return the first impossible sample or -1."""
    number = read_word(window.data, begin + WORD_BYTES * layout.number_word)
    time_tag = NO_TIME_TAG
    if layout.tag_word != NO_WORD:
        time_tag = read_word(window.data, begin + WORD_BYTES * layout.tag_word)
    label_row(rows, row, number, time_tag, window.first_byte + begin)
    samples = begin + layout.header_bytes
    return read_binary_samples(window.data, samples, layout, rows.samples_adc[row])


@compiled_scan
def scan_binary(
    window: ByteWindow,
    layout: BinaryLayout,
    rows: EventRows,
    place: ScanPlace,
    faults: NDArray[np.int64],
) -> ScanPlace:
    """Read whole events into ``rows`` until bytes, rows or fault records run out."""
    pos, row, noted, is_lost, number, _ = place
    while row < len(rows.event_number) and noted < len(faults):
        begin, found, wanted = pos, WHOLE, WHOLE
        if is_lost:
            begin = find_header(window, pos, layout)
            if begin < 0:
                pos = max(pos, window.end - layout.header_bytes + 1)
                return ScanPlace(pos, row, noted, is_lost, number, True)
            kind, pos, is_lost = _RESUMED, begin, False
        else:
            kind, found, wanted = judge_event(window, begin, layout)
            if kind == MORE:
                return ScanPlace(begin, row, noted, is_lost, number, True)
            is_lost = kind != WHOLE
            pos = begin + (1 if is_lost else layout.event_bytes)
            if kind == WHOLE:
                found = keep_binary_event(window, begin, layout, rows, row)
                kind = WHOLE if found < 0 else _RANGE
                row += kind == WHOLE
        if kind != WHOLE:
            byte = window.first_byte + begin
            noted = note_fault(faults, noted, kind, byte, (found, wanted))
    return ScanPlace(pos, row, noted, is_lost, number, False)


@compiled_scan
def scan_bare_binary(
    window: ByteWindow,
    layout: BinaryLayout,
    rows: EventRows,
    place: ScanPlace,
    faults: NDArray[np.int64],
) -> ScanPlace:
    """Read events without headers, which nothing but counting tells apart."""
    pos, row, noted, is_lost, number, _ = place
    while row < len(rows.event_number) and noted < len(faults):
        if pos + layout.event_bytes > window.end:
            return ScanPlace(pos, row, noted, is_lost, number, True)
        found = read_binary_samples(window.data, pos, layout, rows.samples_adc[row])
        byte = window.first_byte + pos
        if found >= 0:
            noted = note_fault(faults, noted, _RANGE, byte, (found, layout.event_bytes))
        else:
            label_row(rows, row, number, NO_TIME_TAG, byte)
            row += 1
        number += 1
        pos += layout.event_bytes
    return ScanPlace(pos, row, noted, is_lost, number, False)
