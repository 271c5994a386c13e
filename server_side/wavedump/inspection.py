"""What one raw file holds, for a person who looks at it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from server_side.boundary import BoundaryModel
from server_side.settings import DaqSettings
from server_side.wavedump.events import FileSummary
from server_side.wavedump.format_names import RawFormatName
from server_side.wavedump.reader import open_reader
from server_side.wavedump.recognition import channel_of_name

BASELINE_SAMPLES = 40


class Inspection(BoundaryModel):
    """One raw file in numbers."""

    format: str
    events: int
    """Whole, undamaged events."""
    record_length: int | None
    """None without a whole event: nothing was measured."""
    channel: int | None
    """None where the format does not say."""
    first_event: int | None
    last_event: int | None
    baseline_mean: float | None
    """Mean of the first 40 samples of all events (counts)."""
    noise_rms: float | None
    """Mean over the events of the standard deviation of the same samples (counts)."""
    torn_events: int
    """1 where a last event is held back because it is not whole."""
    skipped_events: int
    """Damaged events that were left out."""
    doubled_events: int
    """Events that came a second time."""
    damage: tuple[str, ...]
    """The first few faults in words, with byte offsets."""
    path: str
    size_bytes: int
    """Bytes that were read: all that the file had."""
    missing_events: int
    """Numbers between the first and the last event that no event has, left out ones included."""
    notes: tuple[str, ...]
    """What else a person should know, and what to do."""


def inspect_file(path: Path, daq: DaqSettings) -> Inspection:
    """Read a whole raw file and return what it holds.

    Raises
    ------
    RawDataError
        The file cannot be read, is no WaveDump file, or changed meanwhile.
    """
    reader = open_reader(path, daq)
    baseline_sum = 0.0
    noise_sum = 0.0
    for block in reader.all_blocks():
        samples = block.samples_adc[:, :BASELINE_SAMPLES].astype(np.float64)
        baseline_sum += float(samples.mean(axis=1).sum())
        noise_sum += float(samples.std(axis=1).sum())
    seen = reader.summary()
    if seen.skipped_events and not seen.events:
        reader.require_event()
    return Inspection(
        format=seen.raw_format,
        events=seen.events,
        record_length=seen.record_length if seen.events else None,
        channel=seen.channel,
        first_event=seen.first_event,
        last_event=seen.last_event,
        baseline_mean=baseline_sum / seen.events if seen.events else None,
        noise_rms=noise_sum / seen.events if seen.events else None,
        torn_events=seen.torn_events,
        skipped_events=seen.skipped_events,
        doubled_events=seen.doubled_events,
        damage=seen.damage,
        path=str(path),
        size_bytes=seen.bytes_read,
        missing_events=_count_missing(seen),
        notes=tuple(_notes(path, seen)),
    )


def _count_missing(seen: FileSummary) -> int:
    if seen.first_event is None or seen.last_event is None:
        return 0
    return seen.last_event - seen.first_event + 1 - seen.events


def _notes(path: Path, seen: FileSummary) -> Iterator[str]:
    named, faults = channel_of_name(path), seen.skipped_events + seen.doubled_events
    if seen.raw_format == RawFormatName.EMPTY:
        yield "the file is empty: nothing was written yet, or the DAQ could not write"
    if seen.raw_format == RawFormatName.UNKNOWN:
        yield f"{seen.bytes_read} bytes do not hold a whole event: too little to tell the format"
    elif seen.torn_byte is not None:
        yield (
            f"the event that begins at byte {seen.torn_byte} is held back, because it is not "
            "whole: the file is still being written, or was cut off"
        )
    if None not in (seen.channel, named) and seen.channel != named:
        yield (
            f"the file's name says channel {named}, its events say {seen.channel}: make sure that "
            "it is the right file"
        )
    if faults > len(seen.damage):
        yield f"the first {len(seen.damage)} faults are in words, all {faults} are counted"
