"""What can be wrong on a bench: each fault by name, and what it does to a point."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum


class Fault(StrEnum):
    """Something wrong with one PMT, its channel or the acquisition at one point."""

    LOW_GAIN = "low_gain"
    """The gain is a fifth too low."""
    HIGH_GAIN = "high_gain"
    """The gain is a quarter too high."""
    NO_LIGHT = "no_light"
    """No laser light reaches the PMT; dark pulses go on."""
    LIGHT_LEAK = "light_leak"
    """Stray light: single photoelectrons at any time, 500,000 a second."""
    DEAD_CHANNEL = "dead_channel"
    """The digitiser's channel gives one and the same count for ever."""
    NOISY_BASELINE = "noisy_baseline"
    """The noise is three times as large."""
    BASELINE_DRIFT = "baseline_drift"
    """The baseline moves by 60 counts from the first to the last event."""
    SATURATION = "saturation"
    """The DC offset is wrong: pulses of 1 photoelectron reach the end of the ADC's range."""
    SHIFTED_ARRIVAL = "shifted_arrival"
    """Pulses come 24 ns later, as with a longer cable."""
    TRUNCATED_FILE = "truncated_file"
    """The PMT's file ends after two fifths of the events, within an event."""
    LOST_EVENTS = "lost_events"
    """The PMT's file lacks 3 % of the events."""
    DOUBLED_EVENTS = "doubled_events"
    """The PMT's file has 3 % of the events twice."""
    SLIPPED_EVENTS = "slipped_events"
    """The PMT's channel loses an event and numbers the next ones without a gap."""
    SLOW_DAQ = "slow_daq"
    """The trigger rate is a fifth of what it should be; the point takes five times as long."""
    STALLED_DAQ = "stalled_daq"
    """Half of the events come, then nothing more and no done marker."""
    LASER_DRIFT = "laser_drift"
    """The light falls by 40 % from the first to the last event, for all channels."""


SATURATED_BASELINE_ADC = 50.0
"""Baseline of negative pulses so near the end of the range that a pulse of 6.2 mV is cut."""


@dataclass(frozen=True)
class FileDamage:
    """What the DAQ does to the file of one channel."""

    lost_fraction: float = 0.0
    doubled_fraction: float = 0.0
    written_fraction: float = 1.0
    """Of the events, how many reach the file before it ends within an event."""
    slips_at: float = 1.0
    """Of the events, how many come before one that is lost without a gap in the numbers."""


UNDAMAGED = FileDamage()


@dataclass(frozen=True)
class Conditions:
    """State of one PMT, its channel and the acquisition at one point."""

    gain_peak: float
    occupancy: float
    """Mean photoelectrons per trigger from the laser, at the first event."""
    dark_rate_hz: float
    noise_adc: float
    baseline_adc: float
    baseline_drift_adc: float = 0.0
    arrival_shift_ns: float = 0.0
    light_drift: float = 0.0
    """Relative change of the light from first to last event."""
    is_dead: bool = False
    damage: FileDamage = UNDAMAGED
    acquired_fraction: float = 1.0
    """Of all events, how many are acquired before the DAQ stalls."""
    slowness: float = 1.0
    """How many times longer the point takes."""


_EFFECTS: dict[Fault, Callable[[Conditions], Conditions]] = {
    Fault.LOW_GAIN: lambda c: replace(c, gain_peak=0.8 * c.gain_peak),
    Fault.HIGH_GAIN: lambda c: replace(c, gain_peak=1.25 * c.gain_peak),
    Fault.NO_LIGHT: lambda c: replace(c, occupancy=0.0),
    Fault.LIGHT_LEAK: lambda c: replace(c, dark_rate_hz=c.dark_rate_hz + 500_000.0),
    Fault.DEAD_CHANNEL: lambda c: replace(c, is_dead=True),
    Fault.NOISY_BASELINE: lambda c: replace(c, noise_adc=3 * c.noise_adc),
    Fault.BASELINE_DRIFT: lambda c: replace(c, baseline_drift_adc=60.0),
    Fault.SATURATION: lambda c: replace(c, baseline_adc=SATURATED_BASELINE_ADC),
    Fault.SHIFTED_ARRIVAL: lambda c: replace(c, arrival_shift_ns=24.0),
    Fault.TRUNCATED_FILE: lambda c: replace(c, damage=FileDamage(written_fraction=0.4)),
    Fault.LOST_EVENTS: lambda c: replace(c, damage=FileDamage(lost_fraction=0.03)),
    Fault.DOUBLED_EVENTS: lambda c: replace(c, damage=FileDamage(doubled_fraction=0.03)),
    Fault.SLIPPED_EVENTS: lambda c: replace(c, damage=FileDamage(slips_at=0.25)),
    Fault.SLOW_DAQ: lambda c: replace(c, slowness=5.0),
    Fault.STALLED_DAQ: lambda c: replace(c, acquired_fraction=0.5),
    Fault.LASER_DRIFT: lambda c: replace(c, light_drift=-0.4),
}

SHARED_FAULTS = frozenset({Fault.SLOW_DAQ, Fault.STALLED_DAQ, Fault.LASER_DRIFT})
"""Faults of laser or acquisition: both PMTs and the monitor have them."""


def with_fault(conditions: Conditions, fault: Fault) -> Conditions:
    """Return the conditions as the fault makes them."""
    return _EFFECTS[fault](conditions)
