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
from server_side.wavedump.scanning import MORE, WHOLE
from server_side.wavedump.text_samples import MAX_TOKEN_BYTES

LINE_LOOKED_AT = 64


class AsciiNoHeader:
    """Recognises the format; see ``RawFormat``."""

    name = RawFormatName.ASCII_NO_HEADER

    def recognise(self, head: FileHead, daq: DaqSettings) -> Decoder | Mismatch | TooShort:
        """Return a decoder when ``head`` begins with an undamaged event's samples."""
        layout = _guess_layout(head, daq)
        samples = np.empty(daq.record_length, np.float32)
        stop, outcome, at = read_bare_event(head.window, head.window.begin, layout, samples)
        if outcome == MORE:
            return TooShort()
        if outcome != WHOLE:
            fault = describe_fault(Fault(outcome), at, daq.record_length)
            expected = f"{daq.record_length} samples as text"
            return Mismatch(stop, expected, f"{head.quote(stop)} ({fault})")
        return Decoder(
            name=self.name,
            scan=scan_bare_text,
            layout=layout,
            record_length=daq.record_length,
            channel=None,
            event_bytes=float(stop - head.window.begin),
            max_event_bytes=MAX_TOKEN_BYTES * (daq.record_length + 1),
            blanks=BLANKS,
        )


def _guess_layout(head: FileHead, daq: DaqSettings) -> BareTextLayout:
    """Tell by the first line whether samples stand in lists."""
    first = head.window.data[: min(head.window.end, LINE_LOOKED_AT)].tobytes()
    line = first.split(b"\n")[0]
    top = (1 << daq.adc_bits) - 1
    has_decimals = b"." in line
    return BareTextLayout(
        record_length=daq.record_length,
        has_lists=has_decimals or b"," in line,
        top_adc=top,
        sample_bytes=MAX_TOKEN_BYTES if has_decimals else len(str(top)),
    )
