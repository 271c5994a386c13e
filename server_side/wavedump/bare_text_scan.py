"""Samples as text without headers: events are told apart by counting alone.

A damaged line counts as the one sample that it was, as long as it is no longer
than a sample. Behind anything else the count cannot be trusted, and nothing is
read any more.
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
from server_side.wavedump.text_samples import SampleRule, read_column, read_list

_LOST = int(Fault.ALIGNMENT_LOST)
_LF, _CR, _COMMA, _SPACE = 10, 13, 44, 32


class BareTextLayout(NamedTuple):
    """What is known of a text file without headers."""

    record_length: int
    has_lists: bool
    """Samples stand in comma separated lines or have decimals."""
    rule: SampleRule
    sample_bytes: int
    """A damaged sample is never longer."""


@compiled_scan
def skip_damaged_sample(window: ByteWindow, pos: int, longest: int) -> tuple[int, int]:
    """Return the place behind a damaged sample, and ``WHOLE``, ``MORE`` or ``ALIGNMENT_LOST``."""
    stop = pos
    byte = byte_at(window.data, stop)
    while stop < window.end and byte not in (_LF, _COMMA) and stop - pos <= longest:
        stop += 1
        byte = byte_at(window.data, stop)
    if stop >= window.end:
        return pos, MORE
    length = stop - pos
    if length > 0 and byte_at(window.data, stop - 1) == _CR:
        length -= 1
    if not 0 < length <= longest:
        return pos, _LOST
    stop += 1
    while byte_at(window.data, stop) == _SPACE:
        stop += 1
    return stop, WHOLE


@compiled_scan
def read_bare_event(
    window: ByteWindow, begin: int, layout: BareTextLayout, out: NDArray[np.float32]
) -> tuple[int, int, int]:
    """Return where an event ends, its first fault (or ``WHOLE``, ``MORE``) and at which sample."""
    wanted = layout.record_length
    pos, done, fault, fault_at = begin, 0 * begin, WHOLE, -1
    while done < wanted:
        # A damaged event is read on only to find its end: what goes into ``out`` is not used.
        if layout.has_lists:
            pos, count, outcome = read_list(window, pos, wanted - done, layout.rule, out)
        else:
            top = layout.rule.high_adc
            pos, count, outcome = read_column(window, pos, wanted - done, top, out)
        done += count
        if outcome == WHOLE:
            break
        kind = outcome
        if outcome != MORE:
            pos, outcome = skip_damaged_sample(window, pos, layout.sample_bytes)
        if outcome != WHOLE:
            return pos, outcome, done
        if fault == WHOLE:
            fault, fault_at = kind, done
        done += 1
    return pos, fault, fault_at


@compiled_scan
def scan_bare_text(
    window: ByteWindow,
    layout: BareTextLayout,
    rows: EventRows,
    place: ScanPlace,
    faults: NDArray[np.int64],
) -> ScanPlace:
    """Read whole events into ``rows`` until bytes, rows or fault records run out."""
    pos, row, noted, is_lost, number, _ = place
    while row < len(rows.event_number) and noted < len(faults):
        if is_lost:
            return ScanPlace(window.end, row, noted, is_lost, number, True)
        begin = pos
        pos, outcome, at = read_bare_event(window, begin, layout, rows.samples_adc[row])
        if outcome == MORE:
            return ScanPlace(begin, row, noted, is_lost, number, True)
        if outcome == WHOLE:
            label_row(rows, row, number, NO_TIME_TAG, window.first_byte + begin)
            row += 1
        else:
            byte = window.first_byte + begin
            noted = note_fault(faults, noted, outcome, byte, (at, layout.record_length))
            is_lost = outcome == _LOST
        number += 1
    return ScanPlace(pos, row, noted, is_lost, number, False)
