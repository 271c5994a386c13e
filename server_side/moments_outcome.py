"""The model-free moments of two windows as an outcome beside those of the fits."""

from server_side.fit_outcome import ELEMENTARY_CHARGE_PC, invalid_fit
from server_side.response.model import Refusal
from server_side.response.moments import NAME, Estimate, SpeMoments, measure_moments
from server_side.result import FitOutcome, Measurement, Missing, Quantity, Spectrum, ValidFit


def estimate_moments(signal: Spectrum, dark: Spectrum | None) -> FitOutcome:
    """Return mean gain, occupancy and resolution of a fixed-window spectrum, without a fit.

    Parameters
    ----------
    dark
        Of the window before the pulse, in the same bins; without it the signal's own
        pedestal is taken for a Gaussian, and the result says so.
    """
    found = measure_moments(signal, dark)
    if isinstance(found, Refusal):
        return invalid_fit(NAME, signal, found.reason)
    return ValidFit(
        model=NAME,
        spectrum=signal.name,
        charges=sum(signal.counts),
        gain_peak=None,
        gain_peak_err=None,
        gain_mean=found.mean_pc.value / ELEMENTARY_CHARGE_PC,
        gain_mean_err=found.mean_pc.error / ELEMENTARY_CHARGE_PC,
        chi2=None,
        ndf=None,
        p_value=None,
        parameters=(),
        derived=_derived(found),
        message=found.note,
    )


def _derived(found: SpeMoments) -> tuple[Measurement, ...]:
    return (
        _quantity("occupancy", found.occupancy, "", "Mean photoelectrons per trigger."),
        _quantity("spe_mean_pc", found.mean_pc, "pC", "Mean SPE charge."),
        _quantity("spe_sigma_pc", found.sigma_pc, "pC", "Standard deviation of the SPE charge."),
        _quantity(
            "spe_resolution",
            found.resolution,
            "",
            "Standard deviation over mean of the SPE charge, pedestal removed.",
        ),
    )


def _quantity(name: str, estimate: Estimate | None, unit: str, meaning: str) -> Measurement:
    if estimate is None:
        return Missing(name=name, reason="the light adds no variance beyond that of its number")
    return Quantity(
        name=name, value=estimate.value, error=estimate.error, unit=unit, meaning=meaning
    )
