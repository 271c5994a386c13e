"""Which charges enter a spectrum: the cuts on arrival time and charge. Arrays in, arrays out.

The arrival window is found from all pulses of a point, and only then is it known
which of them count. ``ChargeByArrival`` needs to see them once all the same: it
counts charges in the bins of the spectrum for each arrival time.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from server_side.pulses.arrival_times import ArrivalTimes
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

    counts: NDArray[np.int64]
    """Charges in the arrival window at or below the charge cuts, in each bin between them,
    and at or above them; shape (bins + 2,)."""
    arrival: ArrivalWindow | NoArrivalWindow
    pulses: int
    """Triggers with a pulse above threshold."""

    @property
    def in_time(self) -> int:
        """Pulses in the arrival window."""
        return int(self.counts.sum())

    @property
    def selected(self) -> int:
        """Pulses in the arrival window whose charge lies between the cuts."""
        return int(self.counts[1:-1].sum())

    @property
    def note(self) -> str:
        """How the arrival window was found, or why there is none."""
        if isinstance(self.arrival, NoArrivalWindow):
            return f"no arrival window: {self.arrival.reason}"
        window = self.arrival.window
        return f"{window.low_ns:g} < arrival < {window.high_ns:g} ns (from {self.arrival.origin})"


class ChargeByArrival:
    """Counts of thresholded charges by arrival time and bin; its size is that of a record.

    Parameters
    ----------
    settings
        ``arrival_window`` where it is fixed; found from the data otherwise.
    sample_ns
        Time between two samples: arrivals are multiples of it.
    """

    def __init__(self, settings: AnalysisSettings, sample_ns: float) -> None:
        self._settings = settings
        self._sample_ns = sample_ns
        self._first = 0
        self._counts = np.zeros((0, settings.charge_bins + 2), np.int64)

    def add(self, charge_pc: NDArray[np.float64], arrival_ns: NDArray[np.float64]) -> None:
        """Count some triggers.

        Parameters
        ----------
        charge_pc
            Thresholded charge of each trigger, NaN where there is no pulse; shape (events,).
        arrival_ns
            Start of the PMT's pulse less start of the trigger's, NaN where either is
            missing; shape (events,).
        """
        timed = np.isfinite(charge_pc) & np.isfinite(arrival_ns)
        if not timed.any():
            return
        steps = np.rint(arrival_ns[timed] / self._sample_ns).astype(np.int64)
        self._make_room(int(steps.min()), int(steps.max()))
        places = (steps - self._first) * self._counts.shape[1] + self._bins_of(charge_pc[timed])
        found = np.bincount(places, minlength=self._counts.size)
        self._counts += found.reshape(self._counts.shape)

    def select(self) -> Selection:
        """Find the arrival window, and keep the charges that arrive with the light."""
        arrivals = ArrivalTimes(self._first, self._counts.sum(axis=1), self._sample_ns)
        given = self._settings.arrival_window
        arrival = given_arrival_window(given, arrivals) if given else find_arrival_window(arrivals)
        in_time = np.zeros(len(self._counts), np.bool_)
        if isinstance(arrival, ArrivalWindow):
            in_time = is_inside(arrival.window, arrivals.times_ns)
        return Selection(self._counts[in_time].sum(axis=0), arrival, arrivals.pulses)

    def _make_room(self, low: int, high: int) -> None:
        if len(self._counts) == 0:
            self._first = low
        before = max(0, self._first - low)
        behind = max(0, high + 1 - self._first - len(self._counts))
        self._counts = np.pad(self._counts, ((before, behind), (0, 0)))
        self._first -= before

    def _bins_of(self, charge_pc: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return 0 at or below the lower cut, the bin from 1, one more at the upper cut."""
        bins = np.searchsorted(_edges(self._settings), charge_pc, side="right")
        return np.where(charge_pc <= self._settings.charge_low_pc, 0, bins)


def select_charges(
    charge_pc: NDArray[np.float64],
    arrival_ns: NDArray[np.float64],
    settings: AnalysisSettings,
    sample_ns: float,
) -> Selection:
    """Keep the charges of pulses that arrive with the light; see ``ChargeByArrival``."""
    charges = ChargeByArrival(settings, sample_ns)
    charges.add(charge_pc, arrival_ns)
    return charges.select()


def threshold_spectrum(selection: Selection, settings: AnalysisSettings) -> Spectrum:
    """Fill the histogram of the thresholded charges in equal bins between the charge cuts."""
    low, high = settings.charge_low_pc, settings.charge_high_pc
    below, *counts, above = selection.counts
    return Spectrum(
        name=SpectrumName.THRESHOLD,
        edges_pc=tuple(float(edge) for edge in _edges(settings)),
        counts=tuple(int(count) for count in counts),
        below=int(below),
        above=int(above),
        definition=(
            f"charge from {settings.integrate_before_samples} samples before the leading edge to "
            f"{settings.integrate_after_samples} after it; {selection.note}; "
            f"{low:g} < charge < {high:g} pC"
        ),
    )


def _edges(settings: AnalysisSettings) -> NDArray[np.float64]:
    return np.linspace(settings.charge_low_pc, settings.charge_high_pc, settings.charge_bins + 1)
