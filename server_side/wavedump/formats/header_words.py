"""Where a binary file's headers stand, and which word of them is which.

The size is the word that stands again where it says the next event begins; the
counter is the word that rises least. WaveDump's own order is preferred wherever
it makes sense, so that damage at a file's beginning does not make it another one.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from server_side.settings import DaqSettings
from server_side.wavedump.binary_scan import FAR_AHEAD
from server_side.wavedump.recognition import FileHead, Mismatch, TooShort
from server_side.wavedump.text_scan import MAX_RECORD_LENGTH

WORD_BYTES = 4
SHORT_HEADER_WORDS = 6
LONG_HEADER_WORDS = 8
"""Newer versions for x742 boards add DC offset and start index cell."""
HEADER_BYTES = WORD_BYTES * SHORT_HEADER_WORDS
LARGEST_EVENT = WORD_BYTES * (LONG_HEADER_WORDS + MAX_RECORD_LENGTH)
EVENTS_LOOKED_AT = 8
PLACES_LOOKED_AT = 64
"""So many places of a likely size are tried behind a damaged beginning."""
SEARCHED_BYTES = 1 << 16
LEAST_FOUND = 3
"""Two equal words as far apart as they say stand by chance in many a file that is none of ours."""
LIKELY_SAMPLES = 0.9
"""So large a part of what follows a header can be samples; a little may be damaged."""
JUDGED_BYTES = 256
"""In fewer the two words that x742 boards have more weigh too much."""
SHORT_HEADER = range(SHORT_HEADER_WORDS)
STANDARD_COUNTER = 4
STANDARD_FIXED = (1, 2, 3)
STANDARD_CHANNEL = 3
MAX_CHANNELS = 64
"""Of the digitiser with the most, the V1740."""


@dataclass(frozen=True)
class HeaderWords:
    """The first headers of a file."""

    begin: int
    """Byte of the first one."""
    event_bytes: int
    size_word: int
    places: int
    """Headers should stand at so many places."""
    words: NDArray[np.int64]
    """Those that stand there, shape (events, 6)."""

    @property
    def is_confirmed(self) -> bool:
        """Headers stand at most of the places."""
        return len(self.words) > 1 and 2 * len(self.words) >= self.places

    @property
    def counter_word(self) -> int | None:
        """The word that rises by the smallest steps; the usual one where there is a choice."""
        steps = np.diff(self.words, axis=0)
        if len(steps) == 0:
            return STANDARD_COUNTER
        rises = (steps >= 1) & (steps <= FAR_AHEAD)
        smallest = np.where(rises, steps, FAR_AHEAD).min(axis=0)
        order = (STANDARD_COUNTER, *SHORT_HEADER)
        rising = [word for word in order if rises[:, word].mean() >= 0.5]
        return min(rising, key=lambda word: int(smallest[word]), default=None)

    @property
    def is_standard(self) -> bool:
        """The words stand in WaveDump's own order."""
        return self.size_word == 0 and self.counter_word == STANDARD_COUNTER

    @property
    def is_surely_standard(self) -> bool:
        """Board, pattern and channel hardly change, where WaveDump puts them."""
        fixed = [np.mean(self.words[:, word] == self.usual(word)) for word in STANDARD_FIXED]
        is_channel = self.usual(STANDARD_CHANNEL) < MAX_CHANNELS
        return self.is_confirmed and self.is_standard and is_channel and float(min(fixed)) > 0.5

    @property
    def is_undecided(self) -> bool:
        """Few headers of WaveDump's size, in which another word rises less than its counter.

        Some of the first numbers may be damaged, or the words stand in another order: the next
        headers tell.
        """
        return self.size_word == 0 and not self.is_standard and self.places < EVENTS_LOOKED_AT

    def usual(self, word: int) -> int:
        """Return the value that a word has most often."""
        values, counts = np.unique(self.words[:, word], return_counts=True)
        return int(values[np.argmax(counts)])


def find_header_words(head: FileHead, daq: DaqSettings) -> HeaderWords | Mismatch | TooShort:
    """Return the first headers of a file, or why there are none."""
    at_start = [words for word in SHORT_HEADER for words in _try_size(head, 0, word)]
    if at_start and at_start[0].is_surely_standard:
        return at_start[0]
    standard = next(_search_standard(head, daq), None)
    if standard is not None:
        return standard
    confirmed = [each for each in at_start if each.is_confirmed]
    confirmed = confirmed or list(_search_likely(head, at_start, daq))
    if confirmed:
        found = _align(head, min(confirmed, key=lambda each: each.event_bytes))
        is_expected = found.event_bytes in sizes_of_settings(daq)
        by_chance = not is_expected and len(found.words) < LEAST_FOUND
        return TooShort() if by_chance or found.is_undecided else found
    return _find_single(head, at_start, daq)


def begins_like_header(head: FileHead, daq: DaqSettings) -> bool:
    """Tell whether one of the first words is a size that the settings lead to expect.

    Neighbouring samples of a waveform never make such a word: one of the two would be 0.
    """
    if head.window.end < HEADER_BYTES:
        return False
    words = head.window.data[:HEADER_BYTES].view("<u4")
    return bool(np.isin(words, sizes_of_settings(daq)).any())


def _find_single(
    head: FileHead, at_start: list[HeaderWords], daq: DaqSettings
) -> HeaderWords | Mismatch | TooShort:
    """Return the header of a file that holds one event so far, of the size that settings say."""
    end = head.window.end
    for each in at_start:
        is_expected = each.size_word == 0 and each.event_bytes in sizes_of_settings(daq)
        if is_expected and 0 <= end - each.event_bytes < HEADER_BYTES:
            return each
    begun = (each for each in at_start if each.event_bytes + HEADER_BYTES > end)
    if end < HEADER_BYTES or any(_may_have_begun(head, each, daq) for each in begun):
        return TooShort()
    expected = "a word that says the event's size in bytes, again at the next event"
    return Mismatch(0, expected, head.quote(0))


def _may_have_begun(head: FileHead, begun: HeaderWords, daq: DaqSettings) -> bool:
    """Tell whether what is there of an event that is not whole can be samples.

    Small words stand at the beginning of many files: programs, pictures, archives.
    """
    stop = min(head.window.end, begun.event_bytes)
    content = head.window.data[HEADER_BYTES : stop - stop % WORD_BYTES]
    if len(content) < JUDGED_BYTES or daq.adc_bits <= 8:
        return True
    sizes = np.abs(content.view("<f4"))
    are_floats = (sizes >= 2.0**-10) & (sizes <= 2 << daq.adc_bits)
    are_counts = content.view("<u2") < 1 << daq.adc_bits
    return bool(max(are_counts.mean(), are_floats.mean()) >= LIKELY_SAMPLES)


def _try_size(head: FileHead, begin: int, size_word: int) -> Iterator[HeaderWords]:
    """Yield the headers that stand where this word says."""
    data, end = head.window.data, head.window.end
    if begin < 0 or begin + HEADER_BYTES > end:
        return
    first = data[begin : begin + HEADER_BYTES].view("<u4")
    event_bytes = int(first[size_word])
    if not HEADER_BYTES < event_bytes <= LARGEST_EVENT or _is_two_samples(event_bytes):
        return
    places = range(begin, end - HEADER_BYTES + 1, event_bytes)[:EVENTS_LOOKED_AT]
    words = np.stack([data[at : at + HEADER_BYTES].view("<u4") for at in places])
    alike = words[words[:, size_word] == event_bytes].astype(np.int64)
    yield HeaderWords(begin, event_bytes, size_word, len(places), alike)


def _is_two_samples(word: int) -> bool:
    """Tell whether a word is two samples near 0, any two of which could be a size otherwise.

    No event of 2^n samples has such a size.
    """
    high, low = divmod(word, 1 << 16)
    return high > 0 and low <= LARGEST_EVENT >> 16


def _search_standard(head: FileHead, daq: DaqSettings) -> Iterator[HeaderWords]:
    """Yield headers in WaveDump's order wherever they begin, whatever stands before them."""
    data = head.window.data[: head.window.end]
    if len(data) < 2 * HEADER_BYTES:
        return
    last = len(data) - WORD_BYTES
    begins = np.arange(min(last + 1, SEARCHED_BYTES))
    sizes = _words_at(data, begins)
    is_likely = (sizes > HEADER_BYTES) & (begins + sizes <= last)
    begins, sizes = begins[is_likely], sizes[is_likely]
    for begin in begins[_words_at(data, begins + sizes) == sizes][:PLACES_LOOKED_AT]:
        for found in _try_size(head, int(begin), 0):
            is_expected = found.event_bytes in sizes_of_settings(daq)
            if found.is_surely_standard and (is_expected or len(found.words) >= LEAST_FOUND):
                yield found


def _align(head: FileHead, found: HeaderWords) -> HeaderWords:
    """Return the same headers with the right word as their first.

    Where bytes are missing at a file's beginning, the size is found, but which of the six
    words it is would be wrong, and headers would be read as samples. All words of a header
    keep their value or rise; samples go up and down.
    """
    if len(found.words) <= LEAST_FOUND:
        return found
    size_at = found.begin + WORD_BYTES * found.size_word
    if size_at < WORD_BYTES * SHORT_HEADER[-1]:
        size_at += found.event_bytes
    begins = ((size_at - WORD_BYTES * word, word) for word in SHORT_HEADER)
    shifted = [each for begin, word in begins for each in _try_size(head, begin, word)]
    return max((found, *shifted), key=lambda each: _steadiness(head, each))


def _steadiness(head: FileHead, seen: HeaderWords) -> float:
    """Return the sum of how often each word keeps its value or rises, 6 for headers alone."""
    last = head.window.end - HEADER_BYTES
    begins = np.arange(seen.begin, last + 1, seen.event_bytes)[:PLACES_LOOKED_AT]
    places = begins[:, np.newaxis] + WORD_BYTES * np.arange(SHORT_HEADER_WORDS)
    words = _words_at(head.window.data, places)
    steps = np.diff(words[words[:, seen.size_word] == seen.event_bytes], axis=0)
    if len(steps) < LEAST_FOUND:
        return 0.0
    shares = np.maximum((steps == 0).mean(axis=0), (steps > 0).mean(axis=0))
    return float(np.sum(shares))


def _words_at(data: NDArray[np.uint8], places: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the words that stand at these places: those of all places would take 8 bytes each."""
    words = np.zeros(places.shape, np.int64)
    for index in range(WORD_BYTES):
        words |= data[places + index].astype(np.int64) << 8 * index
    return words


def _search_likely(
    head: FileHead, at_start: list[HeaderWords], daq: DaqSettings
) -> Iterator[HeaderWords]:
    """Yield headers behind a damaged beginning.

    They are of a size that the first one states, or, wherever their bytes begin, of one
    that the settings lead to expect.
    """
    stated = ((each.event_bytes, (each.size_word,)) for each in at_start)
    expected = ((size, tuple(SHORT_HEADER)) for size in sizes_of_settings(daq))
    content = head.window.data[: head.window.end].tobytes()
    for event_bytes, size_words in (*stated, *expected):
        for at in _places_of(event_bytes.to_bytes(WORD_BYTES, "little"), content):
            for word in size_words:
                found = _try_size(head, at - WORD_BYTES * word, word)
                yield from (each for each in found if each.is_confirmed)


def _places_of(sought: bytes, content: bytes) -> Iterator[int]:
    """Yield the first places where some bytes stand."""
    at = -1
    for _ in range(PLACES_LOOKED_AT):
        at = content.find(sought, at + 1)
        if at < 0:
            return
        yield at


def sizes_of_settings(daq: DaqSettings) -> tuple[int, ...]:
    """Return the sizes that an event of the settings' record length can have."""
    long = WORD_BYTES * LONG_HEADER_WORDS
    length = daq.record_length
    return (
        HEADER_BYTES + 2 * length,
        HEADER_BYTES + 4 * length,
        long + 4 * length,
        (HEADER_BYTES + length),
    )
