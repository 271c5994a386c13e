"""The reader of every raw file: bytes in bounded windows, through a decoder, out as blocks."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from server_side.settings import DaqSettings
from server_side.wavedump.blocks import BlockBuilder
from server_side.wavedump.decoder import Decoder, DecodeStep
from server_side.wavedump.events import EventBlock, FileSummary, RawReader
from server_side.wavedump.fault import DamageLog
from server_side.wavedump.format_names import RawFormatName
from server_side.wavedump.formats import FORMATS
from server_side.wavedump.no_event import no_event_error
from server_side.wavedump.raw_file import RawFile
from server_side.wavedump.recognition import (
    HEAD_BYTES,
    FileHead,
    recognise_format,
    select_formats,
)
from server_side.wavedump.scanning import PADDING_BYTES, ByteWindow

WINDOW_BYTES = 4 << 20
"""Memory for a file's bytes, unless two events are longer."""


def open_reader(
    path: Path, daq: DaqSettings, *, block_events: int = 4096, window_bytes: int = WINDOW_BYTES
) -> RawReader:
    """Return a reader of one raw file; the file is not touched before its blocks are asked for.

    Parameters
    ----------
    block_events
        No block has more events than this, or than 8.
    window_bytes
        So much of the file is in memory at a time, unless two events are longer.

    Raises
    ------
    RawDataError
        The settings name a raw format that there is not.
    """
    select_formats(FORMATS, daq)
    return FollowingReader(path, daq, block_events, window_bytes)


class FollowingReader:
    """Reads a file from where it last ended; see ``RawReader``."""

    def __init__(self, path: Path, daq: DaqSettings, block_events: int, window_bytes: int) -> None:
        self.path = path
        self._daq = daq
        self._block_events = block_events
        self._window_bytes = window_bytes
        self._file = RawFile(path)
        self._decoder: Decoder | None = None
        self._builder: BlockBuilder | None = None
        self._damage = DamageLog()
        self._next_byte = 0
        self._bytes_read = 0
        self._is_torn = False
        self._events = 0
        self._first_event: int | None = None
        self._last_event: int | None = None

    def blocks(self) -> Iterator[EventBlock]:
        """Yield the whole events from where the last call ended to the file's present end."""
        with self._file.opened() as descriptor:
            size = os.fstat(descriptor).st_size
            if self._decoder is None:
                self._recognise(descriptor, size)
            if self._decoder is not None and self._builder is not None:
                yield from self._read(descriptor, size, self._decoder, self._builder)

    def all_blocks(self) -> Iterator[EventBlock]:
        """Yield the events of a file that grows no more; see ``RawReader``."""
        yield from self.blocks()
        if self._builder is not None and self._builder.held_events:
            yield from self._give(*self._builder.end())

    def summary(self) -> FileSummary:
        """Return what was seen so far."""
        decoder = self._decoder
        nothing_yet = RawFormatName.UNKNOWN if self._bytes_read else RawFormatName.EMPTY
        return FileSummary(
            raw_format=decoder.name if decoder else nothing_yet,
            channel=decoder.channel if decoder else None,
            record_length=decoder.record_length if decoder else self._daq.record_length,
            events=self._events,
            first_event=self._first_event,
            last_event=self._last_event,
            torn_events=self._held_events + self._is_torn,
            torn_byte=self._held_byte,
            skipped_events=self._count_skipped(),
            doubled_events=self._damage.doubled_events,
            damage=self._damage.words,
            bytes_read=self._bytes_read,
        )

    def require_event(self) -> None:
        """Raise when no whole event was found; see ``RawReader``."""
        if not self._events:
            raise no_event_error(self.path, self._damage.words)

    @property
    def _held_events(self) -> int:
        return self._builder.held_events if self._builder else 0

    @property
    def _held_byte(self) -> int | None:
        """Where the first event begins that waits for others or for its own end, if one does."""
        held = self._builder.held_byte if self._builder else None
        return self._next_byte if held is None and self._is_torn else held

    def _count_skipped(self) -> int:
        """Return the damaged events, with those of damage that has not ended yet."""
        if self._decoder is None or not self._decoder.is_lost:
            return self._damage.skipped_events
        return self._damage.skipped_up_to(self._bytes_read, self._decoder.event_bytes)

    def _recognise(self, descriptor: int, size: int) -> None:
        """Find out the format once enough of the file is there."""
        end = min(size, HEAD_BYTES)
        data = np.zeros(end + PADDING_BYTES, np.uint8)
        self._file.read_into(descriptor, 0, data[:end])
        self._bytes_read = end
        self._is_torn = end > 0
        if end:
            head = FileHead(self.path, ByteWindow(data, 0, end, 0, end == size))
            self._decoder = recognise_format(head, self._daq, FORMATS)
        if self._decoder is not None:
            self._builder = BlockBuilder(
                self._block_events, self._decoder.record_length, self._decoder.event_bytes
            )

    def _read(
        self, descriptor: int, size: int, decoder: Decoder, builder: BlockBuilder
    ) -> Iterator[EventBlock]:
        """Yield the events up to byte ``size``."""
        room = max(self._window_bytes, 2 * decoder.max_event_bytes)
        data = np.empty(room + PADDING_BYTES, np.uint8)
        filled = 0
        while True:
            begin = self._next_byte
            wanted = min(room, size - begin)
            self._file.read_into(descriptor, begin + filled, data[filled:wanted])
            filled = wanted
            data[filled] = 0
            self._bytes_read = max(self._bytes_read, begin + filled)
            at_end = begin + filled >= size
            yield from self._decode(data, filled, decoder, builder, at_end=at_end)
            rest = data[self._next_byte - begin : filled]
            if at_end:
                self._is_torn = not decoder.is_lost and bool(rest.tobytes().strip(decoder.blanks))
                return
            data[: len(rest)] = rest
            filled = len(rest)

    def _decode(
        self,
        data: NDArray[np.uint8],
        end: int,
        decoder: Decoder,
        builder: BlockBuilder,
        *,
        at_end: bool,
    ) -> Iterator[EventBlock]:
        """Yield full blocks of the events in a window, at the file's end also a smaller one."""
        first_byte = self._next_byte
        step = DecodeStep(0, builder.row, np.empty((0, 4), np.int64), is_starved=False)
        while not step.is_starved:
            window = ByteWindow(data, step.pos, end, first_byte, at_end)
            step = decoder.decode(window, builder.rows, builder.row)
            self._damage.add(step.faults, decoder.event_bytes)
            self._next_byte = first_byte + step.pos
            builder.row = step.row
            is_last = step.is_starved and at_end
            if builder.is_full or (is_last and builder.row > builder.held_events):
                yield from self._give(*builder.close())

    def _give(self, block: EventBlock, faults: NDArray[np.int64]) -> Iterator[EventBlock]:
        self._damage.add(faults, 1.0)
        if len(block.event_number):
            self._events += len(block.event_number)
            if self._first_event is None:
                self._first_event = int(block.event_number[0])
            self._last_event = int(block.event_number[-1])
            yield block
