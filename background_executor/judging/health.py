"""Limits by which results are judged: the ``[health]`` section of a site's settings.

They stay with the executor, so that rules can change, and old results can be
judged again, without touching the cluster.
"""

from enum import StrEnum

from pydantic import Field, model_validator

from background_executor.judging.limits import DEFAULT_CHECKS, Limits, MeasurementCheck
from background_executor.judging.reference import PmtType
from server_side.boundary import BoundaryModel


class GainMethod(StrEnum):
    """What ``gain`` means; the two differ by about 12 % and are never mixed."""

    GAIN_PEAK = "gain_peak"
    """Mode of the single-photoelectron charge density over e."""
    GAIN_MEAN = "gain_mean"
    """Mean single-photoelectron charge over e."""


class GainLimits(Limits):
    """Gain window of one model: numbers of different models are not comparable."""

    model: str
    method: GainMethod = GainMethod.GAIN_PEAK


class HealthSettings(BoundaryModel):
    """Which model judges, and by which limits."""

    judging_model: str = "two_gaussian"
    """Model whose gain is judged in position scans."""
    judged_gain: GainMethod = GainMethod.GAIN_PEAK
    hv_model: str = "dft"
    """Model whose gain makes the HV curve."""
    hv_gain: GainMethod = GainMethod.GAIN_PEAK
    target_gain: float = Field(default=1e7, gt=0)
    """Gain that an HV check finds the voltage for."""
    supply_step_v: float = Field(default=1.0, gt=0)
    """Voltages that the supply can be set to are multiples of it."""
    pmt_type: PmtType = "R12860"
    """Type of the PMTs of this site: whose reference counts for those without one of their own."""
    no_light_fraction: float = Field(default=0.002, ge=0, lt=1)
    """Below this share of selected charges per trigger the PMT saw no light."""
    median_points: int = Field(default=3, ge=2)
    """From so many other points on, a point's triggers are compared with their median."""
    gain: tuple[GainLimits, ...] = (
        GainLimits(
            model="two_gaussian",
            inner_low=0.999e7,
            inner_high=1.049e7,
            outer_low=0.95e7,
            outer_high=1.05e7,
        ),
    )
    statistics: Limits = Limits(inner_low=2000, outer_low=500)
    """Of the number of selected charges."""
    damage: Limits = Limits(inner_high=0.01, outer_high=0.01)
    """Of the share of damaged, doubled, lost and slipped events of the worst channel."""
    checks: tuple[MeasurementCheck, ...] = DEFAULT_CHECKS
    """Of the other measured quantities."""

    @model_validator(mode="after")
    def _check_judging(self) -> "HealthSettings":
        if self.gain_limits(self.judging_model, self.judged_gain) is None:
            raise ValueError(
                f"judging_model {self.judging_model!r} has no limits for {self.judged_gain.value}: "
                "add a [[health.gain]] entry of that model and method"
            )
        names = [check.measurement for check in self.checks]
        if doubled := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(
                f"two checks for {', '.join(doubled)}: keep one [[health.checks]] each"
            )
        return self

    def gain_limits(self, model: str, method: GainMethod) -> GainLimits | None:
        """Return the gain window of a model, or None when there is none."""
        entries = (entry for entry in self.gain if (entry.model, entry.method) == (model, method))
        return next(entries, None)
