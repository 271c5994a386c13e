"""Which format a file has: told by its content, confirmed against settings."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from server_side.errors import NotWaveDumpError, RawDataError
from server_side.settings import DaqSettings
from server_side.wavedump.decoder import Decoder
from server_side.wavedump.format_names import READABLE_FORMATS, RawFormatName
from server_side.wavedump.scanning import ByteWindow

HEAD_BYTES = 4 << 20
"""So much of a file is looked at to tell its format."""


TEXT_BYTES = 4096
"""So much is looked at to tell text from binary."""
PRINTABLE = b"\t\r\n" + bytes(range(32, 127))
QUOTED_BYTES = 24

_NAMED_CHANNEL = re.compile(r"wave_?([0-9]{1,2})(?![0-9])")


def channel_of_name(path: Path) -> int | None:
    """Return the channel that a file's name states, or None."""
    match = _NAMED_CHANNEL.match(path.name)
    return int(match[1]) if match else None


@dataclass(frozen=True)
class FileHead:
    """A file's beginning."""

    path: Path
    window: ByteWindow

    @property
    def named_channel(self) -> int | None:
        """The channel that the file's name states."""
        return channel_of_name(self.path)

    @property
    def is_text(self) -> bool:
        """Whether nearly all bytes are printable; binary samples can be that too, if seldom."""
        content = self.window.data[: min(self.window.end, TEXT_BYTES)].tobytes()
        return len(content.translate(None, PRINTABLE)) <= len(content) / 10

    def quote(self, byte: int) -> str:
        """Return the bytes at a place for a message."""
        return quote_bytes(self.window.data[byte : self.window.end][: QUOTED_BYTES + 1].tobytes())


def quote_bytes(content: bytes) -> str:
    """Return the first of some bytes for a message."""
    if not content:
        return "the end of the file"
    text = repr(content[:QUOTED_BYTES])[1:]
    return text if len(content) <= QUOTED_BYTES else f"{text}..."


@dataclass(frozen=True)
class Mismatch:
    """Why a file is not of some format."""

    byte: int
    expected: str
    found: str


@dataclass(frozen=True)
class TooShort:
    """The bytes agree with the format so far, but do not hold a whole event."""


class RawFormat(Protocol):
    """One raw format: a file of ``formats`` holds one."""

    name: RawFormatName

    def recognise(self, head: FileHead, daq: DaqSettings) -> Decoder | Mismatch | TooShort:
        """Return a decoder when ``head``, a file's beginning, is of this format."""


def recognise_format(
    head: FileHead, daq: DaqSettings, formats: Sequence[RawFormat]
) -> Decoder | None:
    """Return the decoder of a file, or None when too little was written yet to tell.

    Raises
    ------
    NotWaveDumpError
        The content is of no known format, or not of the one that the settings name.
    """
    mismatches: dict[RawFormatName, Mismatch] = {}
    is_too_short = False
    for raw_format in select_formats(formats, daq):
        if is_too_short and not raw_format.name.has_header:
            # Headers may still come; a format without would take the file too early.
            break
        outcome = raw_format.recognise(head, daq)
        if isinstance(outcome, Mismatch):
            mismatches[raw_format.name] = outcome
        elif not isinstance(outcome, TooShort):
            return outcome
        else:
            is_too_short = True
    if is_too_short and head.window.end < HEAD_BYTES:
        return None
    raise _refuse(head, daq, mismatches)


def select_formats(formats: Sequence[RawFormat], daq: DaqSettings) -> tuple[RawFormat, ...]:
    """Return the formats that the settings allow."""
    if daq.raw_format == "auto":
        return tuple(formats)
    chosen = tuple(each for each in formats if each.name == daq.raw_format)
    if not chosen:
        known = ", ".join(READABLE_FORMATS)
        raise RawDataError(
            f"no raw format is called '{daq.raw_format}' (daq.raw_format in the settings): "
            f"use 'auto' or one of {known}"
        )
    return chosen


def _refuse(
    head: FileHead, daq: DaqSettings, mismatches: Mapping[RawFormatName, Mismatch]
) -> NotWaveDumpError:
    """Return the error that tells of the format of its kind which fits furthest."""
    wanted = "WaveDump" if daq.raw_format == "auto" else daq.raw_format
    of_kind = [each for name, each in mismatches.items() if name.is_text == head.is_text]
    candidates = of_kind or list(mismatches.values())
    if not candidates:
        return NotWaveDumpError(
            f"{head.path} is no {wanted} file: expected a whole event in its first {HEAD_BYTES} "
            "bytes, found none; check daq.record_length and daq.raw_format in the settings"
        )
    best = max(candidates, key=lambda mismatch: mismatch.byte)
    return NotWaveDumpError(
        f"{head.path} is no {wanted} file: expected {best.expected} at byte {best.byte}, found "
        f"{best.found}; check the file and daq.raw_format and daq.record_length in the settings"
    )
