"""Fixed-window charges drawn from the simulator's own distributions, without waveforms.

For benches and tests that need many points: photoelectrons, transit times,
charges, pulse shape and noise are those of ``server_side.simulate``; windows
are placed, and histograms filled, by the code that measures. What is left out is
the waveform itself: digitisation and the search for leading edges.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from server_side.gain_fit import GainFitter
from server_side.hv_curve import HvCurve, fit_hv_curve
from server_side.pulses.align import align
from server_side.pulses.table import unmeasured_table
from server_side.pulses.windows import FixedWindows, charge_window_for, place_windows
from server_side.result import ELEMENTARY_CHARGE_C, FitOutcome, Spectrum, ValidFit
from server_side.settings import DaqSettings, Window
from server_side.simulate.pulse_shape import STEP_NS, pmt_pulse
from server_side.simulate.settings import LightSettings, SimulatedPmt, SpeSettings
from server_side.spectra import fixed_window_spectra

Array = NDArray[np.float64]
DAQ, LIGHT = DaqSettings(), LightSettings()
ARRIVAL = Window(low_ns=317.0, high_ns=333.0)
"""Where the analysis finds the arrivals of the simulator's light."""
STEPS_V = (-100, -50, 0, 50, 100)


@dataclass(frozen=True)
class HvCase:
    """One simulated HV check."""

    true_hv_v: float
    index: float
    spe: SpeSettings
    occupancy: float
    nominal_v: int
    triggers: int = 100_000

    @property
    def voltages_v(self) -> tuple[int, ...]:
        """The voltages that are measured."""
        return tuple(self.nominal_v + step for step in STEPS_V)

    def gain(self, voltage_v: float) -> float:
        """Return the true gain_peak at a voltage."""
        return 1e7 * float((voltage_v / self.true_hv_v) ** self.index)


@dataclass(frozen=True)
class WindowPoint:
    """One simulated point."""

    gain_peak: float
    spe: SpeSettings
    occupancy: float
    triggers: int


def window_spectrum(point: WindowPoint, random: np.random.Generator) -> Spectrum:
    """Draw the spectrum of the fixed window of one point."""
    windows = _place_windows(point.triggers, random)
    assert windows.dark_low is not None
    signal = _charges(point, windows, windows.signal_low, random)
    dark = _charges(point, windows, windows.dark_low, random)
    events = unmeasured_table(2, np.arange(point.triggers))
    table = replace(events, window_charge_pc=signal, dark_charge_pc=dark)
    return fixed_window_spectra(align([table]), 2)[0]


def fit_case(
    fitter: GainFitter, case: HvCase, random: np.random.Generator
) -> tuple[HvCurve, tuple[FitOutcome, ...]]:
    """Draw and fit every voltage of a case, and the power law through them."""
    points = (
        WindowPoint(case.gain(voltage_v), case.spe, case.occupancy, case.triggers)
        for voltage_v in case.voltages_v
    )
    fits = tuple(fitter.fit(window_spectrum(point, random), "dft") for point in points)
    gains = [fit.gain_peak if isinstance(fit, ValidFit) else float("nan") for fit in fits]
    errors = [fit.gain_peak_err if isinstance(fit, ValidFit) else float("nan") for fit in fits]
    return fit_hv_curve(case.voltages_v, gains, errors), fits


def _place_windows(triggers: int, random: np.random.Generator) -> FixedWindows:
    edge = LIGHT.trigger_ns + DAQ.sample_ns * random.random(min(triggers, 2000))
    starts = np.ceil(edge / DAQ.sample_ns)
    placed = place_windows(
        charge_window_for(ARRIVAL), starts, DAQ.record_length, DAQ.sample_ns, noise_adc=4.4
    )
    assert isinstance(placed, FixedWindows)
    return placed


def _charges(
    point: WindowPoint, windows: FixedWindows, low: int, random: np.random.Generator
) -> Array:
    """Return the charge of every trigger in a window that begins ``low`` samples after it."""
    width = windows.signal_high - windows.signal_low
    charge = _noise_pc(width, windows, point.triggers, random)
    event, time_ns = _photoelectrons(point.occupancy, point.triggers, random)
    begin = low * DAQ.sample_ns
    caught = _caught(begin - time_ns, begin + width * DAQ.sample_ns - time_ns)
    peak_pc = point.gain_peak * ELEMENTARY_CHARGE_C * 1e12
    charges_pc = peak_pc * point.spe.distribution().sample(len(event), random)
    charge += np.bincount(event, charges_pc * caught, minlength=point.triggers)
    return charge


def _noise_pc(
    width: int, windows: FixedWindows, triggers: int, random: np.random.Generator
) -> Array:
    """Return noise of the window and of its baseline, which all samples before both have."""
    quiet = round(LIGHT.trigger_ns / DAQ.sample_ns) + (windows.dark_low or 0)
    per_sample = SimulatedPmt.model_fields["noise_adc"].default * DAQ.pc_per_adc_sample
    spread = per_sample * np.sqrt(width + width**2 / quiet)
    noise: Array = spread * random.standard_normal(triggers)
    return noise


def _photoelectrons(
    occupancy: float, triggers: int, random: np.random.Generator
) -> tuple[NDArray[np.int64], Array]:
    """Return event and time after the trigger of photoelectrons of the light, and dark ones."""
    event = np.repeat(np.arange(triggers), random.poisson(occupancy, triggers))
    number = len(event)
    time_ns = (
        LIGHT.arrival_ns
        + LIGHT.trigger_jitter_ns * random.standard_normal(number)
        + LIGHT.transit_sigma_ns * random.standard_normal(number)
        + LIGHT.transit_tail_ns * random.standard_exponential(number)
    )
    late = random.random(number) < LIGHT.late_fraction
    time_ns += np.where(late, LIGHT.late_ns * random.standard_exponential(number), 0.0)
    record_ns = DAQ.record_length * DAQ.sample_ns
    rate_hz = SimulatedPmt.model_fields["dark_rate_hz"].default
    dark = np.repeat(np.arange(triggers), random.poisson(rate_hz * record_ns * 1e-9, triggers))
    dark_ns = record_ns * random.random(len(dark)) - LIGHT.trigger_ns
    return np.concatenate([event, dark]), np.concatenate([time_ns, dark_ns])


def _caught(low_ns: Array, high_ns: Array) -> Array:
    """Return which part of a pulse lies between two times after its half height."""
    shape = pmt_pulse()
    time_ns = shape.first_ns + STEP_NS * np.arange(len(shape.height))
    area = np.cumsum(shape.height, dtype=np.float64)
    part: Array = np.interp(high_ns, time_ns, area / area[-1]) - np.interp(
        low_ns, time_ns, area / area[-1]
    )
    return part
