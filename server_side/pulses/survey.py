"""Find the windows of a channel from the first pulses of its file."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from server_side.pulses.arrival_times import ArrivalTimes, count_arrivals
from server_side.pulses.extract import extract_pulses
from server_side.pulses.table import PulseTable
from server_side.pulses.triggers import TriggerStarts
from server_side.pulses.windows import (
    ArrivalWindow,
    FixedWindows,
    NoArrivalWindow,
    NoFixedWindows,
    charge_window_for,
    find_arrival_window,
    given_arrival_window,
    place_windows,
)
from server_side.scan import ScanKind
from server_side.settings import AnalysisSettings, ChannelRole, ChannelSettings, DaqSettings, Window
from server_side.wavedump.events import EventBlock

SURVEY_PULSES = 4000
"""The windows are found from the first so many pulses of a file, or all of them."""
SURVEY_EVENTS = 100_000
"""Noise and trigger starts are those of the first so many events."""


@dataclass(frozen=True)
class Survey:
    """The windows of a channel, or why there are none."""

    arrival: ArrivalWindow | NoArrivalWindow
    fixed: FixedWindows | NoFixedWindows


def no_survey(reason: str) -> Survey:
    """Return the survey of a channel whose pulses cannot be timed."""
    return Survey(NoArrivalWindow(reason, 0), NoFixedWindows(reason))


def survey_windows(
    blocks: Iterable[EventBlock],
    channel: ChannelSettings,
    daq: DaqSettings,
    analysis: AnalysisSettings,
    kind: ScanKind,
    *,
    triggers: TriggerStarts,
) -> Survey:
    """Find arrival window and integration windows of a channel.

    Windows that settings give are taken as they are; they are meant for the
    PMT under test and say nothing of monitor and reference.
    """
    seen = _Seen(daq)
    for block in blocks:
        seen.add(block, extract_pulses(block, channel, daq, analysis, kind), triggers)
        if seen.arrivals.pulses >= SURVEY_PULSES:
            break
    if not seen.events:
        return no_survey("the file holds no event")
    given = analysis if channel.role is ChannelRole.PMT else AnalysisSettings()
    arrival = _arrival_window(seen.arrivals, given.arrival_window)
    charge = _charge_window(given.charge_window, arrival)
    if isinstance(charge, NoFixedWindows):
        return Survey(arrival, charge)
    return Survey(arrival, seen.place(charge))


class _Seen:
    """What the survey saw of a channel; bounded, also where there are no pulses to end it."""

    def __init__(self, daq: DaqSettings) -> None:
        self._daq = daq
        self._record_length = daq.record_length
        self._noises: list[NDArray[np.float64]] = []
        self._starts: list[NDArray[np.float64]] = []
        self.arrivals = count_arrivals(np.empty(0), daq.sample_ns)
        self.events = 0

    def add(self, block: EventBlock, table: PulseTable, triggers: TriggerStarts) -> None:
        starts, sample_ns = triggers.of(block.event_number), self._daq.sample_ns
        arrival_ns = (table.start_sample - starts) * sample_ns
        self.arrivals = self.arrivals.plus(count_arrivals(arrival_ns, sample_ns))
        if self.events < SURVEY_EVENTS:
            self._noises.append(table.noise_adc)
            self._starts.append(starts)
        self._record_length = block.samples_adc.shape[1]
        self.events += len(table)

    def place(self, charge: Window) -> FixedWindows | NoFixedWindows:
        noise = float(np.median(np.concatenate(self._noises)))
        starts = np.concatenate(self._starts)
        return place_windows(charge, starts, self._record_length, self._daq.sample_ns, noise)


def _arrival_window(
    arrivals: ArrivalTimes, given: Window | None
) -> ArrivalWindow | NoArrivalWindow:
    if given is not None:
        return given_arrival_window(given, arrivals)
    return find_arrival_window(arrivals)


def _charge_window(
    given: Window | None, arrival: ArrivalWindow | NoArrivalWindow
) -> Window | NoFixedWindows:
    if given is not None:
        return given
    if isinstance(arrival, NoArrivalWindow):
        return NoFixedWindows(f"no arrival time to put the window at: {arrival.reason}")
    return charge_window_for(arrival.window)
