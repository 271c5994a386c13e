"""Samples as text: the loops in which most of the time is spent.

All take a byte array with a NUL behind ``end``, so that no digit needs a check
for the end, and return ``(position, samples read, outcome)``.
"""

import numpy as np
from numpy.typing import NDArray

from server_side.wavedump.compilation import compiled
from server_side.wavedump.fault import Fault

Bytes = NDArray[np.uint8]
Samples = NDArray[np.float32]

WHOLE = 0
"""All wanted samples were read."""
MORE = -1
"""The bytes end before that."""

MAX_TOKEN_BYTES = 32
"""No sample as text is longer, so that an event has a largest size."""

_BROKEN = int(Fault.BROKEN_SAMPLE)
_FEW = int(Fault.FEW_SAMPLES)
_RANGE = int(Fault.OUT_OF_RANGE)
_LF, _CR, _SPACE, _COMMA, _ZERO = 10, 13, 32, 44, 48
_MINUS, _PLUS, _POINT = 45, 43, 46


@compiled
def is_letter(byte: int) -> bool:
    """Tell whether a byte is an ASCII letter."""
    return 65 <= byte <= 90 or 97 <= byte <= 122


@compiled
def read_column(
    data: Bytes, pos: int, end: int, wanted: int, top: int, out: Samples
) -> tuple[int, int, int]:
    """Read whole numbers, one on each line, into ``out``."""
    count = 0
    while count < wanted:
        start = pos
        value = 0
        digit = np.int64(data[pos]) - _ZERO
        while 0 <= digit <= 9:
            value = value * 10 + digit
            pos += 1
            digit = np.int64(data[pos]) - _ZERO
        length = pos - start
        if data[pos] == _CR:
            pos += 1
        if data[pos] != _LF or length == 0 or length > 9:
            return start, count, _name_failure(data, start, pos, end, length)
        if length > 1 and data[start] == _ZERO:
            return start, count, _BROKEN
        if value > top:
            return start, value, _RANGE
        out[count] = value
        count += 1
        pos += 1
    return pos, count, WHOLE


@compiled
def _name_failure(data: Bytes, start: int, pos: int, end: int, length: int) -> int:
    if pos >= end and length <= 9:
        return MORE
    if length == 0 and is_letter(data[start]):
        return _FEW
    return _BROKEN


@compiled
def read_list(
    data: Bytes, pos: int, end: int, wanted: int, top: int, out: Samples
) -> tuple[int, int, int]:
    """Read numbers separated by commas or line ends into ``out``, with or without decimals.

    Corrected x742 samples are not whole and may lie a little outside the ADC's range.
    """
    count = 0
    while count < wanted:
        start = pos
        value, pos = _read_number(data, pos)
        if pos == start:
            return start, count, _name_failure(data, start, start, end, 0)
        stop = pos
        while data[stop] == _SPACE:
            stop += 1
        if pos - start > MAX_TOKEN_BYTES or not _is_separator(data[stop]):
            return start, count, MORE if stop >= end else _BROKEN
        if not -top <= value <= 2 * top:
            return start, np.int64(value), _RANGE
        out[count] = value
        count += 1
        pos, has_line_end = _skip_separators(data, stop)
        if pos >= end and not (has_line_end and count == wanted):
            return start, count, MORE
    return pos, count, WHOLE


@compiled
def _is_separator(byte: int) -> bool:
    return byte in (_COMMA, _CR, _LF)


@compiled
def _skip_separators(data: Bytes, pos: int) -> tuple[int, bool]:
    """Return the place behind at most one comma and any blanks and line ends."""
    has_line_end = False
    has_comma = False
    while True:
        byte = data[pos]
        if byte == _COMMA and not has_comma:
            has_comma = True
        elif byte == _LF:
            has_line_end = True
        elif byte not in (_SPACE, _CR):
            return pos, has_line_end
        pos += 1


@compiled
def _read_number(data: Bytes, pos: int) -> tuple[float, int]:
    """Return a number and the place behind it; the same place when there is none."""
    start = pos
    sign = 1.0
    if data[pos] in (_MINUS, _PLUS):
        sign = -1.0 if data[pos] == _MINUS else 1.0
        pos += 1
    mantissa, whole, behind = _read_digits(data, pos, 0)
    fraction = 0
    if data[behind] == _POINT:
        mantissa, fraction, behind = _read_digits(data, behind + 1, mantissa)
    is_canonical = whole == 1 or (whole > 1 and data[pos] != _ZERO)
    if not is_canonical or whole + fraction > 18:
        return 0.0, start
    return sign * mantissa / 10.0**fraction, behind


@compiled
def _read_digits(data: Bytes, pos: int, mantissa: int) -> tuple[int, int, int]:
    """Return the mantissa with the digits appended, their number, and the place behind."""
    start = pos
    digit = np.int64(data[pos]) - _ZERO
    while 0 <= digit <= 9:
        if pos - start < 18:
            mantissa = mantissa * 10 + digit
        pos += 1
        digit = np.int64(data[pos]) - _ZERO
    return mantissa, pos - start, pos
