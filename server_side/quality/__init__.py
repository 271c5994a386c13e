"""The measured quantities of a point beside its gain: values with errors, no limits.

Limits, and what a value outside of them means, are the executor's. What cannot
be measured says why. ``docs/measurement.md`` derives each quantity.
"""

from server_side.pulses import PulseReading
from server_side.quality.light import measure_light
from server_side.quality.response import measure_response
from server_side.quality.timing import measure_timing
from server_side.quality.waveform import measure_waveform
from server_side.result import FitOutcome, Measurement
from server_side.scan import ScanPlan
from server_side.selection import Selection

__all__ = ["measure_quality"]


def measure_quality(
    reading: PulseReading,
    selection: Selection,
    fits: tuple[FitOutcome, ...],
    plan: ScanPlan,
    pmt_channel: int,
) -> tuple[Measurement, ...]:
    """Measure everything that the executor may judge, in a fixed order.

    Parameters
    ----------
    reading
        Pulse features of all channels, rows aligned.
    selection
        The charges that passed the arrival cut.
    fits
        Outcomes of all models that were fitted.
    pmt_channel
        Channel of the photomultiplier under test.
    """
    table = reading.pulses.of(pmt_channel)
    response = measure_response(fits, table)
    return (
        *response,
        *measure_timing(reading, selection, plan, pmt_channel),
        *measure_waveform(reading, table, plan.settings.daq, selection),
        *measure_light(reading, plan, response),
    )
