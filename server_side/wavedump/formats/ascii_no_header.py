"""Text with nothing but samples, one on each line or separated by commas.

The record length comes from the settings, and events are numbered from 0. Any table of
numbers could be this: so the first line must be numbers, and the first whole event smooth
as a waveform is, but no count that only rises or falls.

::

    15003
    15001
    ...
"""

import re

import numpy as np
from numpy.typing import NDArray

from server_side.settings import DaqSettings
from server_side.wavedump.bare_text_scan import BareTextLayout, read_bare_event, scan_bare_text
from server_side.wavedump.decoder import Decoder
from server_side.wavedump.fault import Fault, describe_fault
from server_side.wavedump.format_names import RawFormatName
from server_side.wavedump.formats.binary_no_header import is_smooth
from server_side.wavedump.formats.text_events import BLANKS
from server_side.wavedump.recognition import FileHead, Mismatch, TooShort
from server_side.wavedump.scanning import MORE, WHOLE, ByteWindow
from server_side.wavedump.text_samples import (
    MAX_TOKEN_BYTES,
    corrected_samples,
    plain_samples,
    read_column,
    read_list,
)

LINE_LOOKED_AT = 64
EVENTS_LOOKED_AT = 3
SHORTEST_COUNT = 8
"""Noise alone rises or falls over so many samples once in 20,000 events."""
_LETTERS = re.compile(rb"[A-Za-z]")
"""One may be a damaged sample."""


class AsciiNoHeader:
    """Recognises the format; see ``RawFormat``."""

    name = RawFormatName.ASCII_NO_HEADER

    def recognise(self, head: FileHead, daq: DaqSettings) -> Decoder | Mismatch | TooShort:
        """Return a decoder when ``head`` begins with an undamaged event's samples."""
        expected = f"{daq.record_length} samples as text"
        if len(_LETTERS.findall(_first_line(head))) > 1:
            return Mismatch(0, expected, f"a first line of words: {head.quote(0)}")
        layout = _guess_layout(head, daq)
        samples = np.empty(layout.record_length, np.float32)
        outcome, event_bytes = _find_whole_event(head.window, layout, samples)
        if outcome == MORE:
            return TooShort()
        if outcome != WHOLE:
            return _name_mismatch(head, layout, expected)
        if not _is_waveform(samples, daq):
            return Mismatch(0, expected, f"numbers that are no waveform: {head.quote(0)}")
        return Decoder(
            name=self.name,
            scan=scan_bare_text,
            layout=layout,
            record_length=daq.record_length,
            channel=None,
            event_bytes=float(event_bytes),
            max_event_bytes=MAX_TOKEN_BYTES * (daq.record_length + 1),
            blanks=BLANKS,
        )


def _find_whole_event(
    window: ByteWindow, layout: BareTextLayout, samples: NDArray[np.float32]
) -> tuple[int, int]:
    """Return ``WHOLE`` and its size when one of the first events is undamaged, else an outcome.

    Its samples are then in ``samples``.
    """
    begin, stop, outcome = window.begin, window.begin, MORE
    for _ in range(EVENTS_LOOKED_AT):
        begin = stop
        stop, outcome, _at = read_bare_event(window, begin, layout, samples)
        if outcome in (WHOLE, MORE, Fault.ALIGNMENT_LOST):
            break
    return outcome, stop - begin


def _is_waveform(samples: NDArray[np.float32], daq: DaqSettings) -> bool:
    """Tell whether an event can be one: no jumps all over, and no count of rows."""
    steps = np.diff(samples)
    is_count = len(samples) >= SHORTEST_COUNT and bool((steps > 0).all() or (steps < 0).all())
    return not is_count and is_smooth(steps, daq)


def _name_mismatch(head: FileHead, layout: BareTextLayout, expected: str) -> Mismatch:
    """Return where the first event's samples end."""
    samples = np.empty(layout.record_length, np.float32)
    begin, length = head.window.begin, layout.record_length
    if layout.has_lists:
        stop, count, outcome = read_list(head.window, begin, length, layout.rule, samples)
    else:
        top = layout.rule.high_adc
        stop, count, outcome = read_column(head.window, begin, length, top, samples)
    fault = describe_fault(Fault(outcome), count, layout.record_length)
    return Mismatch(stop, expected, f"{head.quote(stop)} ({fault})")


def _first_line(head: FileHead) -> bytes:
    first = head.window.data[: min(head.window.end, LINE_LOOKED_AT)].tobytes()
    return first.split(b"\n")[0]


def _guess_layout(head: FileHead, daq: DaqSettings) -> BareTextLayout:
    """Tell by the first line whether samples stand in lists."""
    line = _first_line(head)
    has_decimals = b"." in line
    rule = corrected_samples(daq.adc_bits) if has_decimals else plain_samples(daq.adc_bits)
    return BareTextLayout(
        record_length=daq.record_length,
        has_lists=has_decimals or b"," in line,
        rule=rule,
        sample_bytes=MAX_TOKEN_BYTES if has_decimals else len(str(rule.high_adc)),
    )
