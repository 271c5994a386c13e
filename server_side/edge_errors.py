"""Errors of a minimum at an edge of physics, as if the nuisance held there were free.

The estimate stays inside of physics; its error is the one without the edge, as the
curvature of the likelihood there gives it. A parabola of the other parameters alone
would count the nuisance as known.
"""

from dataclasses import replace

import numpy as np

from server_side.fit_outcome import Minimum
from server_side.likelihood import BinnedLikelihood

MIXED_PART = 0.1
"""Of the step, over which mixed derivatives are taken: near the edge they change fast ..."""
LINE_PART = 0.5
"""... and over which the curvature is, which must stand out of rounding."""


def free_at_edge(minimum: Minimum, likelihood: BinnedLikelihood, slot: int, step: float) -> Minimum:
    """Return the minimum with one more free parameter, which stays where it is.

    Parameters
    ----------
    likelihood
        With the data of the minimum.
    slot
        Place of the parameter that was held.
    step
        About its error.

    Notes
    -----
    With C the covariance of the others and c the mixed second derivatives of the likelihood,
    the others move by -C c for each unit of the parameter. The likelihood's curvature along
    that line is 1 / V, V the parameter's variance; its covariance with the others is -C c V,
    and C grows by C c c C V (inverse of a matrix in blocks). The curvature is taken on the
    line itself: where others can stand in for the parameter it is a small difference of
    large second derivatives.
    """
    known = minimum.covariance
    if known is None:
        return minimum
    values, offset = minimum.values, np.zeros_like(minimum.values)
    offset[slot] = MIXED_PART * step
    above = likelihood.slopes(values + offset, minimum.free)
    below = likelihood.slopes(values - offset, minimum.free)
    direction = np.append(-known @ (above - below) / (2.0 * MIXED_PART * step), 1.0)
    slots = (*minimum.free, slot)
    line = np.zeros_like(values)
    line[list(slots)] = LINE_PART * step * direction
    rise = likelihood.value(values + line) + likelihood.value(values - line)
    curvature = (rise - 2.0 * likelihood.value(values)) / (LINE_PART * step) ** 2
    if not curvature > 0.0:
        return minimum
    covariance = np.pad(known, ((0, 1), (0, 1))) + np.outer(direction, direction) / curvature
    held = (*minimum.at_edge, slot)
    return replace(minimum, free=slots, covariance=covariance, at_edge=held)
