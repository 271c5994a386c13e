"""Fit a charge-response model to a spectrum: the only file that imports zfit.

The likelihood is an extended, binned one in numpy behind ``zfit.loss.SimpleLoss``,
minimised by zfit's Minuit, with errors by its Hesse. Every new zfit loss costs a
second of tracing and memory that never comes back, so ``GainFitter`` builds each
loss once and swaps the counts: keep one for the life of a process.
"""

import warnings
from dataclasses import replace

import numpy as np

from server_side.edge_errors import free_at_edge
from server_side.fit_outcome import (
    AtLimit,
    Interval,
    Minimum,
    invalid_fit,
    judge_minimum,
    too_few_charges,
)
from server_side.held_nuisances import (
    Attempt,
    Doubt,
    Holding,
    boundaries_reached,
    hold_at,
)
from server_side.likelihood import BinnedLikelihood
from server_side.moments_outcome import estimate_moments
from server_side.response import MODEL_NAMES, described_spectra, find_model
from server_side.response.model import (
    Array,
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
MORE_TRIES = 2
"""So often a minimisation goes on from where it stopped short."""
AT_LIMIT = 1e-3
"""A parameter within this part of its allowed range from an end is at the limit."""
NEAR_LIMIT = 0.05
"""A nuisance so near to a boundary is tried at it when the minimum is not valid."""


def _values_of(parameters: tuple["zfit.Parameter", ...]) -> Array:
    return np.array([float(parameter.numpy()) for parameter in parameters])


class _Loss:
    """One model's zfit parameters and loss, built once."""

    def __init__(self, model: ResponseModel) -> None:
        self.model = model
        self._likelihood = BinnedLikelihood(model)
        self._parameters = tuple(
            zfit.Parameter(f"{model.name}_{model.spectrum}_{parameter.name}", 1.0)
            for parameter in model.parameters
        )
        self._loss = zfit.loss.SimpleLoss(
            lambda _: np.asarray(self._likelihood.value(_values_of(self._parameters))),
            self._parameters,
            errordef=0.5,
            gradient=lambda wanted: self._likelihood.slopes(
                _values_of(self._parameters), [self._parameters.index(p) for p in wanted]
            ),
        )
        self._fast = zfit.minimize.Minuit(gradient="zfit", mode=0)
        self._careful = zfit.minimize.Minuit(gradient="zfit", mode=1)

    def minimise(
        self, spectrum: Spectrum, start: Start, fixed: tuple[str, ...], *, minos: bool
    ) -> Minimum:
        """Minimise from a start; parameters named in ``fixed`` stay there.

        Where low charges of two kinds can stand in for each other the valley is long,
        and Minuit may stop on its way: it goes on from there with second derivatives
        of its own.
        """
        self._likelihood.set_data(spectrum, np.array([row.step for row in start.rows]))
        self._place(start)
        names = [parameter.name for parameter in self.model.parameters]
        free = [p for p, name in zip(self._parameters, names, strict=True) if name not in fixed]
        result = self._fast.minimize(self._loss, params=free)
        minimum = self._read(result, start, free)
        for _ in range(MORE_TRIES):
            if minimum.fault:
                result = self._careful.minimize(self._loss, params=free)
                minimum = self._read(result, start, free)
        return self._with_intervals(minimum, result, free) if minos else minimum

    def _with_intervals(
        self, minimum: Minimum, result: "zfit.result.FitResult", free: list["zfit.Parameter"]
    ) -> Minimum:
        """Return the minimum with intervals by Minos, or with why there are none."""
        if minimum.covariance is None:
            return minimum
        try:
            found, lower_minimum = result.errors(params=free, method="minuit_minos")
        except RuntimeError as error:
            # Minuit's word for a minimum that Minos cannot begin from.
            return replace(minimum, fault=f"Minos failed: {str(error)[:60]}")
        if lower_minimum is not None:
            return replace(minimum, fault="Minos found a lower minimum")
        rows = [found[parameter] for parameter in free]
        if not all(row["is_valid"] for row in rows):
            return replace(minimum, fault="Minos found no interval for a parameter")
        intervals = tuple(Interval(-float(row["lower"]), float(row["upper"])) for row in rows)
        return replace(minimum, intervals=intervals)

    def free_at_edges(self, spectrum: Spectrum, attempt: Attempt) -> Minimum:
        """Return the minimum with the errors that it has when nuisances held at an edge are free.

        Fixed there they would count as known, and what hangs on them would have errors
        several times too small.
        """
        steps = np.array([row.step for row in attempt.holding.start.rows])
        self._likelihood.set_data(spectrum, steps)
        names = [parameter.name for parameter in self.model.parameters]
        minimum = attempt.minimum
        for boundary in attempt.holding.boundaries:
            if boundary.goes_on:
                slot = names.index(boundary.parameter)
                minimum = free_at_edge(minimum, self._likelihood, slot, float(steps[slot]))
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
        likelihood = self._likelihood.value(values)

        def failed(fault: str) -> Minimum:
            return Minimum(values, slots, likelihood, None, near, fault)

        if not result.valid:
            return failed("the minimiser found no valid minimum")
        # Runs Hesse; asking result.hesse() as well would run it twice.
        covariance = result.covariance(params=free, method="minuit_hesse")
        shape = result.info["minuit"].fmin
        if not shape.is_valid:
            # With the true second derivatives the distance to the minimum may prove too large.
            return failed("the minimiser found no valid minimum")
        if shape.hesse_failed or not shape.has_posdef_covar or not shape.has_accurate_covar:
            return failed("the covariance matrix is not reliable")
        return Minimum(values, slots, likelihood, np.asarray(covariance), at_limit, "")

    def _limits(
        self, values: Array, start: Start, slots: tuple[int, ...], part: float
    ) -> tuple[AtLimit, ...]:
        sides = [(slot, _side_of(values, start, slot, part)) for slot in slots]
        names = [parameter.name for parameter in self.model.parameters]
        return tuple(
            AtLimit(names[slot], side, _side_of(values, start, slot, AT_LIMIT) is None)
            for slot, side in sides
            if side is not None
        )


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

    def fit(
        self, spectrum: Spectrum, model: str, *, dark: Spectrum | None = None, minos: bool = False
    ) -> FitOutcome:
        """Fit one model to one spectrum; data never raise.

        Parameters
        ----------
        dark
            Spectrum of the window before the pulse: ``moments`` compares with it.
        minos
            Also give the parameters' intervals by Minos, which takes several times as long.

        Raises
        ------
        ValueError
            When there is no model of that name.
        """
        described = described_spectra(model)
        if not described:
            raise ValueError(f"no model {model!r}; there are {', '.join(MODEL_NAMES)}")
        if spectrum.name not in described:
            reason = f"{model} describes the {described[0]} spectrum, not the {spectrum.name} one"
            return invalid_fit(model, spectrum, reason)
        charges = sum(spectrum.counts)
        if charges > MAX_COUNTS or min(spectrum.counts) < 0:
            reason = "the counts are negative or beyond all measure"
            return invalid_fit(model, spectrum, reason)
        if charges < self._min_charges:
            return too_few_charges(model, spectrum, self._min_charges)
        found = find_model(model, spectrum.name)
        if found is None:
            return estimate_moments(spectrum, dark)
        start = found.start(spectrum)
        if isinstance(start, Refusal):
            return invalid_fit(model, spectrum, start.reason)
        return self._fit_from(found, spectrum, start, minos=minos)

    def _fit_from(
        self, model: ResponseModel, spectrum: Spectrum, start: Start, *, minos: bool
    ) -> FitOutcome:
        """Minimise; fix nuisances that came to a physical boundary, and repeat.

        One that a failed minimum only came near to, or whose boundary is none of physics, is
        fixed on trial: the repeat counts while the data bear it.
        """
        attempt = self._attempt(model, spectrum, Holding(start), minos=minos)
        doubt: Doubt | None = None
        while reached := boundaries_reached(model, attempt.minimum):
            if reached[0].is_doubtful and doubt is None:
                doubt = Doubt(attempt.minimum, reached[0].max_rise)
            for each in reached:
                holding = hold_at(model, attempt, each.boundary)
                repeated = self._attempt(model, spectrum, holding, minos=minos)
                if doubt is None or doubt.is_overcome_by(repeated.minimum):
                    attempt = repeated
                    break
            else:
                return judge_minimum(
                    model, spectrum, doubt.minimum if doubt else attempt.minimum, ()
                )
        minimum = self._loss_of(model).free_at_edges(spectrum, attempt)
        return judge_minimum(model, spectrum, minimum, attempt.holding.notes)

    def _attempt(
        self, model: ResponseModel, spectrum: Spectrum, holding: Holding, *, minos: bool
    ) -> Attempt:
        loss = self._loss_of(model)
        minimum = loss.minimise(spectrum, holding.start, holding.fixed, minos=minos)
        return Attempt(holding, minimum)

    def _loss_of(self, model: ResponseModel) -> _Loss:
        for loss in self._losses:
            if loss.model is model:
                return loss
        self._losses.append(_Loss(model))
        return self._losses[-1]
