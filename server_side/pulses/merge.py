"""Alignment of feature files by event number, a part of each of them at a time."""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import numpy as np

from server_side.pulses.align import AlignedPulses, ChannelLosses, align
from server_side.pulses.stored import ROWS_PER_CHUNK, FeatureFile, StoredPulses
from server_side.pulses.table import PulseTable, concatenate, empty_table, take_rows


def align_files(
    files: Sequence[FeatureFile], required: Collection[int], folder: Path | None
) -> StoredPulses:
    """Bring the rows of channels together by event number, as ``align`` does in memory.

    Parameters
    ----------
    files
        One a channel; where all hold the same events they are taken as they are.
    required
        Channels that an event must have to get a row.
    folder
        Where aligned files lie that must be written; see ``FeatureFile``.
    """
    ordered = tuple(sorted(files, key=lambda file: file.channel))
    if _hold_the_same_events(ordered):
        losses = tuple(ChannelLosses(file.channel, 0, 0) for file in ordered)
        return StoredPulses(ordered, losses, range(len(ordered[0]) if ordered else 0))
    aligned = tuple(FeatureFile(file.channel, folder) for file in ordered)
    lost = np.zeros(len(ordered), np.int64)
    for part in merge_files(ordered, required):
        lost += [loss.lost_events for loss in part.losses]
        for file, table in zip(aligned, part.tables, strict=True):
            file.append(table)
    losses = tuple(
        ChannelLosses(file.channel, int(count), 0)
        for file, count in zip(aligned, lost, strict=True)
    )
    return StoredPulses(aligned, losses, range(len(aligned[0])))


def merge_files(files: Sequence[FeatureFile], required: Collection[int]) -> Iterator[AlignedPulses]:
    """Yield aligned rows, as many at a time as were read of the channel that is furthest behind."""
    read = [0] * len(files)
    waiting = [empty_table(file.channel) for file in files]
    while True:
        for place, file in enumerate(files):
            rows = range(read[place], min(len(file), read[place] + _room(waiting[place])))
            waiting[place] = concatenate([waiting[place], file.table(rows)])
            read[place] = rows.stop
        if not any(len(table) for table in waiting):
            return
        # Behind the last number of a channel that goes on, nothing is known of it yet.
        known = [
            int(table.event_number[-1])
            for table, file, place in zip(waiting, files, read, strict=True)
            if place < len(file)
        ]
        split = [_split(table, min(known, default=None)) for table in waiting]
        yield align([ready for ready, _ in split], required)
        waiting = [rest for _, rest in split]


def _room(waiting: PulseTable) -> int:
    return max(0, ROWS_PER_CHUNK - len(waiting))


def _split(table: PulseTable, last_event: int | None) -> tuple[PulseTable, PulseTable]:
    """Return the rows up to an event number, all without one, and the rest."""
    count = len(table)
    if last_event is not None:
        count = int(np.searchsorted(table.event_number, last_event, side="right"))
    rows = np.arange(len(table))
    return take_rows(table, rows[:count]), take_rows(table, rows[count:])


def _hold_the_same_events(files: Sequence[FeatureFile]) -> bool:
    rows = range(len(files[0]) if files else 0)
    if any(len(file) != len(rows) for file in files):
        return False
    for first in range(0, len(rows), ROWS_PER_CHUNK):
        part = rows[first : first + ROWS_PER_CHUNK]
        wanted, *others = (file.column("event_number", part) for file in files)
        if not all(np.array_equal(wanted, numbers) for numbers in others):
            return False
    return True
