"""Which charges enter a spectrum: the cuts on arrival time and charge. Arrays in, arrays out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from server_side.result import Spectrum, SpectrumName
from server_side.settings import AnalysisSettings, Window

ARRIVAL_BEFORE_NS = 5.0
ARRIVAL_AFTER_NS = 7.0
"""Around the most frequent arrival: five sigma of the transit time spread (0.95 ns) before it,
and after it room for the tail of 2 ns; the peers' windows are 9 to 20 ns wide."""
MIN_ARRIVALS = 50
MIN_ARRIVAL_EXCESS = 5.0
"""The light's peak must hold so many times the pulses of an average span of the same length."""


@dataclass(frozen=True)
class ArrivalSearch:
    """Where the light's pulses arrive."""

    window: Window | None
    """None when no time stands out."""
    note: str
    """How it was found, or why not."""


@dataclass(frozen=True)
class Selection:
    """The charges of one point that the spectrum is made of."""

    charge_pc: NDArray[np.float64]
    """Charges in the arrival window, before the charge cut; shape (pulses in time,)."""
    arrival_window: Window | None
    pulses: int
    """Triggers with a pulse above threshold."""
    note: str
    """How the arrival window was found, or why there is none."""

    def within(self, low_pc: float, high_pc: float) -> NDArray[np.float64]:
        """Return the charges between two cuts."""
        return self.charge_pc[(self.charge_pc > low_pc) & (self.charge_pc < high_pc)]


def select_charges(
    charge_pc: NDArray[np.float64],
    arrival_ns: NDArray[np.float64],
    settings: AnalysisSettings,
    sample_ns: float,
) -> Selection:
    """Keep the charges of pulses that arrive with the light.

    Parameters
    ----------
    charge_pc
        Thresholded charge of each trigger, NaN where there is no pulse; shape (events,).
    arrival_ns
        Start of the PMT's pulse less start of the trigger's, NaN where either is
        missing; shape (events,).
    settings
        ``arrival_window`` where it is fixed; found from the data otherwise.
    sample_ns
        Time between two samples: arrivals are multiples of it.
    """
    timed = np.isfinite(charge_pc) & np.isfinite(arrival_ns)
    search = (
        ArrivalSearch(settings.arrival_window, "arrival window from the settings")
        if settings.arrival_window is not None
        else find_arrival_window(arrival_ns[timed], sample_ns)
    )
    window = search.window
    if window is None:
        return Selection(np.zeros(0), None, int(timed.sum()), search.note)
    in_time = timed & (arrival_ns > window.low_ns) & (arrival_ns < window.high_ns)
    return Selection(charge_pc[in_time], window, int(timed.sum()), search.note)


def find_arrival_window(arrival_ns: NDArray[np.float64], sample_ns: float) -> ArrivalSearch:
    """Find the time at which the light's pulses arrive.

    The most frequent arrival, in steps of the sampling; the window reaches from
    ``ARRIVAL_BEFORE_NS`` before it to ``ARRIVAL_AFTER_NS`` after it. Dark pulses
    arrive at any time: unless the window holds far more than its share of the
    span, there is no light.

    Parameters
    ----------
    arrival_ns
        Finite arrival times, shape (pulses,).
    sample_ns
        Time between two samples.
    """
    if len(arrival_ns) < MIN_ARRIVALS:
        return ArrivalSearch(None, f"{len(arrival_ns)} pulses: too few to find when light arrives")
    step = np.rint(arrival_ns / sample_ns).astype(np.int64)
    times, pulses = np.unique(step, return_counts=True)
    centre = float(times[np.argmax(pulses)]) * sample_ns
    window = Window(low_ns=centre - ARRIVAL_BEFORE_NS, high_ns=centre + ARRIVAL_AFTER_NS)
    inside = (arrival_ns > window.low_ns) & (arrival_ns < window.high_ns)
    length = window.high_ns - window.low_ns
    span = max(float(np.ptp(arrival_ns)), 10.0 * length)
    outside = float(np.sum(~inside)) * length / span
    if float(inside.sum()) < MIN_ARRIVAL_EXCESS * outside:
        return ArrivalSearch(None, "no arrival time stands out: the pulses come at any time")
    return ArrivalSearch(
        window, f"arrival window {window.low_ns:g} to {window.high_ns:g} ns, found from the data"
    )


def threshold_spectrum(selection: Selection, settings: AnalysisSettings) -> Spectrum:
    """Fill the histogram of the thresholded charges in equal bins between the charge cuts."""
    low, high = settings.charge_low_pc, settings.charge_high_pc
    edges = np.linspace(low, high, settings.charge_bins + 1)
    counts, _ = np.histogram(selection.within(low, high), bins=edges)
    return Spectrum(
        name=SpectrumName.THRESHOLD,
        edges_pc=tuple(float(edge) for edge in edges),
        counts=tuple(int(count) for count in counts),
        below=int(np.sum(selection.charge_pc <= low)),
        above=int(np.sum(selection.charge_pc >= high)),
        definition=(
            f"charge from {settings.integrate_before_samples} samples before the leading edge to "
            f"{settings.integrate_after_samples} after it; {selection.note}; "
            f"{low:g} < charge < {high:g} pC"
        ),
    )
