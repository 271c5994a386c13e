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
EVENTS_ASKED = 5
"""So many events at the beginning of a file say how its samples are written."""


@dataclass(frozen=True)
class SampleKind:
    """How samples are written."""

    header_words: int
    sample_bytes: int


def guess_samples(head: FileHead, seen: HeaderWords, daq: DaqSettings) -> SampleKind:
    """Tell by the content of the first events, and by settings where that is not enough."""
    payload_bytes = seen.event_bytes - WORD_BYTES * SHORT_HEADER_WORDS
    if daq.adc_bits > 14 and payload_bytes == 2 * daq.record_length:
        return SampleKind(SHORT_HEADER_WORDS, 2)
    if daq.adc_bits <= 8 and payload_bytes == daq.record_length:
        return SampleKind(SHORT_HEADER_WORDS, 1)
    contents = _first_contents(head, seen)
    if payload_bytes % WORD_BYTES == 0 and len(contents[0]) > 2 * WORD_BYTES:
        long = [_has_long_header(content, daq) for content in contents]
        if 2 * sum(long) > len(long):
            return SampleKind(LONG_HEADER_WORDS, 4)
        short = [_look_like_samples(content.view("<f4"), daq) for content in contents]
        if 2 * sum(short) > len(short):
            return SampleKind(SHORT_HEADER_WORDS, 4)
    return SampleKind(SHORT_HEADER_WORDS, 2)


def _first_contents(head: FileHead, seen: HeaderWords) -> list[NDArray[np.uint8]]:
    """Return what follows the short header in the first events, whole ones but for the first.

    Several, because damage in one alone must not decide how all others are read.
    """
    contents = []
    for number in range(EVENTS_ASKED):
        event = seen.begin + number * seen.event_bytes
        begin = event + WORD_BYTES * SHORT_HEADER_WORDS
        stop = min(event + seen.event_bytes, head.window.end)
        if number and stop < event + seen.event_bytes:
            break
        contents.append(head.window.data[begin : stop - (stop - begin) % WORD_BYTES])
    return contents


def _has_long_header(content: NDArray[np.uint8], daq: DaqSettings) -> bool:
    extra, floats = content[: 2 * WORD_BYTES].view("<u4"), content.view("<f4")
    return bool(np.all(extra < 1 << 16)) and _look_like_samples(floats[2:], daq)


def _look_like_samples(values: NDArray[np.float32], daq: DaqSettings) -> bool:
    """Tell whether numbers can be samples: two 14-bit samples read as a float lie below 2.0."""
    sizes = np.abs(values[np.isfinite(values)])
    if 10 * len(sizes) < 9 * len(values) or not len(sizes):
        return False
    return bool(2.0 <= np.median(sizes) <= 2 << daq.adc_bits)


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
