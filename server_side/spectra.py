"""Spectra of the fixed windows: every trigger counts, so they hold the pedestal.

The range comes from the data: a pedestal that moved, a gain ten times too high
and a PMT that saw no light must all be inside it.
"""

import numpy as np
from numpy.typing import NDArray

from server_side.pulses import PulseColumns, PulseRows
from server_side.result import Spectrum, SpectrumName

BINS = 300
TAIL = 0.001
"""This part of the charges may lie beyond each end, unless it is close by; at the upper end
this part of those with light, because the mean SPE charge is theirs."""
LEAST_LIGHT = 0.005
"""Fewer charges above the dark ones are the dark's own tail, and decide no range."""
MARGIN = 0.1
"""Of the range between the tails, added at each end."""
LEAST_RANGE_PC = 0.5


def fixed_window_spectra(pulses: PulseRows, channel: int) -> tuple[Spectrum, ...]:
    """Return the spectra of signal and dark window of a channel in the same bins.

    A window that was not measured in any event gives no spectrum.
    """
    edges = _find_edges(pulses.of(channel))
    if edges is None:
        return ()
    signal, dark, disturbed = _WindowCounts(edges), _WindowCounts(edges), 0
    for chunk in pulses.chunks():
        table = chunk.of(channel)
        is_disturbed = table.disturbed
        signal.add(table.window_charge_pc[~is_disturbed])
        dark.add(table.dark_charge_pc[~is_disturbed])
        disturbed += int(is_disturbed.sum())
    without = f"{disturbed} events with a disturbed baseline left out"
    text = f"charge in a fixed window after the trigger, every trigger; {without}"
    found = [signal.spectrum(SpectrumName.WINDOW, text)]
    if dark.charges:
        text = f"charge in a window of the same length before the pulse; {without}"
        found.append(dark.spectrum(SpectrumName.DARK, text))
    return tuple(found)


def _find_edges(table: PulseColumns) -> NDArray[np.float64] | None:
    """Return bins that hold the charges of both windows, None without a measured signal window."""
    quiet = ~table.disturbed
    signal, dark = table.window_charge_pc[quiet], table.dark_charge_pc[quiet]
    if not np.isfinite(signal).any():
        return None
    charge_pc = np.concatenate([signal[np.isfinite(signal)], dark[np.isfinite(dark)]])
    low, high = np.quantile(charge_pc, [TAIL, 1.0 - TAIL])
    high = max(high, _upper_tail(signal[np.isfinite(signal)], dark[np.isfinite(dark)]))
    margin = max(MARGIN * (high - low), 0.5 * LEAST_RANGE_PC)
    return np.linspace(low - margin, high + margin, BINS + 1)


def _upper_tail(signal: NDArray[np.float64], dark: NDArray[np.float64]) -> float:
    """Return the charge that few of the charges with light exceed."""
    if not dark.size:
        return float(np.quantile(signal, 1.0 - TAIL))
    light = signal[signal > np.quantile(dark, 1.0 - TAIL)]
    if len(light) < LEAST_LIGHT * len(signal):
        return float(np.quantile(signal, 1.0 - TAIL))
    return float(np.quantile(light, 1.0 - TAIL))


class _WindowCounts:
    """A histogram that is filled some charges at a time."""

    def __init__(self, edges: NDArray[np.float64]) -> None:
        self._edges = edges
        self._counts = np.zeros(len(edges) - 1, np.int64)
        self._below = self._above = 0

    @property
    def charges(self) -> int:
        """How many were added."""
        return int(self._counts.sum()) + self._below + self._above

    def add(self, charge_pc: NDArray[np.float64]) -> None:
        """Count charges; NaN is none."""
        self._counts += np.histogram(charge_pc[charge_pc < self._edges[-1]], bins=self._edges)[0]
        self._below += int(np.sum(charge_pc < self._edges[0]))
        self._above += int(np.sum(charge_pc >= self._edges[-1]))

    def spectrum(self, name: SpectrumName, definition: str) -> Spectrum:
        """Return what was counted."""
        return Spectrum(
            name=name,
            edges_pc=tuple(float(edge) for edge in self._edges),
            counts=tuple(int(count) for count in self._counts),
            below=self._below,
            above=self._above,
            definition=definition,
        )
