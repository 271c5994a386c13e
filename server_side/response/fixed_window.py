"""What models of the fixed-window charge share: pedestal and occupancy, and their start.

Every trigger has a charge there, so the spectrum holds the pedestal, and the
share of triggers in it tells the occupancy.
"""

import math
from collections.abc import Callable

import numpy as np

from server_side.response.model import Array, ModelParameter, ResponseQuantity, StartRow
from server_side.response.pedestal import PedestalStart

PARAMETERS = (
    ModelParameter("triggers", "events"),
    ModelParameter("occupancy", "photoelectrons per trigger"),
    ModelParameter("ped_mean_pc", "pC"),
    ModelParameter("ped_sigma_pc", "pC"),
)
"""The first parameters of each of these models."""
OCCUPANCY = ResponseQuantity(
    "occupancy", "", "Mean photoelectrons per trigger.", lambda values: float(values[1])
)


def start_rows(found: PedestalStart, bin_width_pc: float) -> tuple[StartRow, ...]:
    """Return the start of the shared parameters."""
    total, occupancy = found.triggers, found.occupancy
    mean, sigma, root = found.mean_pc, found.sigma_pc, math.sqrt(found.triggers)
    least_sigma = 0.3 * bin_width_pc
    widest = 3.0 * sigma + least_sigma
    begin = max(sigma, 2.0 * least_sigma)
    least, most = 0.3 * occupancy, 3.0 * occupancy + 0.05
    return (
        StartRow(total, root, 0.5 * total, 1.5 * total),
        StartRow(occupancy, math.sqrt(occupancy / total), least, most),
        StartRow(mean, 2.0 * sigma / root, mean - 2.0 * sigma, mean + 2.0 * sigma),
        StartRow(begin, 2.0 * sigma / root, least_sigma, widest),
    )


def peak_error_pc(found: PedestalStart) -> float:
    """Return about the error that the SPE peak will have: a step for its parameters."""
    return found.spe_peak_pc / math.sqrt(found.triggers * min(found.occupancy, 1.0))


def peak_to_valley_of(expected: Callable[[Array, Array], Array]) -> ResponseQuantity:
    """Return the peak-to-valley ratio of a model whose fifth parameter is the SPE position.

    Parameters
    ----------
    expected
        The model's expected counts from parameter values and edges.
    """

    def ratio_of(values: Array) -> float:
        edges = np.linspace(values[2], values[2] + 2.0 * values[4], 401)
        density = expected(values, edges)
        peak = int(np.argmax(density[100:300])) + 100
        if peak in {100, 299}:
            # The curve rises on beyond where the peak of one photoelectron can be.
            return math.nan
        valley = float(density[:peak].min())
        ratio = float(density[peak]) / valley if valley > 0 else math.nan
        return ratio if ratio > 1.0 else math.nan

    return ResponseQuantity(
        "peak_to_valley",
        "",
        "Height of the fitted SPE peak over the valley between it and the pedestal.",
        ratio_of,
    )
