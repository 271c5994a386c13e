"""Samples as text: the loops in which most of the time is spent.

A NUL stands behind the last byte in sight, so that no digit needs a check for
the end. All return ``(position, samples read, outcome)``.
"""

import numpy as np
from numpy.typing import NDArray

from server_side.wavedump.compilation import compiled
from server_side.wavedump.fault import Fault
from server_side.wavedump.scanning import MORE, WHOLE, ByteWindow

MAX_TOKEN_BYTES = 32
"""No sample as text is longer, so that an event has a largest size."""

_BROKEN = int(Fault.BROKEN_SAMPLE)
_FEW = int(Fault.FEW_SAMPLES)
_MANY = int(Fault.MANY_SAMPLES)
_RANGE = int(Fault.OUT_OF_RANGE)
_LF, _CR, _SPACE, _COMMA, _ZERO = 10, 13, 32, 44, 48
_MINUS, _PLUS, _POINT = 45, 43, 46
_MAX_DIGITS = 9


@compiled
def is_letter(byte: int) -> bool:
    """Tell whether a byte is an ASCII letter."""
    return 65 <= byte <= 90 or 97 <= byte <= 122


@compiled
def read_column(
    window: ByteWindow, pos: int, wanted: int, top: int, out: NDArray[np.float32]
) -> tuple[int, int, int]:
    """Read whole numbers, one on each line, into ``out``."""
    data = window.data
    for count in range(wanted):
        start = pos
        value = read_five_digits(data, pos) if pos + 5 < window.end else -1
        if 10_000 <= value <= top:
            out[count] = value
            pos += 6
            continue
        value = 0
        digit = int(data[pos]) - _ZERO
        while 0 <= digit <= 9 and pos - start <= _MAX_DIGITS:
            value = value * 10 + digit
            pos += 1
            digit = int(data[pos]) - _ZERO
        length = pos - start
        if data[pos] == _CR:
            pos += 1
        if data[pos] != _LF or length == 0:
            return start, count, _name_failure(window, start, pos)
        if value > top or (length > 1 and data[start] == _ZERO):
            return start, count, _RANGE if value > top else _BROKEN
        out[count] = value
        pos += 1
    return pos, wanted, WHOLE


@compiled
def read_five_digits(data: NDArray[np.uint8], pos: int) -> int:
    """Return the number of a line of exactly five digits, or -1: by far the usual line.

    One decision for the line instead of one for each digit makes reading faster.
    """
    first = int(data[pos]) - _ZERO
    second = int(data[pos + 1]) - _ZERO
    third = int(data[pos + 2]) - _ZERO
    fourth = int(data[pos + 3]) - _ZERO
    fifth = int(data[pos + 4]) - _ZERO
    # A byte below '0' makes its difference negative and so the whole of the OR; one above
    # '9' is found by its distance to 9 in the same way.
    below = first | second | third | fourth | fifth
    above = (9 - first) | (9 - second) | (9 - third) | (9 - fourth) | (9 - fifth)
    if (below | above) < 0 or data[pos + 5] != _LF:
        return -1
    return (((first * 10 + second) * 10 + third) * 10 + fourth) * 10 + fifth


@compiled
def read_list(
    window: ByteWindow, pos: int, wanted: int, top: int, out: NDArray[np.float32]
) -> tuple[int, int, int]:
    """Read numbers separated by commas or line ends into ``out``, with or without decimals.

    Corrected x742 samples are not whole and may lie a little outside the ADC's range.
    """
    for count in range(wanted):
        start = pos
        value, pos = _read_number(window.data, pos)
        stop = pos
        while window.data[stop] == _SPACE:
            stop += 1
        byte = window.data[stop]
        if pos == start or byte not in (_COMMA, _CR, _LF):
            return start, count, _name_failure(window, start, stop)
        if not -top <= value <= 2 * top:
            return start, count, _RANGE
        out[count] = value
        pos, has_line_end = _skip_separators(window.data, stop)
        if pos >= window.end and not (has_line_end and count + 1 == wanted):
            return start, count, MORE
    return pos, wanted, WHOLE


@compiled
def judge_what_follows(window: ByteWindow, pos: int) -> int:
    """Return ``WHOLE`` unless one more sample follows an event, or may follow."""
    if pos >= window.end:
        return WHOLE if window.at_end else MORE
    _, stop = _read_number(window.data, pos)
    if stop == pos:
        return WHOLE
    if stop >= window.end:
        return MORE
    byte = window.data[stop]
    is_sample = byte in (_LF, _CR, _COMMA, _SPACE)
    return _MANY if is_sample else WHOLE


@compiled
def _name_failure(window: ByteWindow, start: int, stop: int) -> int:
    """Tell why no sample could be read at ``start``, where reading ended at ``stop``."""
    if stop >= window.end and stop - start < MAX_TOKEN_BYTES:
        return MORE
    if is_letter(window.data[start]):
        return _FEW
    return _BROKEN


@compiled
def _skip_separators(data: NDArray[np.uint8], pos: int) -> tuple[int, bool]:
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
def _read_number(data: NDArray[np.uint8], pos: int) -> tuple[float, int]:
    """Return a number and the place behind it; the same place when there is none."""
    start = pos
    is_negative = data[pos] == _MINUS
    if is_negative or data[pos] == _PLUS:
        pos += 1
    value, behind = _read_digits(data, pos)
    digits = behind - pos
    is_canonical = digits == 1 or (digits > 1 and data[pos] != _ZERO)
    if data[behind] == _POINT:
        point = behind
        fraction, behind = _read_digits(data, point + 1)
        for _ in range(behind - point - 1):
            fraction *= 0.1
        value += fraction
    if not is_canonical or behind - pos > MAX_TOKEN_BYTES:
        return 0.0, start
    return (-value if is_negative else value), behind


@compiled
def _read_digits(data: NDArray[np.uint8], pos: int) -> tuple[float, int]:
    """Return the number that some digits make, and the place behind them."""
    start = pos
    value = 0.0
    digit = int(data[pos]) - _ZERO
    while 0 <= digit <= 9 and pos - start <= MAX_TOKEN_BYTES:
        value = value * 10.0 + digit
        pos += 1
        digit = int(data[pos]) - _ZERO
    return value, pos
