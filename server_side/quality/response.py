"""What the fits say of the photomultiplier beside its gain, and the pedestal's own width."""

import math

import numpy as np

from server_side.pulses import PulseColumns
from server_side.quality.quantities import MIN_VALUES, measured
from server_side.result import (
    ELEMENTARY_CHARGE_C,
    FitOutcome,
    Measurement,
    Missing,
    Quantity,
    SpectrumName,
    ValidFit,
)

SECOND_OPINION = "dft"
"""The model whose shape describes the data; the judging model may be another."""
FROM_FIT = ("occupancy", "spe_mean_pc", "spe_sigma_pc", "spe_resolution", "peak_to_valley")
LOWER_SIGMA = 0.15866
"""Part of a Gaussian that lies more than one sigma below its mean."""


def measure_response(fits: tuple[FitOutcome, ...], table: PulseColumns) -> tuple[Measurement, ...]:
    """Return the numbers of the second opinion, pedestal, and their ratio."""
    fit = next((f for f in fits if f.model == SECOND_OPINION), None)
    pedestal = _pedestal(table)
    return (
        *(_derived(fit, name) for name in FROM_FIT),
        _chi2_per_ndf(fit),
        *_model_systematics(fits),
        *pedestal,
        _signal_to_noise(fit, pedestal[1]),
    )


def _why_none(fit: FitOutcome | None) -> str:
    if fit is None:
        return f"the model {SECOND_OPINION!r} was not fitted"
    return f"the {SECOND_OPINION!r} fit is not valid: {fit.message}"


def _derived(fit: FitOutcome | None, name: str) -> Measurement:
    if not isinstance(fit, ValidFit):
        return Missing(name=name, reason=_why_none(fit))
    found = next((entry for entry in fit.derived if entry.name == name), None)
    if name == "occupancy" and fit.spectrum is SpectrumName.THRESHOLD:
        # Low charges in the light stay under the threshold, so it would come out too low.
        reason = f"{fit.model} was fitted to the threshold spectrum, which has no pedestal"
        return Missing(name=name, reason=f"{reason}: its occupancy is only an effective one")
    if found is not None:
        return found
    return Missing(name=name, reason=f"the {fit.spectrum} spectrum does not tell it")


def _chi2_per_ndf(fit: FitOutcome | None) -> Measurement:
    name = "chi2_per_ndf"
    ratio = fit.chi2_per_ndf if isinstance(fit, ValidFit) else None
    if not isinstance(fit, ValidFit) or ratio is None or not fit.ndf:
        return Missing(name=name, reason=_why_none(fit))
    meaning = f"Pearson's chi2 of the {fit.model} fit over its degrees of freedom."
    return measured(name, ratio, math.sqrt(2.0 / fit.ndf), "", meaning)


def _model_systematics(fits: tuple[FitOutcome, ...]) -> tuple[Measurement, ...]:
    """Return the spread of the valid models for each quantity that several of them have."""
    valid = [fit for fit in fits if isinstance(fit, ValidFit)]
    return (
        _spread("gain_model_systematic", "gain_peak", [fit.peak_with_error for fit in valid]),
        _spread("gain_mean_model_systematic", "gain_mean", [_mean_of(fit) for fit in valid]),
        _spread("occupancy_model_systematic", "occupancy", [_occupancy_of(fit) for fit in valid]),
    )


def _mean_of(fit: ValidFit) -> tuple[float, float] | None:
    return None if fit.gain_mean is None else (fit.gain_mean, fit.gain_mean_err or 0.0)


def _occupancy_of(fit: ValidFit) -> tuple[float, float] | None:
    if fit.spectrum is SpectrumName.THRESHOLD:
        return None
    found = next((entry for entry in fit.derived if entry.name == "occupancy"), None)
    return (found.value, found.error or 0.0) if isinstance(found, Quantity) else None


def _spread(name: str, quantity: str, found: list[tuple[float, float] | None]) -> Measurement:
    """Return the whole range: the truth is as likely near one end of it as in the middle.

    Its error is that of both ends as if they knew nothing of each other. They are of the same
    events, so it is rather too large.
    """
    pairs = sorted(pair for pair in found if pair is not None)
    if len(pairs) < 2:
        return Missing(name=name, reason=f"{len(pairs)} valid models, a spread needs two")
    (low, low_err), (high, high_err) = pairs[0], pairs[-1]
    middle = float(np.mean([value for value, _ in pairs]))
    meaning = f"Range of {quantity} over all valid models that have it, relative to their mean."
    error = math.hypot(low_err, high_err) / middle
    return measured(name, (high - low) / middle, error, "", meaning)


def _pedestal(table: PulseColumns) -> tuple[Measurement, Measurement]:
    """Return mean and width of the dark charges, blind to the few dark pulses among them.

    Median, and distance from there to the quantile that a Gaussian has at one
    sigma below: pulses only ever add charge.
    """
    names = ("ped_mean_pc", "ped_sigma_pc")
    dark = table.dark_charge_pc[np.isfinite(table.dark_charge_pc) & ~table.disturbed]
    if len(dark) < MIN_VALUES:
        reason = f"{len(dark)} charges in the dark window, a pedestal needs {MIN_VALUES}"
        return Missing(name=names[0], reason=reason), Missing(name=names[1], reason=reason)
    low, middle = (float(q) for q in np.quantile(dark, (LOWER_SIGMA, 0.5)))
    sigma, root = middle - low, math.sqrt(len(dark))
    return (
        measured(names[0], middle, 1.253 * sigma / root, "pC", "Median charge in the dark window."),
        measured(
            names[1],
            sigma,
            1.48 * sigma / root,
            "pC",
            "Width of the charges in the dark window, from their lower half.",
        ),
    )


def _signal_to_noise(fit: FitOutcome | None, ped_sigma: Measurement) -> Measurement:
    name = "signal_to_noise"
    peak = fit.peak_with_error if isinstance(fit, ValidFit) else None
    if peak is None:
        return Missing(name=name, reason=_why_none(fit))
    if not isinstance(ped_sigma, Quantity) or not ped_sigma.value > 0:
        return Missing(name=name, reason="the width of the pedestal is not known")
    gain, gain_err = peak
    ratio = gain * ELEMENTARY_CHARGE_C * 1e12 / ped_sigma.value
    relative = math.hypot(gain_err / gain, (ped_sigma.error or 0.0) / ped_sigma.value)
    meaning = "Peak charge of a single photoelectron over the width of the pedestal."
    return measured(name, ratio, ratio * relative, "", meaning)
