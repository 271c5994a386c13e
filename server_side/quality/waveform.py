"""Baseline, noise, pulse height, and events that are damaged, lost or out of range."""

import math

import numpy as np

from server_side.pulses import PulseColumns, PulseReading
from server_side.quality.quantities import MIN_VALUES, drift, fraction, mean, measured
from server_side.result import Measurement, Missing
from server_side.selection import Selection
from server_side.settings import DaqSettings


def measure_waveform(
    reading: PulseReading, table: PulseColumns, daq: DaqSettings, selection: Selection
) -> tuple[Measurement, ...]:
    """Return what the waveforms of the PMT say of the electronics."""
    events = len(table)
    return (
        mean("baseline_mean_adc", table.baseline_adc, "counts", "Mean baseline of the PMT."),
        mean("baseline_noise_adc", table.noise_adc, "counts", "Mean noise of the baseline."),
        drift(
            "baseline_drift_adc",
            table.baseline_adc,
            "counts",
            "Change of the baseline from the first event to the last, by a straight line.",
        ),
        _pulse_to_noise(table, daq),
        _hit_fraction(selection, len(reading.pulses)),
        fraction(
            "saturated_fraction",
            int(table.saturated.sum()),
            events,
            "Events with a sample at the end of the ADC's range.",
        ),
        fraction(
            "disturbed_fraction",
            int(table.disturbed.sum()),
            events,
            "Events whose quiet samples hold a pulse or a jump.",
        ),
        *_lost_and_damaged(reading),
    )


def _pulse_to_noise(table: PulseColumns, daq: DaqSettings) -> Measurement:
    name = "pulse_to_noise"
    height = table.peak_mv[np.isfinite(table.start_sample) & np.isfinite(table.peak_mv)]
    noise = table.noise_adc[np.isfinite(table.noise_adc)]
    if len(height) < MIN_VALUES or len(noise) == 0 or not np.median(noise) > 0:
        return Missing(name=name, reason=f"{len(height)} pulses, {MIN_VALUES} are needed")
    noise_mv = float(np.median(noise)) * daq.mv_per_adc
    spread = float(height.std(ddof=1)) / math.sqrt(len(height))
    meaning = "Median height of the pulses above threshold over the median baseline noise."
    ratio = float(np.median(height)) / noise_mv
    return measured(name, ratio, 1.253 * spread / noise_mv, "", meaning)


def _hit_fraction(selection: Selection, events: int) -> Measurement:
    meaning = "Triggers with a pulse above threshold at the light's arrival; not the occupancy."
    return fraction("hit_fraction", selection.in_time, events, meaning)


def _lost_and_damaged(reading: PulseReading) -> tuple[Measurement, Measurement]:
    """Return the worst channel's shares."""
    lost = max((loss.lost_events for loss in reading.pulses.losses), default=0)
    kept = len(reading.pulses)
    worst = max(
        (channel.summary for channel in reading.channels),
        key=lambda summary: summary.skipped_events / max(summary.events, 1),
        default=None,
    )
    damaged = 0 if worst is None else worst.skipped_events
    whole = damaged + (0 if worst is None else worst.events)
    return (
        fraction("lost_fraction", lost, kept + lost, "Events that the worst channel lacks."),
        fraction("damaged_fraction", damaged, whole, "Damaged events of the worst channel."),
    )
