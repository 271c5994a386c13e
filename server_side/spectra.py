"""Spectra of the fixed windows: every trigger counts, so they hold the pedestal.

The range comes from the data: a pedestal that moved, a gain ten times too high
and a PMT that saw no light must all be inside it.
"""

import numpy as np
from numpy.typing import NDArray

from server_side.pulses import PulseTable
from server_side.result import Spectrum, SpectrumName

BINS = 300
TAIL = 0.001
"""This part of the charges may lie beyond each end, unless it is close by."""
MARGIN = 0.1
"""Of the range between the tails, added at each end."""
LEAST_RANGE_PC = 0.5


def fixed_window_spectra(table: PulseTable) -> tuple[Spectrum, ...]:
    """Return the spectra of signal and dark window in the same bins.

    Parameters
    ----------
    table
        Of the PMT. A window that was not measured in any event gives no spectrum.
    """
    quiet = ~table.disturbed
    signal = table.window_charge_pc[quiet & np.isfinite(table.window_charge_pc)]
    dark = table.dark_charge_pc[quiet & np.isfinite(table.dark_charge_pc)]
    if len(signal) == 0:
        return ()
    edges = _edges(np.concatenate([signal, dark]))
    without = f"{int(table.disturbed.sum())} events with a disturbed baseline left out"
    text = f"charge in a fixed window after the trigger, every trigger; {without}"
    found = [_fill(SpectrumName.WINDOW, signal, edges, text)]
    if len(dark) > 0:
        text = f"charge in a window of the same length before the pulse; {without}"
        found.append(_fill(SpectrumName.DARK, dark, edges, text))
    return tuple(found)


def _edges(charge_pc: NDArray[np.float64]) -> NDArray[np.float64]:
    low, high = np.quantile(charge_pc, [TAIL, 1.0 - TAIL])
    margin = max(MARGIN * (high - low), 0.5 * LEAST_RANGE_PC)
    return np.linspace(low - margin, high + margin, BINS + 1)


def _fill(
    name: SpectrumName, charge_pc: NDArray[np.float64], edges: NDArray[np.float64], definition: str
) -> Spectrum:
    counts, _ = np.histogram(charge_pc[charge_pc < edges[-1]], bins=edges)
    return Spectrum(
        name=name,
        edges_pc=tuple(float(edge) for edge in edges),
        counts=tuple(int(count) for count in counts),
        below=int(np.sum(charge_pc < edges[0])),
        above=int(np.sum(charge_pc >= edges[-1])),
        definition=definition,
    )
