"""The distribution of arrival times: an exponentially modified Gaussian."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import erfcx, ndtr

MIN_ARRIVALS = 200
"""Three parameters of a distribution need so many pulses."""
STEPS_PER_SAMPLE = 16
"""Fineness of the grid on which the distribution is integrated."""


@dataclass(frozen=True)
class ArrivalShape:
    """Exponentially modified Gaussian fitted to arrival times, each entry with its error."""

    values: tuple[float, float, float]
    """Centre, sigma and decay time in ns."""
    errors: tuple[float, float, float]


def fit_arrival_shape(arrival_ns: NDArray[np.float64], sample_ns: float) -> ArrivalShape | str:
    """Fit an exponentially modified Gaussian to arrival times, or say why not.

    Starts are whole samples of PMT and trigger, whose phase to the sampling
    clock is random, so a true difference d is recorded as one of its two
    neighbours on the grid: each recorded value collects the density under a
    triangle of two samples' base. Times are truncated to the window they were
    selected in; the likelihood is that of the shares of the recorded values.

    Parameters
    ----------
    arrival_ns
        Arrival times in the arrival window, shape (pulses,).
    sample_ns
        Time between two samples.
    """
    if len(arrival_ns) < MIN_ARRIVALS:
        return f"{len(arrival_ns)} pulses in time, a fit of their arrival needs {MIN_ARRIVALS}"
    step = np.rint(arrival_ns / sample_ns).astype(np.int64)
    grid = np.arange(int(step.min()), int(step.max()) + 1)
    counts = np.bincount(step - grid[0], minlength=len(grid)).astype(np.float64)
    if len(grid) < 4:
        return f"all pulses start within {len(grid)} samples: too coarse for a shape"

    def deviance(log_shape: NDArray[np.float64]) -> float:
        share = _shares(log_shape, grid, sample_ns)
        return -float(np.sum(counts * np.log(np.maximum(share, 1e-12))))

    spread = float(np.std(arrival_ns))
    start = np.array([float(np.median(arrival_ns)), math.log(0.7 * spread), math.log(0.7 * spread)])
    found = minimize(deviance, start, method="Nelder-Mead", options={"xatol": 1e-4, "fatol": 1e-4})
    errors = _errors(deviance, found.x)
    if not found.success or errors is None:
        return "the fit of the arrival times did not converge"
    centre, sigma, tail = float(found.x[0]), math.exp(found.x[1]), math.exp(found.x[2])
    return ArrivalShape((centre, sigma, tail), (errors[0], sigma * errors[1], tail * errors[2]))


def _shares(
    log_shape: NDArray[np.float64], grid: NDArray[np.int64], sample_ns: float
) -> NDArray[np.float64]:
    """Return the share of each recorded value on the grid."""
    centre, sigma, tail = log_shape[0], np.exp(log_shape[1]), np.exp(log_shape[2])
    fine = np.arange((grid[0] - 1) * STEPS_PER_SAMPLE, (grid[-1] + 1) * STEPS_PER_SAMPLE + 1)
    density = exponentially_modified_gaussian(
        fine * sample_ns / STEPS_PER_SAMPLE, float(centre), float(sigma), float(tail)
    )
    triangle = 1.0 - np.abs(np.arange(-STEPS_PER_SAMPLE, STEPS_PER_SAMPLE + 1)) / STEPS_PER_SAMPLE
    share = np.convolve(density, triangle, mode="valid")[::STEPS_PER_SAMPLE]
    return share / max(float(share.sum()), 1e-300)


def exponentially_modified_gaussian(
    time_ns: NDArray[np.float64], centre_ns: float, sigma_ns: float, tail_ns: float
) -> NDArray[np.float64]:
    """Return the density of a Gaussian delay plus an exponential one, per ns.

    Written with erfcx where exp and erfc alone would overflow.
    """
    distance = (time_ns - centre_ns) / sigma_ns
    ratio = sigma_ns / tail_ns
    argument = (ratio - distance) / math.sqrt(2.0)
    early = np.exp(-0.5 * distance**2) * erfcx(np.maximum(argument, -5.0)) / 2.0
    late = np.exp(np.minimum(0.5 * ratio**2 - ratio * distance, 50.0)) * ndtr(distance - ratio)
    density: NDArray[np.float64] = np.where(argument > -5.0, early, late) / tail_ns
    return density


def _errors(
    deviance: Callable[[NDArray[np.float64]], float], minimum: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """Return one-sigma errors from the curvature at the minimum."""
    size = len(minimum)
    curvature = np.empty((size, size))
    step = 0.01 * np.eye(size)
    for i in range(size):
        for j in range(size):
            curvature[i, j] = (
                deviance(minimum + step[i] + step[j])
                - deviance(minimum + step[i] - step[j])
                - deviance(minimum - step[i] + step[j])
                + deviance(minimum - step[i] - step[j])
            ) / 4e-4
    try:
        variance = np.diag(np.linalg.inv(curvature))
    except np.linalg.LinAlgError:
        return None
    return np.sqrt(variance) if np.all(variance > 0) else None
