"""Nuisance parameters that came to a boundary: which, and how a fit goes on from there."""

import math
from dataclasses import dataclass, replace

from server_side.fit_outcome import AtLimit, Minimum
from server_side.response.model import Boundary, ResponseModel, Start

MAX_RISE = 0.5
"""A fit repeated so counts while its likelihood is within one error of the failed minimum's ..."""
MAX_RISE_AT_CHOICE = 4.5
"""... or within three, where the nuisance is fixed at a value of our choice: whichever it has,
the data must not refute it."""


@dataclass(frozen=True)
class Doubt:
    """A minimum that is not believed, and what a repeat with a nuisance fixed must reach.

    What was only near its boundary may be needed to describe the data: then the repeat
    lies higher, and its gain is that of a wrong shape.
    """

    minimum: Minimum
    max_rise: float

    def is_overcome_by(self, repeated: Minimum) -> bool:
        """Tell whether the data bear the repeat."""
        return repeated.likelihood <= self.minimum.likelihood + self.max_rise


@dataclass(frozen=True)
class Holding:
    """Where a minimisation begins, what it holds fixed, and what is said of that."""

    start: Start
    boundaries: tuple[Boundary, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def fixed(self) -> tuple[str, ...]:
        """Names of the parameters that stay where they begin."""
        return tuple(hold.parameter for each in self.boundaries for hold in each.holds)


@dataclass(frozen=True)
class Attempt:
    """A minimisation and where it stopped."""

    holding: Holding
    minimum: Minimum


@dataclass(frozen=True)
class ReachedBoundary:
    """A boundary that a nuisance parameter has come to."""

    boundary: Boundary
    max_rise: float
    """By which the likelihood of the repeat may be over this minimum's; infinite where the
    minimum is at an edge of physics."""

    @property
    def is_doubtful(self) -> bool:
        """Whether the minimum may well not lie at this boundary."""
        return math.isfinite(self.max_rise)


def boundaries_reached(model: ResponseModel, minimum: Minimum) -> tuple[ReachedBoundary, ...]:
    """Return the boundaries that nuisance parameters have come to, those of doubtful ones last."""
    found = [
        ReachedBoundary(boundary, _max_rise(boundary, limit))
        for boundary in model.boundaries
        for limit in minimum.at_limit
        if limit.parameter == boundary.parameter and limit.side in boundary.sides
    ]
    return tuple(sorted(found, key=lambda each: -each.max_rise))


def _max_rise(boundary: Boundary, limit: AtLimit) -> float:
    if not boundary.is_physical:
        return MAX_RISE_AT_CHOICE
    return MAX_RISE if limit.is_only_near else math.inf


def hold_at(model: ResponseModel, attempt: Attempt, boundary: Boundary) -> Holding:
    """Return how to go on: from the last minimum, the nuisance at its boundary."""
    last = attempt.holding
    names = [parameter.name for parameter in model.parameters]
    held = {hold.parameter: hold.value for hold in boundary.holds if hold.value is not None}
    found = zip(names, attempt.minimum.values, strict=True)
    values = [held.get(name, float(value)) for name, value in found]
    rows = zip(last.start.rows, values, strict=True)
    start = replace(last.start, rows=tuple(replace(row, value=value) for row, value in rows))
    notes = (*last.notes, _note_on(model, start, boundary))
    return Holding(start, (*last.boundaries, boundary), notes)


def _note_on(model: ResponseModel, start: Start, boundary: Boundary) -> str:
    names = [parameter.name for parameter in model.parameters]
    held = [
        f"{hold.parameter} = {start.rows[names.index(hold.parameter)].value:.4g}"
        for hold in boundary.holds
    ]
    return f"fixed {', '.join(held)}: {boundary.meaning}"
