"""The arithmetic on waveforms: baseline, leading edge, charges, peak.

Pure functions: nothing here opens a file. The loops are in ``kernels``.

The baseline is the mean of the first samples, the start the first sample of
the record above the threshold of this kind of scan, the charge the integral
over [start - before, start + after) as far as the record goes. Fixed-window
and dark charge have their baseline from the quiet samples before the dark
window (see ``place_windows``).

An event is *disturbed* when its quiet samples (the first 40 without fixed
windows) hold a sample further from their mean than the larger of threshold and
6 typical noises, or when the means of their two halves differ by more than 6
standard errors of such a difference. The rule looks at nothing after the quiet
samples, so leaving disturbed events out does not favour any charge.
"""

import numpy as np
from numpy.typing import NDArray

from server_side.pulses.kernels import (
    NO_WINDOW,
    PulseRule,
    WindowRule,
    measure_pulses,
    measure_windows,
)
from server_side.pulses.table import PulseTable
from server_side.pulses.windows import FixedWindows
from server_side.scan import ScanKind
from server_side.settings import AnalysisSettings, ChannelSettings, DaqSettings
from server_side.wavedump.events import EventBlock


def extract_pulses(
    block: EventBlock,
    channel: ChannelSettings,
    daq: DaqSettings,
    analysis: AnalysisSettings,
    kind: ScanKind,
    *,
    trigger_start: NDArray[np.float64] | None = None,
    fixed: FixedWindows | None = None,
) -> PulseTable:
    """Measure the pulses of some events of one channel (definitions: see the module).

    Parameters
    ----------
    trigger_start
        Start of the trigger in the same events (samples; NaN without one).
    fixed
        Integration windows; without them or the trigger there is no window charge.
    """
    events, record_length = block.samples_adc.shape
    pulse = _pulse_rule(channel, daq, analysis, kind, record_length)
    columns, saturated = np.empty((5, events)), np.empty(events, dtype=np.bool_)
    measure_pulses(block.samples_adc, pulse, columns, saturated)
    baseline, noise, start, charge, peak = columns
    rules = (pulse, _window_rule(fixed, noise))
    windows, disturbed = _measure_windows(block, trigger_start, rules)
    return PulseTable(
        channel=channel.number,
        event_number=block.event_number,
        time_tag=block.time_tag,
        baseline_adc=baseline,
        noise_adc=noise,
        start_sample=start,
        charge_pc=charge * daq.pc_per_adc_sample,
        window_charge_pc=windows[0] * daq.pc_per_adc_sample,
        dark_charge_pc=windows[1] * daq.pc_per_adc_sample,
        peak_mv=peak * daq.mv_per_adc,
        saturated=saturated,
        disturbed=disturbed,
    )


def _measure_windows(
    block: EventBlock,
    trigger_start: NDArray[np.float64] | None,
    rules: tuple[PulseRule, WindowRule],
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return signal and dark charge (counts x samples, shape (2, events)), and disturbance."""
    events = len(block.samples_adc)
    triggers = np.full(events, np.nan) if trigger_start is None else trigger_start
    windows, disturbed = np.empty((2, events)), np.empty(events, dtype=np.bool_)
    measure_windows(block.samples_adc, triggers, rules, windows, disturbed)
    return windows, disturbed


def threshold_mv(channel: ChannelSettings, kind: ScanKind) -> float:
    """Return the leading-edge threshold of a channel in this kind of scan (mV)."""
    return channel.threshold_hv_mv if kind is ScanKind.HV else channel.threshold_mv


def _pulse_rule(
    channel: ChannelSettings,
    daq: DaqSettings,
    analysis: AnalysisSettings,
    kind: ScanKind,
    record_length: int,
) -> PulseRule:
    return PulseRule(
        sign=1.0 if channel.polarity == "positive" else -1.0,
        baseline_samples=min(analysis.baseline_samples, record_length),
        threshold=threshold_mv(channel, kind) / daq.mv_per_adc,
        before=analysis.integrate_before_samples,
        after=analysis.integrate_after_samples,
        top=float((1 << daq.adc_bits) - 1),
    )


def _window_rule(fixed: FixedWindows | None, noise: NDArray[np.float64]) -> WindowRule:
    if fixed is None:
        typical = float(np.median(noise)) if len(noise) else 0.0
        return WindowRule(low=0, width=0, dark_low=NO_WINDOW, noise=typical)
    return WindowRule(
        low=fixed.signal_low,
        width=fixed.signal_high - fixed.signal_low,
        dark_low=NO_WINDOW if fixed.dark_low is None else fixed.dark_low,
        noise=fixed.noise_adc,
    )
