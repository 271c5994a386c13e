"""Read the files of one point: whole files in bounded memory, channels side by side.

Only features are kept, on disk, never waveforms. The trigger is read first, because the
fixed windows of every other channel hang on the trigger's start in the same
event. Each other channel is then opened twice: a survey of its first pulses
finds the windows, and the whole file is measured with them.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from server_side.errors import RawDataError
from server_side.pulses.examples import WaveformSampler
from server_side.pulses.extract import extract_pulses
from server_side.pulses.merge import align_files
from server_side.pulses.stored import FeatureFile, StoredPulses
from server_side.pulses.survey import Survey, no_survey, survey_windows
from server_side.pulses.table import PulseTable
from server_side.pulses.time_tags import SlippedEvents, find_slipped_events
from server_side.pulses.triggers import TriggerStarts
from server_side.pulses.windows import (
    ArrivalWindow,
    FixedWindows,
    NoArrivalWindow,
    NoFixedWindows,
    is_inside,
)
from server_side.result import ChannelWaveforms, Waveforms
from server_side.scan import ScanKind
from server_side.settings import AnalysisSettings, ChannelRole, ChannelSettings, DaqSettings
from server_side.wavedump import open_reader
from server_side.wavedump.events import FileSummary

REQUIRED_ROLES = (ChannelRole.TRIGGER, ChannelRole.PMT)
"""Without these channels there is no result; the others may be missing."""

Report = Callable[[int, int], None]
"""Is told a channel and how many of its events were read so far; called from threads."""


@dataclass(frozen=True)
class ChannelReading:
    """How one channel was read."""

    channel: int
    path: Path
    summary: FileSummary
    arrival: ArrivalWindow | NoArrivalWindow | None
    """None for the trigger itself."""
    fixed: FixedWindows | NoFixedWindows | None
    """None for the trigger itself."""


@dataclass(frozen=True)
class RefusedFile:
    """A file of a channel that a result can do without, and why it was not read."""

    channel: int
    path: Path
    reason: str


@dataclass(frozen=True)
class PulseReading:
    """All that was read of one point."""

    pulses: StoredPulses
    channels: tuple[ChannelReading, ...]
    refused: tuple[RefusedFile, ...]
    waveforms: Waveforms
    slipped: tuple[SlippedEvents, ...]
    """Of the channels whose time tags could be compared with the trigger's."""


@dataclass(frozen=True)
class _ReadChannel:
    reading: ChannelReading
    features: FeatureFile
    waveforms: ChannelWaveforms


def read_pulses(
    paths: Mapping[int, Path],
    daq: DaqSettings,
    analysis: AnalysisSettings,
    kind: ScanKind,
    *,
    report: Report | None = None,
    scratch: Path | None = None,
) -> PulseReading:
    """Read the channels of one point and align them by event number.

    Parameters
    ----------
    paths
        The file of each channel number; channels that settings do not know are left out.
    scratch
        Folder in which the features lie, without a name, as long as the reading is in
        use: 74 bytes an event and channel. The one for temporary files unless given.

    Raises
    ------
    RawDataError
        When the file of the trigger or of a PMT cannot be used. Of the other
        channels the result says why they are missing.
    FeatureFileError
        When the disk of ``scratch`` refuses.
    """
    reader = _PointReader(daq, analysis, kind, report or _tell_nobody, scratch)
    channels = [channel for channel in daq.channels if channel.number in paths]
    entries = _read_all(reader, channels, paths)
    good = [entry for entry in entries if isinstance(entry, _ReadChannel)]
    required = [channel.number for channel in channels if channel.role in REQUIRED_ROLES]
    pulses = align_files([entry.features for entry in good], required, scratch)
    return PulseReading(
        pulses=pulses,
        channels=tuple(entry.reading for entry in good),
        refused=tuple(entry for entry in entries if isinstance(entry, RefusedFile)),
        waveforms=Waveforms(channels=tuple(entry.waveforms for entry in good)),
        slipped=_find_slipped(pulses, channels),
    )


def _find_slipped(
    pulses: StoredPulses, channels: Sequence[ChannelSettings]
) -> tuple[SlippedEvents, ...]:
    trigger = _trigger_of(channels)
    return () if trigger is None else find_slipped_events(pulses, trigger.number)


def _trigger_of(channels: Sequence[ChannelSettings]) -> ChannelSettings | None:
    return next((c for c in channels if c.role is ChannelRole.TRIGGER), None)


def _tell_nobody(_channel: int, _events: int) -> None:
    pass


def _read_all(
    reader: "_PointReader", channels: Sequence[ChannelSettings], paths: Mapping[int, Path]
) -> list[_ReadChannel | RefusedFile]:
    """Read the trigger, then the other channels side by side."""
    trigger = _trigger_of(channels)
    first = None if trigger is None else reader.read_trigger(trigger, paths[trigger.number])
    starts = None if first is None else first.features
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as threads:
        others = threads.map(
            lambda channel: reader.read_if_possible(channel, paths[channel.number], starts),
            [channel for channel in channels if channel is not trigger],
        )
        return [*([] if first is None else [first]), *others]


@dataclass(frozen=True)
class _PointReader:
    """What the readers of all channels of a point share."""

    daq: DaqSettings
    analysis: AnalysisSettings
    kind: ScanKind
    report: Report
    scratch: Path | None

    def read_trigger(self, channel: ChannelSettings, path: Path) -> _ReadChannel:
        """Read the trigger's channel; it has no windows."""
        return self._read(channel, path, None, None)

    def read_if_possible(
        self, channel: ChannelSettings, path: Path, trigger: FeatureFile | None
    ) -> _ReadChannel | RefusedFile:
        """Read a channel; one that is not required is refused instead of raising."""
        try:
            survey = self._survey(channel, path, trigger)
            return self._read(channel, path, trigger, survey)
        except (RawDataError, OSError) as error:
            if channel.role in REQUIRED_ROLES:
                raise
            return RefusedFile(channel.number, path, str(error))

    def _survey(self, channel: ChannelSettings, path: Path, trigger: FeatureFile | None) -> Survey:
        if trigger is None:
            return no_survey("the trigger's channel was not read")
        blocks, starts = open_reader(path, self.daq).all_blocks(), TriggerStarts(trigger)
        return survey_windows(blocks, channel, self.daq, self.analysis, self.kind, triggers=starts)

    def _read(
        self,
        channel: ChannelSettings,
        path: Path,
        trigger: FeatureFile | None,
        survey: Survey | None,
    ) -> _ReadChannel:
        arrival, fixed = (survey.arrival, survey.fixed) if survey else (None, None)
        windows = fixed if isinstance(fixed, FixedWindows) else None
        starts = None if trigger is None else TriggerStarts(trigger)
        sampler = WaveformSampler(channel, self.daq)
        features = FeatureFile(channel.number, self.scratch)
        reader = open_reader(path, self.daq)
        for block in reader.all_blocks():
            start = None if starts is None else starts.of(block.event_number)
            table = extract_pulses(
                block, channel, self.daq, self.analysis, self.kind,
                trigger_start=start, fixed=windows,
            )  # fmt: skip
            sampler.add(block, table, self._chosen(table, start, arrival))
            features.append(table)
            self.report(channel.number, len(features))
        reader.require_event()
        reading = ChannelReading(channel.number, path, reader.summary(), arrival, fixed)
        return _ReadChannel(reading, features, sampler.waveforms(_in_words(arrival)))

    def _chosen(
        self,
        table: PulseTable,
        start: NDArray[np.float64] | None,
        arrival: ArrivalWindow | NoArrivalWindow | None,
    ) -> NDArray[np.bool_]:
        if start is None or not isinstance(arrival, ArrivalWindow):
            return np.isfinite(table.start_sample)
        return is_inside(arrival.window, (table.start_sample - start) * self.daq.sample_ns)


def _in_words(arrival: ArrivalWindow | NoArrivalWindow | None) -> str:
    if isinstance(arrival, ArrivalWindow):
        return "events with a pulse in the arrival window"
    return "events with a pulse at any time"
