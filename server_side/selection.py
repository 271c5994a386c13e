"""Which charges enter a spectrum: the cuts on arrival time and charge. Arrays in, arrays out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from server_side.pulses.windows import (
    ArrivalWindow,
    NoArrivalWindow,
    find_arrival_window,
    given_arrival_window,
    is_inside,
)
from server_side.result import Spectrum, SpectrumName
from server_side.settings import AnalysisSettings


@dataclass(frozen=True)
class Selection:
    """The charges of one point that the spectrum is made of."""

    charge_pc: NDArray[np.float64]
    """Charges in the arrival window, before the charge cut; shape (pulses in time,)."""
    arrival: ArrivalWindow | NoArrivalWindow
    pulses: int
    """Triggers with a pulse above threshold."""

    def within(self, low_pc: float, high_pc: float) -> NDArray[np.float64]:
        """Return the charges between two cuts."""
        return self.charge_pc[(self.charge_pc > low_pc) & (self.charge_pc < high_pc)]

    @property
    def note(self) -> str:
        """How the arrival window was found, or why there is none."""
        if isinstance(self.arrival, NoArrivalWindow):
            return f"no arrival window: {self.arrival.reason}"
        window = self.arrival.window
        return f"{window.low_ns:g} < arrival < {window.high_ns:g} ns (from {self.arrival.origin})"


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
    arrival = (
        given_arrival_window(settings.arrival_window, arrival_ns[timed])
        if settings.arrival_window is not None
        else find_arrival_window(arrival_ns[timed], sample_ns)
    )
    if isinstance(arrival, NoArrivalWindow):
        return Selection(np.zeros(0), arrival, int(timed.sum()))
    in_time = timed & is_inside(arrival.window, arrival_ns)
    return Selection(charge_pc[in_time], arrival, int(timed.sum()))


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
