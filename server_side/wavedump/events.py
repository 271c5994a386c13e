"""What every reader yields: blocks of whole events, and what it saw of the file."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class EventBlock:
    """Some consecutive events of one file."""

    event_number: NDArray[np.int64]
    """Shape (events,)."""
    time_tag: NDArray[np.int64]
    """Shape (events,); trigger time tag as written, 31 bit; -1 where the format has none."""
    samples_adc: NDArray[np.float32]
    """Shape (events, record length), in counts."""


@dataclass(frozen=True)
class FileSummary:
    """What was seen of a file so far."""

    raw_format: str
    channel: int | None
    record_length: int
    events: int
    """Whole, undamaged events that were yielded."""
    first_event: int | None
    last_event: int | None
    torn_events: int
    """Last events that are held back: not whole, or with numbers that nothing confirms yet."""
    torn_byte: int | None
    """Where the first of them begins; None without one."""
    skipped_events: int
    """Damaged events that were left out."""
    doubled_events: int
    damage: tuple[str, ...]
    """The first few faults in words, with byte offsets."""
    bytes_read: int


class RawReader(Protocol):
    """A reader of one raw file; it may be asked again when the file has grown."""

    path: Path

    def blocks(self) -> Iterator[EventBlock]:
        """Yield the whole events from where the last call ended to the file's present end.

        A few with numbers in doubt are held back until others are behind them. Raises
        ``RawFileChangedError`` when the file shrank or its beginning changed, and
        ``NotWaveDumpError`` when the content is none of the known formats.
        """

    def all_blocks(self) -> Iterator[EventBlock]:
        """Yield what ``blocks`` does, and at last what it holds back for the sake of others.

        For a file that grows no more.
        """

    def summary(self) -> FileSummary:
        """Return what was seen so far."""

    def require_event(self) -> None:
        """Refuse the file when all of it was read and no whole event was found.

        For a file that grows no more. Raises ``RawDataError`` when it is empty, and
        ``NotWaveDumpError`` when what it holds is something else or all of it is damaged.
        """
