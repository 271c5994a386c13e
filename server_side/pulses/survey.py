"""Find the windows of a channel from the first pulses of its file."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from server_side.pulses.extract import extract_pulses
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
    arrivals, noises, starts, pulses = [], [], [], 0
    record_length = daq.record_length
    for block in blocks:
        table = extract_pulses(block, channel, daq, analysis, kind)
        starts.append(triggers.of(block.event_number))
        arrivals.append((table.start_sample - starts[-1]) * daq.sample_ns)
        noises.append(table.noise_adc)
        record_length = block.samples_adc.shape[1]
        pulses += int(np.isfinite(arrivals[-1]).sum())
        if pulses >= SURVEY_PULSES:
            break
    if not arrivals:
        return no_survey("the file holds no event")
    given = analysis if channel.role is ChannelRole.PMT else AnalysisSettings()
    arrival = _arrival_window(np.concatenate(arrivals), given.arrival_window, daq.sample_ns)
    charge = _charge_window(given.charge_window, arrival)
    if isinstance(charge, NoFixedWindows):
        return Survey(arrival, charge)
    noise = float(np.median(np.concatenate(noises)))
    trigger_start = np.concatenate(starts)
    return Survey(
        arrival, place_windows(charge, trigger_start, record_length, daq.sample_ns, noise)
    )


def _arrival_window(
    arrival_ns: NDArray[np.float64], given: Window | None, sample_ns: float
) -> ArrivalWindow | NoArrivalWindow:
    if given is not None:
        return given_arrival_window(given, arrival_ns)
    return find_arrival_window(arrival_ns, sample_ns)


def _charge_window(
    given: Window | None, arrival: ArrivalWindow | NoArrivalWindow
) -> Window | NoFixedWindows:
    if given is not None:
        return given
    if isinstance(arrival, NoArrivalWindow):
        return NoFixedWindows(f"no arrival time to put the window at: {arrival.reason}")
    return charge_window_for(arrival.window)
