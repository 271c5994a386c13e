"""When the light's pulses arrive, how widely spread, and how many pulses come without light."""

import math

import numpy as np
from numpy.typing import NDArray

from server_side.pulses import ArrivalWindow, PulseReading
from server_side.pulses.extract import threshold_mv
from server_side.quality.arrival import fit_arrival_shape
from server_side.quality.quantities import measured
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


def measure_timing(
    reading: PulseReading, selection: Selection, plan: ScanPlan, pmt_channel: int
) -> tuple[Measurement, ...]:
    """Return arrival time, spread, tail and dark rate."""
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


def _threshold_of(plan: ScanPlan, pmt_channel: int) -> float:
    channels = plan.settings.daq.channels
    channel = next(c for c in channels if c.number == pmt_channel)
    return threshold_mv(channel, plan.kind)
