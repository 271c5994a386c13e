"""What must hold of the readers for any bytes: shared by the fuzzer and its regression test.

A file of the fuzzer is two bytes that say where the file was cut while it grew, then its content.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from server_side.errors import RawDataError
from server_side.settings import DaqSettings
from server_side.wavedump import EventBlock, FileSummary, RawFormatName, generation_of, open_reader
from server_side.wavedump.sequence import NEIGHBOURS_BORNE
from tests.fuzz import slow_reader

DAQ = DaqSettings(record_length=8)
"""Short events: plain Python reads few bytes a second, and headers hold the branches."""
TEXT_WITH_HEADER = (RawFormatName.ASCII, RawFormatName.ASCII_COMMA, RawFormatName.X742_ASCII)
WINDOWS = ((3, 1), (2, 64), (4096, 1 << 20))
"""Events in a block and bytes in a window: neither may change what is read."""


@dataclass(frozen=True)
class Reading:
    """What a reader gave of a file, or that it refused it."""

    events: tuple[tuple[int, int, bytes], ...]
    """Number, time tag and samples."""
    summary: FileSummary


def check_content(data: bytes, path: Path) -> None:
    """Hold the readers to all that is documented; an assertion that fails is a find."""
    if len(data) < 2:
        return
    content = data[2:]
    cut = int.from_bytes(data[:2], "little") % (len(content) + 1)
    check_generation(content, cut, path)
    whole = [read_whole(content, path, *window) for window in WINDOWS]
    assert all(reading == whole[0] for reading in whole), "windows and blocks change nothing"
    if whole[0] is not None:
        check_reading(content, whole[0])
    grown = _read_growing(content, cut, path)
    if grown is not None:
        check_reading(content, grown)
    if whole[0] is not None and whole[0].events and not whole[0].summary.damage:
        assert grown == whole[0], "an undamaged file that grows gives the same"


def check_generation(content: bytes, cut: int, path: Path) -> None:
    """See to it that a file keeps its generation while it grows, also one that is refused."""
    known: set[str] = set()
    for size in sorted({cut, (cut + len(content)) // 2, len(content) - 1, len(content)}):
        path.write_bytes(content[: max(size, 0)])
        generation = generation_of(path)
        assert generation is not None or not known, "a generation that was known stays known"
        known |= {generation} - {None}
    assert len(known) <= 1, "a file that grows keeps its generation"


def read_whole(
    content: bytes, path: Path, block_events: int = 4096, window_bytes: int = 1 << 20
) -> Reading | None:
    """Read a file that is there whole; None when it is refused."""
    path.write_bytes(content)
    reader = open_reader(path, DAQ, block_events=block_events, window_bytes=window_bytes)
    try:
        blocks = list(reader.all_blocks())
    except RawDataError:
        return None
    return Reading(_events_of(blocks), reader.summary())


def _read_growing(content: bytes, cut: int, path: Path) -> Reading | None:
    """Read a file that grows once."""
    path.write_bytes(content[:cut])
    reader = open_reader(path, DAQ, block_events=3, window_bytes=1)
    blocks: list[EventBlock] = []
    try:
        blocks += reader.blocks()
        with path.open("ab") as file:
            file.write(content[cut:])
        blocks += reader.all_blocks()
    except RawDataError:
        return None
    return Reading(_events_of(blocks), reader.summary())


def _events_of(blocks: list[EventBlock]) -> tuple[tuple[int, int, bytes], ...]:
    return tuple(
        (number, tag, samples.tobytes())
        for block in blocks
        for number, tag, samples in zip(
            block.event_number.tolist(), block.time_tag.tolist(), block.samples_adc, strict=True
        )
    )


def check_reading(content: bytes, reading: Reading) -> None:
    """Compare what was read with what a person finds in the bytes."""
    seen, numbers = reading.summary, [number for number, _, _ in reading.events]
    assert seen.events == len(numbers), "events are counted as they are given"
    assert seen.torn_events in (0, 1)
    assert seen.bytes_read == len(content), "a file is read to its end"
    assert seen.skipped_events + seen.doubled_events <= len(content), "no more is left out than is"
    assert bool(seen.damage) == bool(seen.skipped_events + seen.doubled_events), "damage is named"
    for number, tag, samples in reading.events:
        values = np.frombuffer(samples, np.float32)
        assert len(values) == seen.record_length
        is_there = _is_supported(content, seen, number, tag, values)
        assert is_there, f"event {number} stands in the file as it was given"
    _check_nothing_is_lost(content, reading)


def _is_supported(
    content: bytes, seen: FileSummary, number: int, tag: int, samples: NDArray[np.float32]
) -> bool:
    """Tell whether the bytes of the file say this event, number, time tag and samples."""
    name = RawFormatName(seen.raw_format)
    if name in TEXT_WITH_HEADER:
        return any(
            (event.number, event.time_tag) == (number, tag)
            and np.allclose(event.samples, samples, rtol=1e-6, atol=0.0)
            for event in slow_reader.text_events(content)
        )
    if name is RawFormatName.ASCII_NO_HEADER:
        length = seen.record_length
        tokens = slow_reader.bare_tokens(content)[number * length : (number + 1) * length]
        return np.allclose([float(token) for token in tokens], samples, rtol=1e-6, atol=0.0)
    floats, counts = samples.astype("<f4").tobytes(), _as_counts(samples)
    if name is RawFormatName.BINARY_NO_HEADER:
        return content[number * len(counts) : (number + 1) * len(counts)] == counts
    payloads = {RawFormatName.BINARY: (counts,), RawFormatName.X742_BINARY: (floats,)}
    return any(
        _says(slow_reader.words_of(content, at - behind), name, behind + len(payload), number, tag)
        for payload in payloads.get(name, (counts, floats))
        for at in slow_reader.places_of(payload, content)
        for behind in (24, 32)
    )


def _as_counts(samples: NDArray[np.float32]) -> bytes:
    """Return samples as 16-bit words, those of floating point as no bytes of any file."""
    in_range = (samples >= 0) & (samples < 1 << 16)
    return samples.astype("<u2").tobytes() if in_range.all() else b"?" * 2048


def _says(words: tuple[int, ...], name: RawFormatName, size: int, number: int, tag: int) -> bool:
    if name is not RawFormatName.BINARY_REORDERED:
        return bool(words) and (words[0], *words[4:]) == (size, number, tag)
    return not Counter((size, number) if tag < 0 else (size, number, tag)) - Counter(words)


def _check_nothing_is_lost(content: bytes, reading: Reading) -> None:
    """See to it that each undamaged event is given or counted, and all of an undamaged file."""
    seen = reading.summary
    counted = seen.events + seen.skipped_events + seen.doubled_events + seen.torn_events
    if seen.raw_format == RawFormatName.ASCII:
        plain = [
            event
            for event in slow_reader.plain_text_events(content)
            if len(event.samples) == seen.record_length
        ]
        assert counted >= len(plain), "no undamaged event goes without being counted"
        numbers = [event.number for event in plain if event.channel == (seen.channel or 0)]
        is_whole = sum(event.end - event.begin + 1 for event in plain) == len(content)
        if is_whole and numbers == sorted(set(numbers)) and len(numbers) == len(plain):
            given = [number for number, _, _ in reading.events]
            sure = len(numbers) - NEIGHBOURS_BORNE
            assert given[: max(sure, 0)] == numbers[: max(sure, 0)], "rising numbers are right"
            left_out = seen.skipped_events + seen.torn_events
            assert len(given) + left_out == len(numbers), "the last that jump are counted"
    if seen.raw_format == RawFormatName.BINARY:
        chain = slow_reader.chain_of_binary_events(content)
        assert counted >= len(chain), "no undamaged event goes without being counted"
