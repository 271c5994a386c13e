"""Samples as text: the loops in which most of the time is spent.

A NUL stands behind the last byte in sight, so that no digit needs a check for
the end. All return ``(position, samples read, outcome)``.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from server_side.wavedump.compilation import compiled_scan
from server_side.wavedump.fault import Fault
from server_side.wavedump.scanning import MORE, WHOLE, ByteWindow, byte_at

MAX_TOKEN_BYTES = 32
"""No sample as text is longer, so that an event has a largest size."""

_BROKEN = int(Fault.BROKEN_SAMPLE)
_FEW = int(Fault.FEW_SAMPLES)
_MANY = int(Fault.MANY_SAMPLES)
_RANGE = int(Fault.OUT_OF_RANGE)
_LF, _CR, _SPACE, _COMMA, _ZERO = 10, 13, 32, 44, 48
_MINUS, _PLUS, _POINT = 45, 43, 46
_MAX_DIGITS = 15
"""So many digits fit a float without loss."""


class SampleRule(NamedTuple):
    """Which numbers are samples; any other is damage."""

    low_adc: int
    high_adc: int
    has_decimals: bool


def plain_samples(adc_bits: int) -> SampleRule:
    """Return the rule of samples as the ADC gives them."""
    return SampleRule(0, (1 << adc_bits) - 1, has_decimals=False)


def corrected_samples(adc_bits: int) -> SampleRule:
    """Return the rule of corrected x742 samples: not whole, and a little outside the range."""
    top = (1 << adc_bits) - 1
    return SampleRule(-top, 2 * top, has_decimals=True)


@compiled_scan
def is_letter(byte: int) -> bool:
    """Tell whether a byte is an ASCII letter."""
    return 65 <= byte <= 90 or 97 <= byte <= 122


@compiled_scan
def read_five_digits(data: NDArray[np.uint8], pos: int) -> int:
    """Return the number of a line of exactly five digits, or -1: by far the usual line.

    One decision for the line instead of one for each digit makes reading faster.
    """
    first = byte_at(data, pos) - _ZERO
    second = byte_at(data, pos + 1) - _ZERO
    third = byte_at(data, pos + 2) - _ZERO
    fourth = byte_at(data, pos + 3) - _ZERO
    fifth = byte_at(data, pos + 4) - _ZERO
    # A byte below '0' makes its difference negative and so the whole of the OR; one above
    # '9' is found by its distance to 9 in the same way.
    below = first | second | third | fourth | fifth
    above = (9 - first) | (9 - second) | (9 - third) | (9 - fourth) | (9 - fifth)
    if (below | above) < 0 or byte_at(data, pos + 5) != _LF:
        return -1
    return first * 10_000 + second * 1000 + third * 100 + fourth * 10 + fifth


@compiled_scan
def read_column(
    window: ByteWindow, pos: int, wanted: int, top: int, out: NDArray[np.float32]
) -> tuple[int, int, int]:
    """Read whole numbers, one on each line, into ``out``."""
    data = window.data
    for count in range(wanted):
        start = pos
        value = read_five_digits(data, pos)
        if value >= 10_000:
            pos += 5
        else:
            value, pos = read_digits(data, pos)
            is_canonical = pos == start + 1 or byte_at(data, start) != _ZERO
            if byte_at(data, pos) == _CR:
                pos += 1
            if byte_at(data, pos) != _LF or pos == start or not is_canonical:
                return start, count, _name_failure(window, start, pos)
        if value > top:
            return start, count, _RANGE
        out[count] = value
        pos += 1
    return pos, wanted, WHOLE


@compiled_scan
def read_digits(data: NDArray[np.uint8], pos: int) -> tuple[int, int]:
    """Return the number that some digits make, and the place behind them."""
    start = pos
    value = 0
    digit = byte_at(data, pos) - _ZERO
    while 0 <= digit <= 9 and pos - start < _MAX_DIGITS:
        value = value * 10 + digit
        pos += 1
        digit = byte_at(data, pos) - _ZERO
    return value, pos


@compiled_scan
def read_list(
    window: ByteWindow, pos: int, wanted: int, rule: SampleRule, out: NDArray[np.float32]
) -> tuple[int, int, int]:
    """Read numbers separated by commas or line ends into ``out``."""
    for count in range(wanted):
        start = pos
        value, pos = _read_number(window.data, pos, rule.has_decimals)
        stop = pos
        while byte_at(window.data, stop) == _SPACE:
            stop += 1
        byte = byte_at(window.data, stop)
        if pos == start or byte not in (_COMMA, _CR, _LF):
            return start, count, _name_failure(window, start, stop)
        if not rule.low_adc <= value <= rule.high_adc:
            return start, count, _RANGE
        out[count] = value
        pos, has_line_end = _skip_separators(window.data, stop)
        if pos >= window.end and not (has_line_end and count + 1 == wanted):
            return start, count, MORE
    return pos, wanted, WHOLE


@compiled_scan
def judge_what_follows(window: ByteWindow, pos: int) -> int:
    """Return ``WHOLE`` unless one more sample follows an event, or may follow."""
    if pos >= window.end:
        return WHOLE if window.at_end else MORE
    _, stop = _read_number(window.data, pos, True)
    if stop == pos:
        return WHOLE
    if stop >= window.end:
        return MORE
    byte = byte_at(window.data, stop)
    is_sample = byte in (_LF, _CR, _COMMA, _SPACE)
    return _MANY if is_sample else WHOLE


@compiled_scan
def _name_failure(window: ByteWindow, start: int, stop: int) -> int:
    """Tell why no sample could be read at ``start``, where reading ended at ``stop``."""
    if stop >= window.end and stop - start < MAX_TOKEN_BYTES:
        return MORE
    if is_letter(byte_at(window.data, start)):
        return _FEW
    return _BROKEN


@compiled_scan
def _skip_separators(data: NDArray[np.uint8], pos: int) -> tuple[int, bool]:
    """Return the place behind at most one comma and any blanks and line ends."""
    has_line_end = False
    has_comma = False
    while True:
        byte = byte_at(data, pos)
        if byte == _COMMA and not has_comma:
            has_comma = True
        elif byte == _LF:
            has_line_end = True
        elif byte not in (_SPACE, _CR):
            return pos, has_line_end
        pos += 1


@compiled_scan
def _read_number(data: NDArray[np.uint8], pos: int, has_decimals: bool) -> tuple[float, int]:
    """Return a number and the place behind it; the same place when there is none."""
    start = pos
    is_negative = byte_at(data, pos) == _MINUS
    if is_negative or byte_at(data, pos) == _PLUS:
        pos += 1
    digits, behind = read_digits(data, pos)
    length = behind - pos
    is_canonical = length == 1 or (length > 1 and byte_at(data, pos) != _ZERO)
    value = float(digits)
    if has_decimals and byte_at(data, behind) == _POINT:
        point = behind
        digits, behind = read_digits(data, point + 1)
        value += digits / 10.0 ** (behind - point - 1)
    if not is_canonical:
        return 0.0, start
    return (-value if is_negative else value), behind
