"""What the binary formats with a header have in common: from headers seen to a decoder."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from server_side.settings import DaqSettings
from server_side.wavedump.binary_scan import NO_WORD, BinaryLayout, scan_binary
from server_side.wavedump.decoder import Decoder
from server_side.wavedump.format_names import RawFormatName
from server_side.wavedump.formats.header_words import (
    LONG_HEADER_WORDS,
    SHORT_HEADER,
    SHORT_HEADER_WORDS,
    WORD_BYTES,
    HeaderWords,
)
from server_side.wavedump.recognition import FileHead, Mismatch

STANDARD_TAG = 5


@dataclass(frozen=True)
class SampleKind:
    """How samples are written."""

    header_words: int
    sample_bytes: int


def guess_samples(head: FileHead, seen: HeaderWords, daq: DaqSettings) -> SampleKind:
    """Tell by the first event's content, and by settings where that is not enough."""
    begin = seen.begin + WORD_BYTES * SHORT_HEADER_WORDS
    stop = min(seen.begin + seen.event_bytes, head.window.end)
    content = head.window.data[begin : stop - (stop - begin) % WORD_BYTES]
    payload_bytes = seen.event_bytes - WORD_BYTES * SHORT_HEADER_WORDS
    if daq.adc_bits > 14 and payload_bytes == 2 * daq.record_length:
        return SampleKind(SHORT_HEADER_WORDS, 2)
    if daq.adc_bits <= 8 and payload_bytes == daq.record_length:
        return SampleKind(SHORT_HEADER_WORDS, 1)
    if payload_bytes % WORD_BYTES == 0 and len(content) > 2 * WORD_BYTES:
        floats = content.view("<f4")
        extra = content[: 2 * WORD_BYTES].view("<u4")
        if np.all(extra < 1 << 16) and _look_like_samples(floats[2:], daq):
            return SampleKind(LONG_HEADER_WORDS, 4)
        if _look_like_samples(floats, daq):
            return SampleKind(SHORT_HEADER_WORDS, 4)
    return SampleKind(SHORT_HEADER_WORDS, 2)


def _look_like_samples(values: NDArray[np.float32], daq: DaqSettings) -> bool:
    """Tell whether numbers can be samples: two 14-bit samples read as a float lie below 2."""
    sizes = np.abs(values[np.isfinite(values)])
    if 10 * len(sizes) < 9 * len(values) or not len(sizes):
        return False
    return bool(1.0 <= np.median(sizes) <= 2 << daq.adc_bits)


def make_binary_decoder(
    name: RawFormatName, head: FileHead, seen: HeaderWords, daq: DaqSettings
) -> Decoder | Mismatch:
    """Return the decoder of a file whose first headers are known."""
    kind = guess_samples(head, seen, daq)
    header_bytes = WORD_BYTES * kind.header_words
    length, rest = divmod(seen.event_bytes - header_bytes, kind.sample_bytes)
    counter = seen.counter_word
    if rest or length < 1 or counter is None:
        expected = f"events of whole {kind.sample_bytes}-byte samples and a counter that rises"
        return Mismatch(seen.begin, expected, f"events of {seen.event_bytes} bytes")
    tag, board, pattern, channel = assign_words(seen, counter, head.named_channel)
    layout = BinaryLayout(
        record_length=length,
        sample_bytes=kind.sample_bytes,
        header_bytes=header_bytes,
        event_bytes=seen.event_bytes,
        size_word=seen.size_word,
        board_word=board,
        pattern_word=pattern,
        channel_word=channel,
        number_word=counter,
        tag_word=tag,
        board=seen.usual(board),
        pattern=seen.usual(pattern),
        channel=seen.usual(channel),
        top_adc=(1 << daq.adc_bits) - 1,
    )
    return Decoder(
        name=name,
        scan=scan_binary,
        layout=layout,
        record_length=length,
        channel=layout.channel,
        event_bytes=float(seen.event_bytes),
        max_event_bytes=2 * (seen.event_bytes + header_bytes),
        blanks=b"",
    )


def assign_words(
    seen: HeaderWords, counter: int, named_channel: int | None
) -> tuple[int, int, int, int]:
    """Return which words are time tag, board, pattern and channel.

    The time tag changes, the others do not. In another order than WaveDump's own the
    channel is the word that the file's name states, else the last that does not change.
    """
    if seen.is_standard:
        return STANDARD_TAG, 1, 2, 3
    others = [word for word in SHORT_HEADER if word not in (seen.size_word, counter)]
    changing = [word for word in others if len(np.unique(seen.words[:, word])) > 1]
    tag = max(changing, key=lambda word: len(np.unique(seen.words[:, word])), default=NO_WORD)
    constant = [word for word in others if word != tag]
    named = [word for word in constant if seen.usual(word) == named_channel]
    channel = named[-1] if named else constant[-1]
    board, pattern = [word for word in constant if word != channel][:2]
    return tag, board, pattern, channel
