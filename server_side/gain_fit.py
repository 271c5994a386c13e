"""Fit a charge-response model to a spectrum: the only file that imports zfit.

The likelihood is an extended, binned one in numpy behind ``zfit.loss.SimpleLoss``,
minimised by zfit's Minuit, with errors by its Hesse. Every new zfit loss costs a
second of tracing and memory that never comes back, so ``GainFitter`` builds each
loss once and swaps the counts: keep one for the life of a process.
"""

import math
import warnings
from dataclasses import dataclass, replace

import numpy as np

from server_side.fit_outcome import AtLimit, Minimum, invalid_fit, judge_minimum, too_few_charges
from server_side.response import find_model
from server_side.response.model import (
    Array,
    Boundary,
    Constraint,
    Hold,
    Refusal,
    ResponseModel,
    Side,
    Start,
)
from server_side.result import FitOutcome, Spectrum

with warnings.catch_warnings():
    # TensorFlow, its companions and zfit warn at import about their own future.
    warnings.simplefilter("ignore")
    import zfit

MAX_COUNTS = 1e10
"""Beyond this the likelihood loses the half unit that an error is, in double precision."""
LEAST_EXPECTED = 1e-9
"""Keeps the logarithm finite where a model expects nothing."""
LEAST_RATIO = 1e-6
"""Keeps the logarithm of a constraint finite while the minimiser tries what is not allowed."""
AT_LIMIT = 1e-3
"""A parameter within this part of its allowed range from an end is at the limit."""
NEAR_LIMIT = 0.15
"""A nuisance so near to a boundary is tried at it when the minimum is not valid."""


@dataclass(frozen=True)
class _Penalty:
    """A model's constraint, with the places of its parameters."""

    slot: int
    relative_to: int
    ratio: float
    width: float

    @classmethod
    def of(cls, model: ResponseModel, constraint: Constraint) -> "_Penalty":
        names = [parameter.name for parameter in model.parameters]
        slots = names.index(constraint.parameter), names.index(constraint.relative_to)
        return cls(*slots, constraint.ratio, constraint.width)

    def at(self, values: Array) -> float:
        """Return half the square of the distance, in widths."""
        ratio = values[self.slot] / (self.ratio * values[self.relative_to])
        return 0.5 * (math.log(max(ratio, LEAST_RATIO)) / self.width) ** 2


class _BinnedLikelihood:
    """Half the Poisson deviance of the counts under a model, and its gradient."""

    def __init__(self, model: ResponseModel) -> None:
        self._model = model
        self._names = tuple(parameter.name for parameter in model.parameters)
        self._constraints = tuple(_Penalty.of(model, entry) for entry in model.constraints)
        self._counts = self._edges = self._steps = np.zeros(0)

    def set_data(self, spectrum: Spectrum, steps: Array) -> None:
        """Swap the counts; gradient steps are a small part of the parameters' errors."""
        self._counts = np.asarray(spectrum.counts, dtype=np.float64)
        self._edges = np.asarray(spectrum.edges_pc, dtype=np.float64)
        self._steps = 1e-2 * steps

    def value(self, parameters: tuple["zfit.Parameter", ...]) -> Array:
        """Return the value at the present parameters, as an array of no dimension."""
        return np.asarray(self._deviance(_values_of(parameters)))

    def gradient_of(
        self, parameters: tuple["zfit.Parameter", ...], wanted: tuple["zfit.Parameter", ...]
    ) -> Array:
        """Return central differences for the wanted parameters."""
        values = _values_of(parameters)
        slots = [parameters.index(parameter) for parameter in wanted]
        slope = np.empty(len(slots))
        for place, slot in enumerate(slots):
            step = np.zeros_like(values)
            step[slot] = self._steps[slot]
            rise = self._deviance(values + step) - self._deviance(values - step)
            slope[place] = rise / (2.0 * self._steps[slot])
        return slope

    def _deviance(self, values: Array) -> float:
        expected = np.maximum(self._model.expected(values, self._edges), LEAST_EXPECTED)
        counts = self._counts
        ratio = np.where(counts > 0, counts, 1.0) / expected
        deviance = float(np.sum(expected - counts + counts * np.log(ratio)))
        return deviance + sum(penalty.at(values) for penalty in self._constraints)


def _values_of(parameters: tuple["zfit.Parameter", ...]) -> Array:
    return np.array([float(parameter.numpy()) for parameter in parameters])


class _Loss:
    """One model's zfit parameters and loss, built once."""

    def __init__(self, model: ResponseModel) -> None:
        self.model = model
        self._likelihood = _BinnedLikelihood(model)
        self._parameters = tuple(
            zfit.Parameter(f"{model.name}_{model.spectrum}_{parameter.name}", 1.0)
            for parameter in model.parameters
        )
        self._loss = zfit.loss.SimpleLoss(
            lambda _: self._likelihood.value(self._parameters),
            self._parameters,
            errordef=0.5,
            gradient=lambda wanted: self._likelihood.gradient_of(self._parameters, tuple(wanted)),
        )
        self._minimizer = zfit.minimize.Minuit(gradient="zfit", mode=0)

    def minimise(self, spectrum: Spectrum, start: Start, fixed: tuple[str, ...]) -> Minimum:
        """Minimise from a start; parameters named in ``fixed`` stay there.

        Where low charges of two kinds can stand in for each other the valley is long,
        and Minuit may stop on its way: it goes on once from there.
        """
        self._likelihood.set_data(spectrum, np.array([row.step for row in start.rows]))
        self._place(start)
        names = [parameter.name for parameter in self.model.parameters]
        free = [p for p, name in zip(self._parameters, names, strict=True) if name not in fixed]
        minimum = self._read(self._minimizer.minimize(self._loss, params=free), start, free)
        if minimum.fault:
            minimum = self._read(self._minimizer.minimize(self._loss, params=free), start, free)
        return minimum

    def _place(self, start: Start) -> None:
        for parameter, row in zip(self._parameters, start.rows, strict=True):
            parameter.lower = parameter.upper = None
            parameter.set_value(np.asarray(row.value))
            parameter.lower, parameter.upper = np.asarray(row.low), np.asarray(row.high)
            parameter.stepsize = np.asarray(row.step)

    def _read(
        self, result: "zfit.result.FitResult", start: Start, free: list["zfit.Parameter"]
    ) -> Minimum:
        slots = tuple(self._parameters.index(parameter) for parameter in free)
        values = _values_of(self._parameters)
        at_limit = self._limits(values, start, slots, AT_LIMIT)
        near = self._limits(values, start, slots, NEAR_LIMIT)
        if not result.valid:
            return Minimum(values, slots, None, near, "the minimiser found no valid minimum")
        # Runs Hesse; asking result.hesse() as well would run it twice.
        covariance = result.covariance(params=free, method="minuit_hesse")
        shape = result.info["minuit"].fmin
        if shape.hesse_failed or not shape.has_posdef_covar or not shape.has_accurate_covar:
            return Minimum(values, slots, None, near, "the covariance matrix is not reliable")
        return Minimum(values, slots, np.asarray(covariance), at_limit, "")

    def _limits(
        self, values: Array, start: Start, slots: tuple[int, ...], part: float
    ) -> tuple[AtLimit, ...]:
        sides = [(slot, _side_of(values, start, slot, part)) for slot in slots]
        names = [parameter.name for parameter in self.model.parameters]
        return tuple(AtLimit(names[slot], side) for slot, side in sides if side is not None)


def _side_of(values: Array, start: Start, slot: int, part: float) -> Side | None:
    """Return the end of its range that a parameter is at, within a part of it, None inside."""
    row = start.rows[slot]
    margin = part * (row.high - row.low)
    if values[slot] < row.low + margin:
        return Side.LOW
    return Side.HIGH if values[slot] > row.high - margin else None


class GainFitter:
    """Fits models to spectra; holds every loss it has built.

    Parameters
    ----------
    min_charges
        Below this many charges in a spectrum there is no fit.
    """

    def __init__(self, min_charges: int = 500) -> None:
        self._min_charges = min_charges
        self._losses: list[_Loss] = []

    def fit(self, spectrum: Spectrum, model: str) -> FitOutcome:
        """Fit one model to one spectrum; data never raise.

        Raises
        ------
        ValueError
            When there is no model of that name for this kind of spectrum.
        """
        found = find_model(model, spectrum.name)
        if found is None:
            raise ValueError(f"no model {model!r} for the {spectrum.name} spectrum")
        charges = sum(spectrum.counts)
        if charges < self._min_charges:
            return too_few_charges(found, spectrum, self._min_charges)
        if charges > MAX_COUNTS or min(spectrum.counts) < 0:
            return invalid_fit(found, spectrum, "the counts are negative or beyond all measure")
        start = found.start(spectrum)
        if isinstance(start, Refusal):
            return invalid_fit(found, spectrum, start.reason)
        return self._fit_from(found, spectrum, start)

    def _fit_from(self, model: ResponseModel, spectrum: Spectrum, start: Start) -> FitOutcome:
        """Minimise; fix nuisances at a boundary or not determined by the data, and repeat."""
        loss = self._loss_of(model)
        fixed = start.fixed
        notes: tuple[str, ...] = ()
        minimum = loss.minimise(spectrum, start, fixed)
        while (boundary := _reason_to_fix(model, start, minimum)) is not None:
            start = _fix(model, start, minimum, boundary)
            fixed = (*fixed, *(hold.parameter for hold in boundary.holds))
            notes = (*notes, _note_on(model, start, boundary))
            minimum = loss.minimise(spectrum, start, fixed)
        return judge_minimum(model, spectrum, minimum, notes)

    def _loss_of(self, model: ResponseModel) -> _Loss:
        for loss in self._losses:
            if loss.model is model:
                return loss
        self._losses.append(_Loss(model))
        return self._losses[-1]


def _reason_to_fix(model: ResponseModel, start: Start, minimum: Minimum) -> Boundary | None:
    return _boundary_reached(model, minimum) or _undetermined(model, start, minimum)


def _undetermined(model: ResponseModel, start: Start, minimum: Minimum) -> Boundary | None:
    """Return a nuisance parameter of which the data say nothing, to be held where it is.

    Its error is larger than its whole range then. Along such a flat valley the
    parabola of Hesse has no meaning for the parameters that are bound to it
    either: the error of a gain came out as large as the gain.
    """
    if minimum.covariance is None:
        return None
    names = [parameter.name for parameter in model.parameters]
    errors = dict(zip(minimum.free, np.sqrt(np.diag(minimum.covariance)), strict=True))
    for name in {boundary.parameter: None for boundary in model.boundaries}:
        slot = names.index(name)
        if errors.get(slot, 0.0) > start.rows[slot].high - start.rows[slot].low:
            return Boundary(name, (), (Hold(name, None),), "the spectrum does not determine it")
    return None


def _boundary_reached(model: ResponseModel, minimum: Minimum) -> Boundary | None:
    """Return the first boundary that a nuisance parameter has come to."""
    reached = [(limit.parameter, limit.side) for limit in minimum.at_limit]
    for boundary in model.boundaries:
        if any((boundary.parameter, side) in reached for side in boundary.sides):
            return boundary
    return None


def _fix(model: ResponseModel, start: Start, minimum: Minimum, boundary: Boundary) -> Start:
    """Return the start of the next minimisation: the last minimum, the nuisance at its boundary."""
    names = [parameter.name for parameter in model.parameters]
    held = {hold.parameter: hold.value for hold in boundary.holds if hold.value is not None}
    values = [held.get(name, float(v)) for name, v in zip(names, minimum.values, strict=True)]
    rows = zip(start.rows, values, strict=True)
    return replace(start, rows=tuple(replace(row, value=value) for row, value in rows))


def _note_on(model: ResponseModel, start: Start, boundary: Boundary) -> str:
    names = [parameter.name for parameter in model.parameters]
    held = [
        f"{hold.parameter} = {start.rows[names.index(hold.parameter)].value:.4g}"
        for hold in boundary.holds
    ]
    return f"fixed {', '.join(held)}: {boundary.meaning}"
