"""From blocks of triggers to the text of one channel's file, with the damage it suffers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from server_side.simulate.channel_file import ChannelFile
from server_side.simulate.channels import SimulatedChannel
from server_side.simulate.settings import BenchSettings
from server_side.simulate.triggers import TriggerBlock, trigger_block
from server_side.simulate.waveforms import (
    Digitiser,
    digitise,
    format_events,
)

HOLD_BACK_BYTES = 1 << 16
"""A DAQ keeps less than this in the buffer of a channel."""


@dataclass(frozen=True)
class ChannelWriter:
    """Writes one channel of one point; what it writes depends on the seed alone."""

    bench: BenchSettings
    step: int
    slowness: float
    channel: SimulatedChannel
    file: ChannelFile
    digitiser: Digitiser

    def write(self, index: int) -> None:
        """Write the text of a block of triggers, but for what a live DAQ keeps in its buffer."""
        triggers = trigger_block(self.bench, self.step, index, self.slowness)
        random = np.random.default_rng((self.bench.seed, self.step, index, self.channel.number))
        counts = self._counts(triggers, random)
        for rows, part in self._rows(triggers, random):
            text = format_events(
                self.digitiser,
                counts,
                rows,
                event_number=self._numbers(triggers),
                time_tag=triggers.time_tag,
                channel=self.channel.number,
            )
            self.file.append(text[: int(part * len(text))])
        self.file.flush(int(random.integers(HOLD_BACK_BYTES)))

    def _numbers(self, triggers: TriggerBlock) -> NDArray[np.int64]:
        """Return the numbers that the channel's counter gives to the events."""
        return triggers.event_number - (triggers.event_number > self._event_of_slip)

    @property
    def _event_of_slip(self) -> int:
        """Number of the event that is lost while the counter goes on; behind the last for none."""
        return self.bench.first_event + int(self.channel.damage.slips_at * self.bench.triggers)

    def _counts(self, triggers: TriggerBlock, random: np.random.Generator) -> NDArray[np.uint16]:
        channel = self.channel
        return digitise(
            self.digitiser,
            channel.draw_pulses(triggers, random),
            channel.shape,
            baseline_adc=channel.baseline_adc + channel.baseline_drift_adc * triggers.progress,
            noise_adc=channel.noise_adc,
            seed=int(random.integers(1 << 63)),
        )

    def _rows(
        self, triggers: TriggerBlock, random: np.random.Generator
    ) -> list[tuple[NDArray[np.int64], float]]:
        """Return which events of a block are written, and which part of their text."""
        damage = self.channel.damage
        rows = np.arange(len(triggers))
        if damage.lost_fraction:
            rows = rows[random.random(len(rows)) >= damage.lost_fraction]
        if damage.doubled_fraction:
            rows = np.repeat(rows, 1 + (random.random(len(rows)) < damage.doubled_fraction))
        rows = rows[triggers.event_number[rows] != self._event_of_slip]
        if damage.written_fraction == 1:
            return [(rows, 1.0)]
        is_whole = triggers.progress[rows] < damage.written_fraction
        ends_here = not is_whole.all() and triggers.progress[0] < damage.written_fraction
        torn = [(rows[~is_whole][:1], 0.5)] if ends_here else []
        return [(rows[is_whole], 1.0), *torn]
