"""The likelihood of binned counts under a charge-response model, in numpy."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from server_side.response.model import Array, Constraint, ResponseModel
from server_side.result import Spectrum

LEAST_EXPECTED = 1e-9
"""Keeps the logarithm finite where a model expects nothing."""
LEAST_RATIO = 1e-6
"""The same for a constraint while the minimiser tries what is not allowed."""


class BinnedLikelihood:
    """Half the Poisson deviance of the counts, with the model's constraints; its slopes."""

    def __init__(self, model: ResponseModel) -> None:
        self._model = model
        self._penalties = tuple(_Penalty.of(model, entry) for entry in model.constraints)
        self._counts = self._edges = self._steps = np.zeros(0)

    def set_data(self, spectrum: Spectrum, steps: Array) -> None:
        """Swap the counts; slopes are taken over a small part of the parameters' steps."""
        self._counts = np.asarray(spectrum.counts, dtype=np.float64)
        self._edges = np.asarray(spectrum.edges_pc, dtype=np.float64)
        self._steps = 1e-2 * steps

    def value(self, values: Array) -> float:
        """Return the likelihood of parameter values, shape (parameters,)."""
        expected = np.maximum(self._model.expected(values, self._edges), LEAST_EXPECTED)
        counts = self._counts
        ratio = np.where(counts > 0, counts, 1.0) / expected
        deviance = float(np.sum(expected - counts + counts * np.log(ratio)))
        return deviance + sum(penalty.at(values) for penalty in self._penalties)

    def slopes(self, values: Array, slots: Sequence[int]) -> Array:
        """Return central differences for the parameters in these places."""
        slope = np.empty(len(slots))
        for place, slot in enumerate(slots):
            step = np.zeros_like(values)
            step[slot] = self._steps[slot]
            rise = self.value(values + step) - self.value(values - step)
            slope[place] = rise / (2.0 * self._steps[slot])
        return slope


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
        ratio = float(values[self.slot] / (self.ratio * values[self.relative_to]))
        return 0.5 * (math.log(max(ratio, LEAST_RATIO)) / self.width) ** 2
