"""Text with nothing but samples: one on each line, or an event's on one, separated by commas.

The record length comes from the settings, and events are numbered from 0. Any table of
numbers could be this: so the first line must be numbers, lines with commas must hold a whole
event each, and the first whole event must be smooth as a waveform is, but no count that only
rises or falls.

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
FEWEST_DIGITS = 3
"""Of a first line with a foreign byte in it that can be a damaged sample."""
_LETTERS = re.compile(rb"[A-Za-z]")
_DIGITS = re.compile(rb"[0-9]")
_FOREIGN = re.compile(rb"[^-+.,\s0-9]")


class AsciiNoHeader:
    """Recognises the format; see ``RawFormat``."""

    name = RawFormatName.ASCII_NO_HEADER

    def recognise(self, head: FileHead, daq: DaqSettings) -> Decoder | Mismatch | TooShort:
        """Return a decoder when ``head`` begins with an undamaged event's samples."""
        expected = f"{daq.record_length} samples as text"
        if _is_heading(_first_line(head)):
            return Mismatch(0, expected, f"a first line of words: {head.quote(0)}")
        layout = _guess_layout(head, daq)
        table = _find_table(head, layout)
        if table is not None:
            return table
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


def _is_heading(line: bytes) -> bool:
    """Tell whether a line names a column; one foreign byte may also be a damaged sample's."""
    digits, foreign = len(_DIGITS.findall(line)), len(_FOREIGN.findall(line))
    return len(_LETTERS.findall(line)) > 1 or (foreign > 0 and digits < FEWEST_DIGITS)


def _find_table(head: FileHead, layout: BareTextLayout) -> Mismatch | None:
    """Return where a line of a table ends too early, or goes on too long, for an event's samples.

    One of the first lines may be damaged, and the end of one too.
    """
    wanted = layout.record_length
    stop = min(head.window.end, MAX_TOKEN_BYTES * (wanted + 1) * EVENTS_LOOKED_AT)
    *lines, rest = head.window.data[:stop].tobytes().split(b"\n")
    lines = [*lines, rest][:EVENTS_LOOKED_AT] if _count(rest) > wanted else lines[:EVENTS_LOOKED_AT]
    wrong = [index for index, line in enumerate(lines) if _count(line) not in (1, wanted)]
    if not layout.has_lists or 2 * len(wrong) <= len(lines):
        return None
    if len(lines) == 1 and _count(lines[0]) <= 2 * wanted:
        return None
    line = lines[wrong[0]]
    place = sum(len(line) + 1 for line in lines[: wrong[0]])
    place += len(b",".join(line.split(b",")[:wanted]))
    found = (
        "more in a line" if _count(line) > wanted else f"a line of {_count(line)}, as in a table"
    )
    return Mismatch(place, f"{wanted} samples, one on each line or all of an event on one", found)


def _count(line: bytes) -> int:
    """Return how many numbers stand between commas."""
    return sum(1 for part in line.split(b",") if part.strip())


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
