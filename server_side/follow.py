"""Look into raw files that still grow: events so far and a preliminary gain.

Each byte is decoded once, as it comes, in spans of limited time, so that the
job goes on looking at its stop file and at other points. What is shown is
progress only: the result is made from the whole files when they are complete.
"""

from collections.abc import Mapping
from pathlib import Path
from time import monotonic

from server_side.chosen_files import ChosenFiles
from server_side.gain_fit import GainFitter
from server_side.point_work import models_of
from server_side.pulses import PulseTable, align, concatenate, extract_pulses
from server_side.response import find_model
from server_side.result import FitOutcome, Spectrum
from server_side.scan import ScanPlan
from server_side.selection import select_charges, threshold_spectrum
from server_side.settings import ChannelSettings
from server_side.wavedump import open_reader
from server_side.wavedump.events import RawReader

SPAN_S = 1.0
"""Decoding goes on for about so long before the job looks elsewhere."""
MAX_FOLLOWED_EVENTS = 500_000
"""The preliminary spectrum is that of the first so many events; memory ends there."""
FIT_AGAIN_GROWTH = 1.2
"""The preliminary gain is fitted anew when there are so many times the events."""


class ChannelFollower:
    """One channel's file, read as far as it goes."""

    def __init__(self, reader: RawReader, channel: ChannelSettings, plan: ScanPlan) -> None:
        self._reader = reader
        self._channel = channel
        self._plan = plan
        self._tables: list[PulseTable] = []
        self.events = 0

    def advance(self, until_s: float, *, keep: bool) -> None:
        """Read what is new, until a steady clock shows a time."""
        daq, analysis = self._plan.settings.daq, self._plan.settings.analysis
        for block in self._reader.blocks():
            wants_more = self.events < MAX_FOLLOWED_EVENTS
            self.events += len(block.event_number)
            if keep and wants_more:
                table = extract_pulses(block, self._channel, daq, analysis, self._plan.kind)
                self._tables.append(table)
            if monotonic() > until_s:
                return

    def table(self) -> PulseTable | None:
        """Return the pulses so far, None before the first event."""
        if not self._tables:
            return None
        self._tables = [concatenate(self._tables)]
        return self._tables[0]


class PointFollower:
    """The point in hand while its files grow."""

    def __init__(self, chosen: ChosenFiles, plan: ScanPlan, fitter: GainFitter) -> None:
        self.chosen = chosen
        self._plan = plan
        self._fitter = fitter
        settings = {channel.number: channel for channel in plan.settings.daq.channels}
        self._channels = {
            file.channel: ChannelFollower(
                open_reader(file.path, plan.settings.daq), settings[file.channel], plan
            )
            for file in chosen.all
        }
        self._fitted_events = 0
        self.spectrum: Spectrum | None = None
        self.fit: FitOutcome | None = None

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files that are followed."""
        return tuple(file.path for file in self.chosen.all)

    @property
    def events(self) -> Mapping[int, int]:
        """Whole events so far, by channel."""
        return {number: channel.events for number, channel in self._channels.items()}

    def advance(self) -> None:
        """Read what is new, for a limited time, and refresh the preliminary spectrum.

        Raises
        ------
        RawDataError
            When a file cannot be read or was rewritten.
        """
        until_s = monotonic() + SPAN_S
        wanted = (self.chosen.trigger.channel, self.chosen.pmt.channel)
        counts_all = self._plan.settings.watch.expected_events is not None
        for number, channel in self._channels.items():
            if number in wanted or counts_all:
                channel.advance(until_s, keep=number in wanted)
        events = self.events[self.chosen.pmt.channel]
        if events > FIT_AGAIN_GROWTH * self._fitted_events:
            self._fitted_events = events
            self._refresh()

    def _refresh(self) -> None:
        trigger = self._channels[self.chosen.trigger.channel].table()
        pmt = self._channels[self.chosen.pmt.channel].table()
        if trigger is None or pmt is None:
            return
        pulses, settings = align([trigger, pmt]), self._plan.settings
        arrival_ns = pulses.arrival_ns(pmt.channel, trigger.channel, settings.daq.sample_ns)
        charge_pc = pulses.of(pmt.channel).charge_pc
        selection = select_charges(charge_pc, arrival_ns, settings.analysis, settings.daq.sample_ns)
        self.spectrum = threshold_spectrum(selection, settings.analysis)
        self.fit = self._fit(self.spectrum)

    def _fit(self, spectrum: Spectrum) -> FitOutcome | None:
        known = [m for m in models_of(self._plan) if find_model(m, spectrum.name)]
        return self._fitter.fit(spectrum, known[0]) if known else None
