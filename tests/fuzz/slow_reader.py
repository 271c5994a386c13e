"""Raw files as a person would read them: slowly, by other means than the readers, to judge those.

Nothing here is shared with ``server_side.wavedump``: regular expressions and ``struct`` alone.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

HEADER_BYTES = 24
_RECORD_LENGTH = re.compile(rb"Record Length: *([0-9]{1,6})\r?\n")
_HEADER_LINE = re.compile(rb"[A-Za-z][^\n]*\n")
_TOKEN = re.compile(rb"[^,\s]+")
_FIELD = rb"%s: *([0-9]{1,9})\r?\n"


@dataclass(frozen=True)
class SlowEvent:
    """One event as it stands in the bytes."""

    begin: int
    end: int
    number: int
    time_tag: int
    """-1 without one."""
    channel: int
    """-1 without one."""
    samples: tuple[float, ...]


def text_events(content: bytes) -> Iterator[SlowEvent]:
    """Yield everything that can be meant as an event of text, at each ``Record Length``."""
    for length in _RECORD_LENGTH.finditer(content):
        behind = length.end()
        while line := _HEADER_LINE.match(content, behind):
            if line[0].startswith(b"Record Length:"):
                break
            behind = line.end()
        header = content[length.start() : behind]
        tokens, end = [], behind
        for token in _TOKEN.finditer(content, behind):
            if len(tokens) == int(length[1]):
                break
            tokens.append(token[0])
            end = token.end()
        samples = _as_numbers(tokens)
        number = _last_field(b"Event Number", header)
        if len(samples) == int(length[1]) and number >= 0:
            tag, channel = (
                _last_field(b"Trigger Time Stamp", header),
                _last_field(b"Channel", header),
            )
            yield SlowEvent(length.start(), end, number, tag, channel, samples)


def plain_text_events(content: bytes) -> Iterator[SlowEvent]:
    """Yield the events that WaveDump itself could have written, with nothing amiss before them."""
    for event in text_events(content):
        lines = content[event.begin : event.end].split(b"\n")
        column = lines[-len(event.samples) :]
        is_plain = all(re.fullmatch(rb"(0|[1-9][0-9]{0,4})\r?", line) for line in column)
        in_range = all(sample < 1 << 14 for sample in event.samples)
        behind = re.match(rb"\r?\n(?:Record Length:|\Z)", content[event.end :])
        begins_line = event.begin == 0 or content[event.begin - 1 : event.begin] == b"\n"
        if is_plain and in_range and behind and begins_line and event.time_tag >= 0:
            yield event


def words_of(content: bytes, at: int) -> tuple[int, ...]:
    """Return the six words of a header, or nothing where there is no room for one."""
    if at < 0 or at + HEADER_BYTES > len(content):
        return ()
    return struct.unpack_from("<6I", content, at)


def places_of(part: bytes, content: bytes) -> Iterator[int]:
    """Yield where some bytes stand."""
    at = content.find(part)
    while at >= 0:
        yield at
        at = content.find(part, at + 1)


def chain_of_binary_events(content: bytes) -> list[tuple[int, ...]]:
    """Return the headers of a file that is nothing but events of one size in WaveDump's order."""
    first = words_of(content, 0)
    if not first or first[0] <= HEADER_BYTES or len(content) % first[0]:
        return []
    headers = [words_of(content, at) for at in range(0, len(content), first[0])]
    is_chain = all(words[:4] == first[:4] for words in headers)
    return headers if is_chain else []


def bare_tokens(content: bytes) -> list[bytes]:
    """Return samples as they stand between commas and line ends."""
    parts = (part.strip(b" \r") for part in re.split(rb"[,\n]", content))
    return [part for part in parts if part]


def _as_numbers(tokens: list[bytes]) -> tuple[float, ...]:
    try:
        return tuple(float(token) for token in tokens)
    except ValueError:
        return ()


def _last_field(key: bytes, header: bytes) -> int:
    found = re.findall(rb"(?m)^" + _FIELD % key, header)
    return int(found[-1]) if found else -1
