"""Errors of a minimum at an edge of physics, as if the nuisance held there were free.

The estimate stays inside of physics; its error is the one without the edge, as the
curvature of the likelihood there gives it. A parabola of the other parameters alone
would count the nuisance as known.
"""

from dataclasses import replace

import numpy as np

from server_side.fit_outcome import Minimum
from server_side.likelihood import BinnedLikelihood


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
    With C the covariance of the others, c and h the mixed and own second derivatives of
    the likelihood, the parameter's variance is V = 1 / (h - c C c), its covariance with
    the others -C c V, and C grows by C c c C V (inverse of a matrix in blocks).
    """
    known = minimum.covariance
    if known is None:
        return minimum
    slots = (*minimum.free, slot)
    offset = np.zeros_like(minimum.values)
    offset[slot] = step
    above = likelihood.slopes(minimum.values + offset, slots)
    below = likelihood.slopes(minimum.values - offset, slots)
    *mixed, own = (above - below) / (2.0 * step)
    moved = -known @ np.array(mixed)
    left = float(own + np.array(mixed) @ moved)
    if left <= 0.0:
        return minimum
    direction = np.append(moved, 1.0)
    covariance = np.pad(known, ((0, 1), (0, 1))) + np.outer(direction, direction) / left
    held = (*minimum.at_edge, slot)
    return replace(minimum, free=slots, covariance=covariance, at_edge=held)
