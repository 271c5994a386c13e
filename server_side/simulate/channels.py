"""The channels of a simulated digitiser: what each sees of a block of triggers."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from server_side.errors import SimulationError
from server_side.result import ELEMENTARY_CHARGE_C
from server_side.settings import ChannelRole, ChannelSettings
from server_side.simulate.bench import conditions_of
from server_side.simulate.faults import UNDAMAGED, Conditions, FileDamage
from server_side.simulate.photoelectrons import dark_times, light_times
from server_side.simulate.pulse_shape import PulseShape, pmt_pulse, sipm_pulse, trigger_pulse
from server_side.simulate.settings import TARGET_GAIN, BenchSettings, SimulatedPmt, SpeSettings
from server_side.simulate.triggers import TriggerBlock
from server_side.simulate.waveforms import Pulses

POSITIVE_BASELINE_ADC = 1_600.0
NEGATIVE_BASELINE_ADC = 14_400.0
TRIGGER_MV = 600.0
MONITOR_MV = 300.0
MONITOR_SPREAD = 0.03
"""Relative spread of the monitor's pulses at constant light."""
MONITOR_DELAY_NS = 60.0
NOISE_ADC = 4.4

DrawPulses = Callable[[TriggerBlock, np.random.Generator], Pulses]


@dataclass(frozen=True)
class SimulatedChannel:
    """One channel at one point."""

    number: int
    slot: int | None
    """Slot of the PMT that it reads; None for channels that all PMTs share."""
    shape: PulseShape
    baseline_adc: float
    noise_adc: float
    draw_pulses: DrawPulses
    baseline_drift_adc: float = 0.0
    """Change of the baseline from the first to the last event."""
    damage: FileDamage = UNDAMAGED


def channels_of(bench: BenchSettings, step: int) -> tuple[SimulatedChannel, ...]:
    """Return the channels that are written in a step: shared ones first, then the PMTs."""
    conditions = {pmt.slot: conditions_of(bench, pmt, step) for pmt in bench.pmts}
    light_drift = next(iter(conditions.values())).light_drift
    shared = [_trigger(bench)]
    if bench.has_monitor:
        shared.append(_monitor(bench, light_drift))
    if bench.has_reference:
        shared.append(_reference(bench, light_drift))
    return *shared, *(_pmt(bench, pmt, conditions[pmt.slot]) for pmt in bench.pmts)


def _trigger(bench: BenchSettings) -> SimulatedChannel:
    channel = _channel_of(bench, ChannelRole.TRIGGER)
    height_adc = _sign(channel) * TRIGGER_MV / bench.daq.mv_per_adc

    def draw(triggers: TriggerBlock, _random: np.random.Generator) -> Pulses:
        events = np.arange(len(triggers))
        return Pulses(events, triggers.edge_ns, np.full(len(events), height_adc))

    return SimulatedChannel(
        channel.number, None, trigger_pulse(), _baseline(channel), NOISE_ADC, draw
    )


def _monitor(bench: BenchSettings, light_drift: float) -> SimulatedChannel:
    channel = _channel_of(bench, ChannelRole.MONITOR)
    height_adc = _sign(channel) * MONITOR_MV / bench.daq.mv_per_adc

    def draw(triggers: TriggerBlock, random: np.random.Generator) -> Pulses:
        events = np.arange(len(triggers))
        light = 1 + light_drift * triggers.progress
        spread = 1 + MONITOR_SPREAD * random.standard_normal(len(events))
        return Pulses(events, triggers.edge_ns + MONITOR_DELAY_NS, height_adc * light * spread)

    return SimulatedChannel(channel.number, None, sipm_pulse(), _baseline(channel), NOISE_ADC, draw)


def _reference(bench: BenchSettings, light_drift: float) -> SimulatedChannel:
    channel = _channel_of(bench, ChannelRole.REFERENCE)
    conditions = Conditions(
        gain_peak=TARGET_GAIN,
        occupancy=bench.light.occupancy,
        dark_rate_hz=SimulatedPmt.model_fields["dark_rate_hz"].default,
        noise_adc=NOISE_ADC,
        baseline_adc=_baseline(channel),
        light_drift=light_drift,
    )
    return _photomultiplier(bench, channel, SpeSettings(), conditions)


def _pmt(bench: BenchSettings, pmt: SimulatedPmt, conditions: Conditions) -> SimulatedChannel:
    channel = _channel_of(bench, ChannelRole.PMT, pmt.slot)
    return _photomultiplier(bench, channel, pmt.spe, conditions)


def _photomultiplier(
    bench: BenchSettings, channel: ChannelSettings, spe: SpeSettings, conditions: Conditions
) -> SimulatedChannel:
    shape, charges, record_ns = pmt_pulse(), spe.distribution(), record_length_ns(bench)
    peak_pc = conditions.gain_peak * ELEMENTARY_CHARGE_C * 1e12
    peak_mv = peak_pc * bench.daq.impedance_ohm / shape.area_ns
    peak_adc = _sign(channel) * peak_mv / bench.daq.mv_per_adc

    def draw(triggers: TriggerBlock, random: np.random.Generator) -> Pulses:
        if conditions.is_dead:
            return Pulses(np.empty(0, dtype=np.int64), np.empty(0), np.empty(0))
        light = light_times(triggers, bench.light, conditions, random)
        dark = dark_times(triggers, conditions.dark_rate_hz, record_ns, random)
        event, time_ns = (np.concatenate(parts) for parts in zip(light, dark, strict=True))
        return Pulses(event, time_ns, peak_adc * charges.sample(len(event), random))

    return SimulatedChannel(
        channel.number,
        channel.slot,
        shape,
        conditions.baseline_adc,
        0.0 if conditions.is_dead else conditions.noise_adc,
        draw,
        conditions.baseline_drift_adc,
        conditions.damage,
    )


def record_length_ns(bench: BenchSettings) -> float:
    """Return the length of a record (ns)."""
    return bench.daq.record_length * bench.daq.sample_ns


def _channel_of(
    bench: BenchSettings, role: ChannelRole, slot: int | None = None
) -> ChannelSettings:
    for channel in bench.daq.channels:
        if channel.role is role and channel.slot == slot:
            return channel
    where = f" of slot {slot}" if slot else ""
    raise SimulationError(f"no {role.value} channel{where} in the settings of the DAQ")


def _sign(channel: ChannelSettings) -> float:
    return 1.0 if channel.polarity == "positive" else -1.0


def _baseline(channel: ChannelSettings) -> float:
    return POSITIVE_BASELINE_ADC if channel.polarity == "positive" else NEGATIVE_BASELINE_ADC
