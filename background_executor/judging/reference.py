"""The certified-good spectrum that a point's charges are compared to.

A reference holds one spectrum per position, or one for all of them (a
template). It belongs to one PMT or to a type of PMTs, and its versions rise; a
PMT's own comes before its type's. Two spectra are compared by shape: each has
area 1. The chi2 is that of two histograms with Poisson counts; the
Kolmogorov-Smirnov distance is the greatest difference of the two cumulative
distributions at the bin edges.

References
----------
N. Gagunashvili, NIM A 614 (2010) 287, eq. 5 (chi2 of two unweighted histograms).
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Annotated

import numpy as np
from pydantic import Field, StringConstraints

from server_side.boundary import BoundaryModel
from server_side.result import Spectrum
from server_side.scan import ScanId, SerialNumber

PmtType = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$")]
NAMED_PULLS = 3
"""So many of the largest pulls are named."""


class ReferenceKind(StrEnum):
    """What a reference is of."""

    PMT = "pmt"
    """One PMT, named by its serial number."""
    TYPE = "type"
    """Every PMT of a type that has no reference of its own."""


class ReferenceSpectrum(BoundaryModel):
    """The thresholded charge spectrum of a good point."""

    point: str | None
    """Name of the position; None for all of them."""
    edges_pc: tuple[float, ...] = Field(min_length=2)
    counts: tuple[float, ...]


class ReferenceContent(BoundaryModel):
    """Where a reference comes from, and its spectra."""

    scan_id: ScanId | None
    """None for the shipped template."""
    serial_number: SerialNumber | None
    """PMT that was measured; None for the template."""
    spectra: tuple[ReferenceSpectrum, ...] = Field(min_length=1)

    @property
    def origin(self) -> str:
        """Where it comes from, in words."""
        if self.scan_id is None:
            return "the shipped template"
        return f"scan {self.scan_id} of {self.serial_number}"


@dataclass(frozen=True)
class ReferenceRecord:
    """One version of a reference; it never changes."""

    reference_id: int
    site: str
    kind: ReferenceKind
    subject: str
    """Serial number or type."""
    version: int
    content: ReferenceContent
    comment: str
    operator: str
    made_at: datetime

    @property
    def name(self) -> str:
        """What words call it."""
        return f"{self.subject} version {self.version} ({self.content.origin})"

    def spectrum_of(self, point: str) -> ReferenceSpectrum | None:
        """Return the spectrum for a position, or None when there is none."""
        spectra = self.content.spectra
        return next((s for s in spectra if s.point in (point, None)), None)


@dataclass(frozen=True)
class Pull:
    """Difference of two spectra of area 1 in one bin, over its error."""

    charge_pc: float
    """Middle of the bin."""
    pull: float
    """Positive where the measured spectrum is the higher one."""


@dataclass(frozen=True)
class Comparison:
    """How well a spectrum agrees in shape with its reference."""

    chi2: float
    ndf: int
    ks_distance: float
    largest_pulls: tuple[Pull, ...]
    """The largest first."""

    @property
    def chi2_per_ndf(self) -> float:
        """Return chi2 over its degrees of freedom."""
        return self.chi2 / self.ndf

    @property
    def pulls_in_words(self) -> str:
        """Name the largest pulls."""
        named = (f"{pull.pull:+.1f} at {pull.charge_pc:.2f} pC" for pull in self.largest_pulls)
        return f"largest pulls {', '.join(named)}"


def compare_spectra(spectrum: Spectrum, reference: ReferenceSpectrum) -> Comparison | str:
    """Compare two spectra by shape, or say why that cannot be done."""
    edges = np.asarray(spectrum.edges_pc)
    if spectrum.edges_pc != reference.edges_pc and not (
        len(edges) == len(reference.edges_pc) and np.allclose(edges, reference.edges_pc)
    ):
        return "its bins are not those of the reference"
    counts, good = np.asarray(spectrum.counts, float), np.asarray(reference.counts, float)
    if min(counts.sum(), good.sum()) <= 0:
        return "there are no charges in the spectrum or in its reference"
    filled = counts + good > 0
    if filled.sum() < 2:
        return "all charges lie in one bin"
    scale = np.sqrt(counts.sum() * good.sum())
    difference = (good.sum() * counts - counts.sum() * good)[filled] / scale
    pulls = difference / np.sqrt((counts + good)[filled])
    steps = np.cumsum(counts) / counts.sum() - np.cumsum(good) / good.sum()
    centres = (0.5 * (edges[1:] + edges[:-1]))[filled]
    order = np.argsort(-np.abs(pulls))[:NAMED_PULLS]
    return Comparison(
        chi2=float(np.sum(pulls**2)),
        ndf=int(filled.sum()) - 1,
        ks_distance=float(np.max(np.abs(steps))),
        largest_pulls=tuple(Pull(float(centres[i]), float(pulls[i])) for i in order),
    )


@cache
def shipped_template() -> ReferenceContent:
    """Return the template that comes with this program: the sum of ten real R12860 spectra."""
    text = files("background_executor.judging").joinpath("template_r12860.json").read_text()
    return ReferenceContent.model_validate_json(text)
