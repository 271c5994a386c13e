"""Binary with nothing but 16-bit samples.

The record length comes from the settings, and events are numbered from 0. Nearly any
file could be this: so the first event must lie within the ADC's range, be smooth, and not
be numbers as text.
"""

import numpy as np
from numpy.typing import NDArray

from server_side.settings import DaqSettings
from server_side.wavedump.binary_scan import NO_WORD, BinaryLayout, scan_bare_binary
from server_side.wavedump.decoder import Decoder
from server_side.wavedump.format_names import RawFormatName
from server_side.wavedump.formats.header_words import (
    HeaderWords,
    begins_like_header,
    find_header_words,
)
from server_side.wavedump.recognition import PRINTABLE, FileHead, Mismatch, TooShort

SMOOTH_PART = 32
"""Neighbouring samples usually differ by less than the ADC's range over this."""

TEXT_SAMPLE_BYTES = np.frombuffer(b"0123456789+-., \t\r\n", np.uint8)
"""An event of nothing else is damaged text: noise alone moves samples over more values."""


class BinaryNoHeader:
    """Recognises the format; see ``RawFormat``."""

    name = RawFormatName.BINARY_NO_HEADER

    def recognise(self, head: FileHead, daq: DaqSettings) -> Decoder | Mismatch | TooShort:
        """Return a decoder when ``head`` begins with what can be an event's samples."""
        event_bytes = 2 * daq.record_length
        content = head.window.data[: min(head.window.end, event_bytes)]
        expected = f"{daq.record_length} samples of {daq.adc_bits} bits"
        seen = find_header_words(head, daq)
        if isinstance(seen, HeaderWords) and len(seen.words) > 1:
            return Mismatch(seen.begin, expected, f"a header: {head.quote(seen.begin)}")
        if begins_like_header(head, daq):
            return Mismatch(0, expected, f"a header, and none behind it: {head.quote(0)}")
        if len(content) < event_bytes:
            return TooShort()
        samples = content.view("<u2").astype(np.int64)
        if bool(np.isin(content, TEXT_SAMPLE_BYTES).all()) or _is_wide_text(content):
            return Mismatch(0, expected, f"text: {head.quote(0)}")
        fault = _find_impossible(samples, daq)
        if fault is not None:
            return Mismatch(2 * fault, expected, head.quote(2 * fault))
        return Decoder(
            name=self.name,
            scan=scan_bare_binary,
            layout=_make_layout(daq),
            record_length=daq.record_length,
            channel=None,
            event_bytes=float(event_bytes),
            max_event_bytes=2 * event_bytes,
            blanks=b"",
        )


def _is_wide_text(content: NDArray[np.uint8]) -> bool:
    """Tell whether there are lines of letters with a NUL behind each, as in UTF-16.

    Samples near 0 can be letters, but hardly a line end among nothing but letters.
    """
    letters = content[::2].tobytes()
    return not content[1::2].any() and b"\n" in letters and not letters.translate(None, PRINTABLE)


def _find_impossible(samples: NDArray[np.int64], daq: DaqSettings) -> int | None:
    """Return the first sample that no waveform of this ADC has, if there is one."""
    too_high = np.flatnonzero(samples >= 1 << daq.adc_bits)
    if len(too_high):
        return int(too_high[0])
    return None if is_smooth(np.diff(samples), daq) and samples.any() else 0


def is_smooth(steps: NDArray[np.int64] | NDArray[np.float32], daq: DaqSettings) -> bool:
    """Tell whether the steps between neighbouring samples can be those of a waveform."""
    if not len(steps):
        return True
    return bool(np.median(np.abs(steps)) <= (1 << daq.adc_bits) / SMOOTH_PART)


def _make_layout(daq: DaqSettings) -> BinaryLayout:
    return BinaryLayout(
        record_length=daq.record_length,
        sample_bytes=2,
        header_bytes=0,
        event_bytes=2 * daq.record_length,
        size_word=NO_WORD,
        board_word=NO_WORD,
        pattern_word=NO_WORD,
        channel_word=NO_WORD,
        number_word=NO_WORD,
        tag_word=NO_WORD,
        board=0,
        pattern=0,
        channel=0,
        top_adc=(1 << daq.adc_bits) - 1,
    )
