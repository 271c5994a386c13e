"""What the binary formats with a header have in common: which word of it is which.

The size is the word that stands again where it says the next event begins; the
counter is the word that rises least; the time tag is the other one that changes.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from server_side.settings import DaqSettings
from server_side.wavedump.binary_scan import FAR_AHEAD, NO_WORD, BinaryLayout, scan_binary
from server_side.wavedump.decoder import Decoder
from server_side.wavedump.format_names import RawFormatName
from server_side.wavedump.recognition import FileHead, Mismatch, TooShort
from server_side.wavedump.text_scan import MAX_RECORD_LENGTH

WORD_BYTES = 4
SHORT_HEADER_WORDS = 6
LONG_HEADER_WORDS = 8
"""Newer versions for x742 boards add DC offset and start index cell."""
EVENTS_LOOKED_AT = 8
LARGEST_EVENT = WORD_BYTES * (LONG_HEADER_WORDS + MAX_RECORD_LENGTH)
PLACES_LOOKED_AT = 4
"""So many places of a likely size are tried behind a damaged beginning."""
SHORT_HEADER = range(SHORT_HEADER_WORDS)
STANDARD_COUNTER = 4
STANDARD_TAG = 5


@dataclass(frozen=True)
class HeaderWords:
    """The first headers of a file."""

    begin: int
    """Byte of the first one."""
    event_bytes: int
    size_word: int
    words: NDArray[np.int64]
    """Shape (events, 6)."""

    @property
    def counter_word(self) -> int | None:
        """The word that rises by the smallest steps; the usual one where there is a choice."""
        steps = np.diff(self.words, axis=0)
        rises = np.mean((steps >= 1) & (steps <= FAR_AHEAD), axis=0) if len(steps) else None
        if rises is None:
            return STANDARD_COUNTER
        order = (STANDARD_COUNTER, *SHORT_HEADER)
        rising = [word for word in order if rises[word] >= 0.5]
        return min(rising, key=lambda word: float(np.median(steps[:, word])), default=None)

    @property
    def is_standard(self) -> bool:
        """The words stand in WaveDump's own order."""
        return self.size_word == 0 and self.counter_word == STANDARD_COUNTER

    def usual(self, word: int) -> int:
        """Return the value that a word has most often."""
        values, counts = np.unique(self.words[:, word], return_counts=True)
        return int(values[np.argmax(counts)])


@dataclass(frozen=True)
class SampleKind:
    """How samples are written."""

    header_words: int
    sample_bytes: int


def find_header_words(head: FileHead, daq: DaqSettings) -> HeaderWords | Mismatch | TooShort:
    """Return the first headers of a file, or why there are none."""
    expected = "a word that says the event's size in bytes, again at the next event"
    at_start = [words for word in SHORT_HEADER for words in _try_size(head, 0, word)]
    confirmed = [each for each in at_start if len(each.words) > 1]
    confirmed = confirmed or list(_search_behind_damage(head, at_start, daq))
    if confirmed:
        return max(confirmed, key=lambda each: len(each.words))
    single = next((each for each in at_start if _is_as_settings_say(each, daq)), None)
    if single is not None and single.event_bytes == head.window.end:
        return single
    if single is not None or head.window.end < SHORT_HEADER_WORDS * WORD_BYTES:
        return TooShort()
    return Mismatch(0, expected, head.quote(0))


def _try_size(head: FileHead, begin: int, size_word: int) -> Iterator[HeaderWords]:
    """Yield the headers that stand where this word says."""
    data, end = head.window.data, head.window.end
    header_bytes = SHORT_HEADER_WORDS * WORD_BYTES
    if begin < 0 or begin + header_bytes > end:
        return
    first = data[begin : begin + header_bytes].view("<u4")
    event_bytes = int(first[size_word])
    if not header_bytes < event_bytes <= LARGEST_EVENT:
        return
    places = range(begin, end - header_bytes + 1, event_bytes)[:EVENTS_LOOKED_AT]
    words = np.stack([data[at : at + header_bytes].view("<u4") for at in places])
    alike = words[words[:, size_word] == event_bytes].astype(np.int64)
    yield HeaderWords(begin, event_bytes, size_word, alike)


def _search_behind_damage(
    head: FileHead, at_start: list[HeaderWords], daq: DaqSettings
) -> Iterator[HeaderWords]:
    """Yield headers of a likely size in a file whose first event is damaged."""
    content = head.window.data[: head.window.end].tobytes()
    likely = [(each.event_bytes, each.size_word) for each in at_start]
    for event_bytes, word in (*likely, *((size, 0) for size in _sizes_of_settings(daq))):
        sought = event_bytes.to_bytes(WORD_BYTES, "little")
        at = content.find(sought)
        for _ in range(PLACES_LOOKED_AT):
            found = list(_try_size(head, at - WORD_BYTES * word, word)) if at >= 0 else []
            yield from (each for each in found if len(each.words) > 1)
            at = content.find(sought, at + 1)


def _sizes_of_settings(daq: DaqSettings) -> tuple[int, ...]:
    short, long = WORD_BYTES * SHORT_HEADER_WORDS, WORD_BYTES * LONG_HEADER_WORDS
    length = daq.record_length
    return short + 2 * length, short + 4 * length, long + 4 * length, short + length


def _is_as_settings_say(seen: HeaderWords, daq: DaqSettings) -> bool:
    return seen.size_word == 0 and seen.event_bytes in _sizes_of_settings(daq)


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
