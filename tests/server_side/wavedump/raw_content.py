"""Raw files of every format, event by event, from known waveforms."""

import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from server_side.settings import DaqSettings
from server_side.wavedump import EventBlock, FileSummary, open_reader

LENGTH = 24
CHANNEL = 2
DAQ = DaqSettings(record_length=LENGTH)


@dataclass(frozen=True)
class RawEvent:
    number: int
    time_tag: int
    samples: NDArray[np.int64]


def make_events(
    count: int, *, first: int = 100, length: int = LENGTH, seed: int = 1
) -> list[RawEvent]:
    rng = np.random.default_rng(seed)
    samples = rng.normal(15000.0, 4.5, (count, length)).round().astype(np.int64)
    if length > 12:
        samples[:, 10:12] -= rng.integers(0, 6000, (count, 2))
    return [RawEvent(first + i, 5 * i + 7, samples[i]) for i in range(count)]


def text_header(event: RawEvent, *, length: int | None = None, channel: int = CHANNEL) -> str:
    return (
        f"Record Length: {len(event.samples) if length is None else length}\n"
        f"BoardID: 31\nChannel: {channel}\nEvent Number: {event.number}\nPattern: 0x0000\n"
        f"Trigger Time Stamp: {event.time_tag}\nDC offset (DAC): 0xBFFF\n"
    )


def as_column(event: RawEvent) -> str:
    return "".join(f"{value}\n" for value in event.samples)


def ascii_event(event: RawEvent) -> bytes:
    return (text_header(event) + as_column(event)).encode()


def crlf_event(event: RawEvent) -> bytes:
    return ascii_event(event).replace(b"\n", b"\r\n")


def extra_lines_event(event: RawEvent) -> bytes:
    before = f"Shot number : {event.number}\n"
    behind = "Extended Trigger Time Stamp: 7\nUnix time: 1763700000\nString of time: Fri 21\n"
    return (before + text_header(event) + behind + as_column(event)).encode()


def comma_event(event: RawEvent) -> bytes:
    return (text_header(event) + ", ".join(map(str, event.samples)) + "\n").encode()


def bare_text_event(event: RawEvent) -> bytes:
    return as_column(event).encode()


def bare_comma_event(event: RawEvent) -> bytes:
    return (",".join(map(str, event.samples)) + "\n").encode()


def x742_text_event(event: RawEvent) -> bytes:
    samples = "".join(f"{value:.6f}\n" for value in x742_samples(event))
    return (text_header(event) + "Start Index Cell: 512\n" + samples).encode()


def x742_samples(event: RawEvent) -> NDArray[np.float32]:
    return (event.samples / 7.0).astype(np.float32)


def words_event(order: str, event: RawEvent) -> bytes:
    size = 24 + 2 * len(event.samples)
    words = {"s": size, "b": 31, "p": 0, "c": CHANNEL, "n": event.number, "t": event.time_tag}
    header = struct.pack("<6I", *(words[letter] for letter in order))
    return header + event.samples.astype("<u2").tobytes()


def binary_event(event: RawEvent) -> bytes:
    return words_event("sbpcnt", event)


def time_tag_first_event(event: RawEvent) -> bytes:
    return words_event("tbpcns", event)


def channel_first_event(event: RawEvent) -> bytes:
    return words_event("cntsbp", event)


def bare_binary_event(event: RawEvent) -> bytes:
    return event.samples.astype("<u2").tobytes()


def x742_binary_event(event: RawEvent) -> bytes:
    size = 24 + 4 * len(event.samples)
    header = struct.pack("<6I", size, 31, 0, CHANNEL, event.number, event.time_tag)
    return header + x742_samples(event).tobytes()


def x742_long_binary_event(event: RawEvent) -> bytes:
    size = 32 + 4 * len(event.samples)
    words = (size, 31, 0, CHANNEL, event.number, event.time_tag, 0x7FFF, 512)
    return struct.pack("<8I", *words) + x742_samples(event).tobytes()


@dataclass(frozen=True)
class Style:
    """A way to write an event, and what a reader must make of it."""

    write: Callable[[RawEvent], bytes]
    raw_format: str
    has_header: bool = True
    is_float: bool = False

    @property
    def is_text(self) -> bool:
        return "ascii" in self.raw_format

    def content(self, events: Iterable[RawEvent]) -> bytes:
        return b"".join(map(self.write, events))

    def samples(self, event: RawEvent) -> NDArray[np.float32]:
        return x742_samples(event) if self.is_float else event.samples.astype(np.float32)


STYLES = {
    "ascii": Style(ascii_event, "ascii"),
    "crlf": Style(crlf_event, "ascii"),
    "extra-lines": Style(extra_lines_event, "ascii"),
    "comma": Style(comma_event, "ascii-comma"),
    "bare-text": Style(bare_text_event, "ascii-no-header", has_header=False),
    "bare-comma": Style(bare_comma_event, "ascii-no-header", has_header=False),
    "x742-text": Style(x742_text_event, "x742-ascii", is_float=True),
    "binary": Style(binary_event, "binary"),
    "time-tag-first": Style(time_tag_first_event, "binary-reordered"),
    "channel-first": Style(channel_first_event, "binary-reordered"),
    "bare-binary": Style(bare_binary_event, "binary-no-header", has_header=False),
    "x742-binary": Style(x742_binary_event, "x742-binary", is_float=True),
    "x742-long-binary": Style(x742_long_binary_event, "x742-binary", is_float=True),
}
WITH_HEADER = [name for name, style in STYLES.items() if style.has_header]


def numbers_of(blocks: Sequence[EventBlock]) -> list[int]:
    return [int(number) for block in blocks for number in block.event_number]


def samples_by_number(blocks: Sequence[EventBlock]) -> dict[int, NDArray[np.float32]]:
    return {
        int(number): samples
        for block in blocks
        for number, samples in zip(block.event_number, block.samples_adc, strict=True)
    }


def read_content(path: Path, content: bytes) -> tuple[list[int], FileSummary]:
    """Write a file and return the numbers of its events and what was seen of it."""
    path.write_bytes(content)
    reader = open_reader(path, DAQ)
    numbers = numbers_of(list(reader.all_blocks()))
    return numbers, reader.summary()
