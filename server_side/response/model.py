"""What a charge-response model is: the interface that every model file fills.

A model turns parameter values into expected counts per bin, says where to
start from a spectrum, and reads the physics off its parameters. It knows no
minimiser; ``server_side.gain_fit`` fits any of them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from server_side.result import Spectrum, SpectrumName

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]


@dataclass(frozen=True)
class ModelParameter:
    """One parameter of a model."""

    name: str
    unit: str


@dataclass(frozen=True)
class StartRow:
    """Where one parameter begins, and the range it may move in."""

    value: float
    step: float
    """First step of the minimiser: about one error."""
    low: float
    high: float


@dataclass(frozen=True)
class Start:
    """Where a fit begins, found from the data; entries in the order of the parameters."""

    rows: tuple[StartRow, ...]


@dataclass(frozen=True)
class Refusal:
    """Why a model cannot be fitted to a spectrum, or its minimum not be believed."""

    reason: str


class Side(StrEnum):
    """An end of a parameter's allowed range."""

    LOW = "low"
    """The smallest value."""
    HIGH = "high"
    """The largest value."""


@dataclass(frozen=True)
class Hold:
    """A parameter that is fixed at a value."""

    parameter: str
    value: float | None
    """None: where the minimiser left it."""


@dataclass(frozen=True)
class Boundary:
    """A nuisance parameter that may sit at the edge of what is physical.

    When the minimum is there, the parameter is fixed and the fit repeated,
    because errors from a parabola mean nothing at an edge.
    """

    parameter: str
    sides: tuple[Side, ...]
    holds: tuple[Hold, ...]
    """What is fixed then: the parameter, and those that lose their meaning with it."""
    meaning: str
    """What it means for the model, for the note in the result."""
    is_physical: bool = True
    """Whether nothing can lie beyond. Else the edge is only where the search ends, and the
    repeat counts only while the data do not refute the value that it is fixed at."""
    goes_on: bool = False
    """Whether the model's formula is smooth across the edge, so that the errors at the edge can
    be those with the parameter free."""


@dataclass(frozen=True)
class Constraint:
    """What is known of a nuisance parameter beside the spectrum.

    The logarithm of its ratio to another parameter is a Gaussian; half the square of
    its distance, in widths, is added to the likelihood. The error of a gain then holds what is not
    known of the nuisance, and the minimum stays a parabola where the spectrum says
    nothing of it.
    """

    parameter: str
    relative_to: str
    ratio: float
    width: float
    """Of the logarithm: 0.3 is a factor of 1.35 up or down."""
    meaning: str
    """Where ratio and width come from."""


@dataclass(frozen=True)
class Component:
    """One term of a model."""

    label: str
    counts: Array
    """Expected counts per bin, shape (bins,)."""


@dataclass(frozen=True)
class ResponseQuantity:
    """A number that follows from the parameters of a model."""

    name: str
    unit: str
    meaning: str
    value: Callable[[Array], float]
    """From parameter values, shape (parameters,); NaN where it does not exist."""


class ResponseModel(Protocol):
    """A charge-response model for one kind of spectrum."""

    @property
    def name(self) -> str:
        """Name in settings and results."""

    @property
    def spectrum(self) -> SpectrumName:
        """The spectrum that it describes."""

    @property
    def parameters(self) -> tuple[ModelParameter, ...]:
        """Its parameters, in the order of all arrays of values."""

    @property
    def boundaries(self) -> tuple[Boundary, ...]:
        """Nuisance parameters that may sit on a physical boundary."""

    @property
    def constraints(self) -> tuple[Constraint, ...]:
        """What is known of nuisance parameters beforehand."""

    @property
    def quantities(self) -> tuple[ResponseQuantity, ...]:
        """What follows from the parameters beside the gains."""

    def start(self, spectrum: Spectrum) -> Start | Refusal:
        """Return start values and limits from the data, or why there are none."""

    def expected(self, values: Array, edges_pc: Array) -> Array:
        """Return the expected counts per bin, shape (bins,)."""

    def components(self, values: Array, edges_pc: Array) -> tuple[Component, ...]:
        """Return the terms of the sum for drawing."""

    def peak_charge_pc(self, values: Array) -> float:
        """Return the mode of the single-photoelectron charge density."""

    def mean_charge_pc(self, values: Array) -> float | None:
        """Return its mean, or None when the model has none."""

    def fault(self, values: Array, spectrum: Spectrum) -> str:
        """Return why a minimum does not mean what the model says, or nothing."""
