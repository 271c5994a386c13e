"""A charge spectrum with its fit and pulls, ready to be drawn."""

import math
from dataclasses import dataclass

from background_executor.judging.reference import ReferenceRecord
from server_side.result import ELEMENTARY_CHARGE_C, Curve, PointResult, Spectrum, ValidFit

COULOMB_PER_PC = 1e-12


@dataclass(frozen=True)
class Overlay:
    """The spectrum of a reference, scaled to as many charges as the one it lies over."""

    name: str
    counts: tuple[float, ...]


@dataclass(frozen=True)
class SpectrumView:
    """What a spectrum's chart shows."""

    edges_pc: tuple[float, ...]
    counts: tuple[int, ...]
    curves: tuple[Curve, ...]
    """The total first, then its components; empty without a fit."""
    pulls: tuple[float, ...]
    is_fit_valid: bool
    is_preliminary: bool
    caption: str
    """How the charges were chosen."""
    peak_pc: float | None
    """Where the gain is read off."""
    reference: Overlay | None = None
    """What the spectrum is compared to; None without a reference of the same bins."""


def fitted_spectrum(
    result: PointResult, model: str | None, reference: ReferenceRecord | None = None
) -> SpectrumView | None:
    """Show the spectrum that a model was fitted to, or the first one without a fit."""
    fit = result.fit_of(model) if model else None
    fit = fit or (result.fits[0] if result.fits else None)
    spectrum = result.spectrum_of(fit.spectrum) if fit else None
    if spectrum is None:
        spectrum = result.spectra[0] if result.spectra else None
    if spectrum is None:
        return None
    is_valid = isinstance(fit, ValidFit)
    return SpectrumView(
        edges_pc=spectrum.edges_pc,
        counts=spectrum.counts,
        curves=fit.curves if fit else (),
        pulls=fit.pulls if isinstance(fit, ValidFit) else (),
        is_fit_valid=is_valid,
        is_preliminary=False,
        caption=spectrum.definition,
        peak_pc=_peak_pc(fit) if isinstance(fit, ValidFit) else None,
        reference=_overlay(result, spectrum, reference),
    )


def _overlay(
    result: PointResult, spectrum: Spectrum, reference: ReferenceRecord | None
) -> Overlay | None:
    """Scale a reference to a spectrum; other bins or another point cannot be laid over it."""
    good = reference.spectrum_of(result.take.point.name) if reference is not None else None
    if reference is None or good is None or len(good.edges_pc) != len(spectrum.edges_pc):
        return None
    pairs = zip(good.edges_pc, spectrum.edges_pc, strict=True)
    total = sum(good.counts)
    if total <= 0 or not all(math.isclose(one, other) for one, other in pairs):
        return None
    scale = sum(spectrum.counts) / total
    return Overlay(reference.name, tuple(count * scale for count in good.counts))


def preliminary_spectrum(spectrum: Spectrum) -> SpectrumView:
    """Show the spectrum of a point that is still being measured."""
    return SpectrumView(
        edges_pc=spectrum.edges_pc,
        counts=spectrum.counts,
        curves=(),
        pulls=(),
        is_fit_valid=False,
        is_preliminary=True,
        caption=spectrum.definition,
        peak_pc=None,
    )


def _peak_pc(fit: ValidFit) -> float | None:
    if fit.gain_peak is None:
        return None
    return fit.gain_peak * ELEMENTARY_CHARGE_C / COULOMB_PER_PC
