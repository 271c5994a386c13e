"""When pulses arrive, how widely spread, how many come without light, how often is triggered."""

import math

import numpy as np
from numpy.typing import NDArray

from server_side.pulses import ArrivalWindow, PulseColumns, PulseReading
from server_side.pulses.extract import threshold_mv
from server_side.quality.arrival import fit_arrival_shape
from server_side.quality.quantities import MIN_VALUES, measured
from server_side.result import Measurement, Missing
from server_side.scan import ScanPlan
from server_side.selection import Selection
from server_side.settings import ChannelRole

TIMING_NAMES = ("arrival_time_ns", "arrival_spread_ns", "arrival_tail_ns")
TIMING_MEANINGS = (
    "Centre of the Gaussian part of PMT start less trigger start.",
    "Sigma of the Gaussian part: the transit time spread with the trigger's own.",
    "Decay time of the exponential tail of late pulses.",
)
TIME_TAG_VALUES = 1 << 31
"""The trigger time tag has 31 bits and wraps."""


def measure_timing(
    reading: PulseReading, selection: Selection, plan: ScanPlan, pmt_channel: int
) -> tuple[Measurement, ...]:
    """Return arrival time, spread, tail, dark rate and trigger rate."""
    daq = plan.settings.daq
    rate = _trigger_rate(reading.pulses.of(pmt_channel), daq.time_tag_ns)
    return *_measure_arrivals(reading, selection, plan, pmt_channel), rate


def _measure_arrivals(
    reading: PulseReading, selection: Selection, plan: ScanPlan, pmt_channel: int
) -> tuple[Measurement, ...]:
    daq = plan.settings.daq
    trigger = next((c.number for c in daq.channels if c.role is ChannelRole.TRIGGER), None)
    if trigger is None or not isinstance(selection.arrival, ArrivalWindow):
        reason = "there is no trigger channel" if trigger is None else selection.note
        names = (*TIMING_NAMES, "dark_rate_hz")
        return tuple(Missing(name=name, reason=reason) for name in names)
    arrival_ns = reading.pulses.arrival_ns(pmt_channel, trigger, daq.sample_ns)
    window = selection.arrival.window
    in_time = arrival_ns[(arrival_ns > window.low_ns) & (arrival_ns < window.high_ns)]
    return (
        *_shape_measurements(in_time, daq.sample_ns),
        _dark_rate(
            arrival_ns,
            reading.pulses.of(trigger).start_sample * daq.sample_ns,
            window.low_ns,
            _threshold_of(plan, pmt_channel),
        ),
    )


def _shape_measurements(
    arrival_ns: NDArray[np.float64], sample_ns: float
) -> tuple[Measurement, ...]:
    shape = fit_arrival_shape(arrival_ns, sample_ns)
    if isinstance(shape, str):
        return tuple(Missing(name=name, reason=shape) for name in TIMING_NAMES)
    rows = zip(TIMING_NAMES, shape.values, shape.errors, TIMING_MEANINGS, strict=True)
    return tuple(measured(name, value, error, "ns", text) for name, value, error, text in rows)


def _dark_rate(
    arrival_ns: NDArray[np.float64],
    trigger_ns: NDArray[np.float64],
    light_from_ns: float,
    mv: float,
) -> Measurement:
    """Return the rate of pulses that start before the light can arrive.

    Only an event's first leading edge is recorded, so an event stops counting
    at its first pulse; at these rates that loses less than one in a thousand.
    """
    triggers = trigger_ns[np.isfinite(trigger_ns)]
    live_ns = float(np.sum(np.maximum(triggers + light_from_ns, 0.0)))
    if live_ns <= 0:
        reason = "the record holds nothing before the light arrives"
        return Missing(name="dark_rate_hz", reason=reason)
    early = int(np.sum(arrival_ns < light_from_ns))
    per_s = 1e9 / live_ns
    meaning = f"Pulses above {mv:g} mV before the light arrives, per time observed there."
    error = math.sqrt(max(early, 1)) * per_s
    return measured("dark_rate_hz", early * per_s, error, "Hz", meaning)


def _trigger_rate(table: PulseColumns, time_tag_ns: float) -> Measurement:
    """Return triggers per time by the time tags; events that were lost still count."""
    name = "trigger_rate_hz"
    if len(table) < MIN_VALUES or np.any(table.time_tag < 0):
        return Missing(name=name, reason="the files hold no time tags, or too few events")
    passed = np.sum(np.diff(table.time_tag) % TIME_TAG_VALUES) * time_tag_ns * 1e-9
    triggers = int(table.event_number[-1] - table.event_number[0])
    if not passed > 0 or triggers <= 0:
        return Missing(name=name, reason="the time tags stand still")
    rate = triggers / float(passed)
    meaning = "Events over the time from the first trigger's time tag to the last one's."
    return measured(name, rate, rate / math.sqrt(triggers), "Hz", meaning)


def _threshold_of(plan: ScanPlan, pmt_channel: int) -> float:
    channels = plan.settings.daq.channels
    channel = next(c for c in channels if c.number == pmt_channel)
    return threshold_mv(channel, plan.kind)
