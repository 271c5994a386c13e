"""Text with nothing but samples, one on each line or separated by commas.

The record length comes from the settings, and events are numbered from 0.

::

    15003
    15001
    ...
"""

import numpy as np

from server_side.settings import DaqSettings
from server_side.wavedump.bare_text_scan import BareTextLayout, read_bare_event, scan_bare_text
from server_side.wavedump.decoder import Decoder
from server_side.wavedump.fault import Fault, describe_fault
from server_side.wavedump.format_names import RawFormatName
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


class AsciiNoHeader:
    """Recognises the format; see ``RawFormat``."""

    name = RawFormatName.ASCII_NO_HEADER

    def recognise(self, head: FileHead, daq: DaqSettings) -> Decoder | Mismatch | TooShort:
        """Return a decoder when ``head`` begins with an undamaged event's samples."""
        expected = f"{daq.record_length} samples as text"
        layout = _guess_layout(head, daq)
        outcome, event_bytes = _find_whole_event(head.window, layout)
        if outcome == MORE:
            return TooShort()
        if outcome != WHOLE:
            return _name_mismatch(head, layout, expected)
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


def _find_whole_event(window: ByteWindow, layout: BareTextLayout) -> tuple[int, int]:
    """Return ``WHOLE`` and its size when one of the first events is undamaged, else an outcome."""
    samples = np.empty(layout.record_length, np.float32)
    begin, stop, outcome = window.begin, window.begin, MORE
    for _ in range(EVENTS_LOOKED_AT):
        begin = stop
        stop, outcome, _at = read_bare_event(window, begin, layout, samples)
        if outcome in (WHOLE, MORE, Fault.ALIGNMENT_LOST):
            break
    return outcome, stop - begin


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


def _guess_layout(head: FileHead, daq: DaqSettings) -> BareTextLayout:
    """Tell by the first line whether samples stand in lists."""
    first = head.window.data[: min(head.window.end, LINE_LOOKED_AT)].tobytes()
    line = first.split(b"\n")[0]
    has_decimals = b"." in line
    rule = corrected_samples(daq.adc_bits) if has_decimals else plain_samples(daq.adc_bits)
    return BareTextLayout(
        record_length=daq.record_length,
        has_lists=has_decimals or b"," in line,
        rule=rule,
        sample_bytes=MAX_TOKEN_BYTES if has_decimals else len(str(rule.high_adc)),
    )
