"""From a minimum to what a result says of a fit: gains, errors, quality, curves."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from server_side.chi2 import Goodness, goodness_of_fit
from server_side.response.model import Array, ResponseModel, ResponseQuantity, Side
from server_side.result import (
    ELEMENTARY_CHARGE_C,
    Curve,
    FitOutcome,
    Measurement,
    Missing,
    NoFit,
    Parameter,
    Quantity,
    Spectrum,
    ValidFit,
)

ELEMENTARY_CHARGE_PC = ELEMENTARY_CHARGE_C * 1e12
MAX_MISFIT = 0.2
"""Greatest part of the charges, rms per bin, by which a valid fit may miss the data."""


@dataclass(frozen=True)
class AtLimit:
    """A parameter that ended at an end of its allowed range."""

    parameter: str
    side: Side
    is_only_near: bool = False
    """Whether it stopped some way before that end, in a failed minimum."""


@dataclass(frozen=True)
class Interval:
    """Distances from the minimum to where the likelihood has risen by one error."""

    low: float
    high: float


@dataclass(frozen=True)
class Minimum:
    """Where a minimiser stopped."""

    values: Array
    """Of all parameters, shape (parameters,)."""
    free: tuple[int, ...]
    """Places of the parameters that were free."""
    likelihood: float
    """Half the deviance there, constraints included."""
    covariance: Array | None
    """Of the free parameters; None when there is none to be trusted."""
    at_limit: tuple[AtLimit, ...]
    """Free parameters that ended at an end of their range; without a covariance, or near one."""
    fault: str
    """Why the minimum is not valid, or nothing."""
    intervals: tuple[Interval, ...] = ()
    """Minos, of the free parameters where it was asked for."""
    at_edge: tuple[int, ...] = ()
    """Places of those that were held at an edge and are free in the covariance alone."""

    @property
    def fitted(self) -> int:
        """Number of parameters that the minimiser moved."""
        return len(self.free) - len(self.at_edge)


def too_few_charges(model: str, spectrum: Spectrum, wanted: int) -> NoFit:
    """Return the outcome for a spectrum that is too poor to be fitted."""
    charges = sum(spectrum.counts)
    return NoFit(
        outcome="too_few_charges",
        model=model,
        spectrum=spectrum.name,
        charges=charges,
        message=f"{charges} charges in the spectrum, a fit needs {wanted}",
    )


def invalid_fit(
    model: str, spectrum: Spectrum, reason: str, curves: tuple[Curve, ...] = ()
) -> NoFit:
    """Return the outcome for a fit that must not be believed."""
    return NoFit(
        outcome="invalid",
        model=model,
        spectrum=spectrum.name,
        charges=sum(spectrum.counts),
        message=reason,
        curves=curves,
    )


def judge_minimum(
    model: ResponseModel, spectrum: Spectrum, minimum: Minimum, notes: tuple[str, ...]
) -> FitOutcome:
    """Return a valid fit, or an invalid one with the reason and the curve for the eye."""
    edges = np.asarray(spectrum.edges_pc)
    counts = np.asarray(spectrum.counts, dtype=np.float64)
    expected = np.maximum(model.expected(minimum.values, edges), 1e-9)
    goodness = goodness_of_fit(counts, expected, minimum.fitted)
    curves = _curves(model, minimum.values, edges)
    reason = _reason_against(model, spectrum, minimum, goodness)
    if reason or minimum.covariance is None:
        return invalid_fit(model.name, spectrum, reason, curves)
    peak, peak_err = propagate(model.peak_charge_pc, minimum, minimum.covariance)
    if not (math.isfinite(peak) and math.isfinite(peak_err) and 0.0 < peak_err < peak):
        reason = "the gain has no finite error below itself"
        return invalid_fit(model.name, spectrum, reason, curves)
    fit = _valid_fit(model, spectrum, minimum, minimum.covariance, goodness)
    return fit.model_copy(update={"curves": curves, "message": "; ".join(notes)})


def _reason_against(
    model: ResponseModel, spectrum: Spectrum, minimum: Minimum, goodness: Goodness
) -> str:
    if minimum.fault:
        return minimum.fault
    if minimum.at_limit:
        names = ", ".join(f"{limit.parameter} ({limit.side})" for limit in minimum.at_limit)
        return f"at the limit of the allowed range: {names}"
    if goodness.ndf < 1:
        return f"{goodness.ndf} degrees of freedom: too few filled bins for this model"
    misfit = math.sqrt(max(goodness.chi2 - goodness.ndf, 0.0) / sum(spectrum.counts))
    if misfit > MAX_MISFIT:
        return f"the curve misses the spectrum by {100 * misfit:.0f} % of its content (rms)"
    return model.fault(minimum.values, spectrum)


def _valid_fit(
    model: ResponseModel,
    spectrum: Spectrum,
    minimum: Minimum,
    covariance: Array,
    goodness: Goodness,
) -> ValidFit:
    peak, peak_err = propagate(model.peak_charge_pc, minimum, covariance)
    has_mean = model.mean_charge_pc(minimum.values) is not None
    mean, mean_err = (
        propagate(lambda v: model.mean_charge_pc(v) or 0.0, minimum, covariance)
        if has_mean
        else (None, None)
    )
    errors = np.sqrt(np.diag(covariance))
    return ValidFit(
        model=model.name,
        spectrum=spectrum.name,
        charges=sum(spectrum.counts),
        gain_peak=peak / ELEMENTARY_CHARGE_PC,
        gain_peak_err=peak_err / ELEMENTARY_CHARGE_PC,
        gain_mean=None if mean is None else mean / ELEMENTARY_CHARGE_PC,
        gain_mean_err=None if mean_err is None else mean_err / ELEMENTARY_CHARGE_PC,
        chi2=goodness.chi2,
        ndf=goodness.ndf,
        p_value=goodness.p_value,
        parameters=_parameters(model, minimum, errors),
        correlation=_rows(covariance / np.outer(errors, errors)),
        derived=tuple(_measure(q, minimum, covariance) for q in model.quantities),
        pulls=tuple(float(pull) for pull in goodness.pulls),
    )


def propagate(
    function: Callable[[Array], float], minimum: Minimum, covariance: Array
) -> tuple[float, float]:
    """Return a function of the parameters with its error, to first order.

    The slopes are central differences over a fifth of each parameter's error.
    """
    slopes = np.empty(len(minimum.free))
    for place, slot in enumerate(minimum.free):
        step = np.zeros_like(minimum.values)
        step[slot] = 0.2 * np.sqrt(covariance[place, place])
        rise = function(minimum.values + step) - function(minimum.values - step)
        slopes[place] = rise / (2.0 * step[slot])
    error = math.sqrt(max(float(slopes @ covariance @ slopes), 0.0))
    return function(minimum.values), error


def _measure(quantity: ResponseQuantity, minimum: Minimum, covariance: Array) -> Measurement:
    value, error = propagate(quantity.value, minimum, covariance)
    if not np.isfinite(value):
        return Missing(name=quantity.name, reason="the fitted curve does not have it")
    return Quantity(
        name=quantity.name,
        value=value,
        error=error if np.isfinite(error) else None,
        unit=quantity.unit,
        meaning=quantity.meaning,
    )


def _parameters(model: ResponseModel, minimum: Minimum, errors: Array) -> tuple[Parameter, ...]:
    by_slot = {slot: float(error) for slot, error in zip(minimum.free, errors, strict=True)}
    intervals = dict(zip(minimum.free, minimum.intervals, strict=False))
    return tuple(
        Parameter(
            name=parameter.name,
            value=float(minimum.values[slot]),
            error=by_slot.get(slot),
            unit=parameter.unit,
            note=_note_on(minimum, slot),
            minos_low=intervals[slot].low if slot in intervals else None,
            minos_high=intervals[slot].high if slot in intervals else None,
        )
        for slot, parameter in enumerate(model.parameters)
    )


def _note_on(minimum: Minimum, slot: int) -> str:
    if slot in minimum.at_edge:
        return "at its edge; the error is the one without the edge"
    return "" if slot in minimum.free else "fixed"


def _curves(model: ResponseModel, values: Array, edges: Array) -> tuple[Curve, ...]:
    centres = tuple(float(c) for c in 0.5 * (edges[:-1] + edges[1:]))
    terms = [("fit", model.expected(values, edges))]
    terms += [(term.label, term.counts) for term in model.components(values, edges)]
    return tuple(
        Curve(label=label, charge_pc=centres, counts=tuple(float(c) for c in counts))
        for label, counts in terms
    )


def _rows(matrix: Array) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(entry) for entry in row) for row in matrix)
