"""Limits of one number, and those that come with this program for the measured quantities.

A site's settings replace them. Each default says what it rests on. A quantity whose
limits only a site can know is checked without any: it is shown with value and error.
"""

from typing import Self

from pydantic import Field, model_validator

from server_side.boundary import BoundaryModel
from server_side.scan import ScanKind

OPEN = (None, None)
"""Limits that are not there, low and high."""


class Bounds(BoundaryModel):
    """Inner and outer limits of a number; an absent one leaves that side open."""

    inner_low: float | None = None
    inner_high: float | None = None
    outer_low: float | None = None
    outer_high: float | None = None

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        rising = (self.outer_low, self.inner_low, self.inner_high, self.outer_high)
        given = [limit for limit in rising if limit is not None]
        if given != sorted(given):
            raise ValueError("limits must rise: outer_low <= inner_low <= inner_high <= outer_high")
        return self

    @property
    def inner(self) -> tuple[float | None, float | None]:
        """Inner limits, low and high."""
        return self.inner_low, self.inner_high

    @property
    def outer(self) -> tuple[float | None, float | None]:
        """Outer limits, low and high."""
        return self.outer_low, self.outer_high

    @property
    def is_open(self) -> bool:
        """Whether there is no limit at all."""
        return self.inner == self.outer == OPEN


class Limits(Bounds):
    """Limits of a number, at least one of them given."""

    @model_validator(mode="after")
    def _check_given(self) -> Self:
        if self.is_open:
            raise ValueError("no limit is given: set at least one of inner_low .. outer_high")
        return self


class MeasurementCheck(Bounds):
    """Limits of one measured quantity of a point; without any it is shown and passes."""

    measurement: str = Field(min_length=1)
    """Name as the result's quality list has it."""
    required: bool = False
    """Without it, or outside its limits, a point is not healthy."""
    kinds: tuple[ScanKind, ...] = (ScanKind.POSITION, ScanKind.HV)
    """Kinds of scan that the check is for."""


def _check(
    measurement: str,
    inner: tuple[float | None, float | None],
    outer: tuple[float | None, float | None],
    *,
    required: bool = False,
) -> MeasurementCheck:
    """Return a check, an optional one unless said; limits are low and high."""
    return MeasurementCheck(
        measurement=measurement,
        required=required,
        inner_low=inner[0],
        inner_high=inner[1],
        outer_low=outer[0],
        outer_high=outer[1],
    )


_FIT = (
    # A model that describes the data gives 1; the errors of ndf near 100 are 0.14.
    _check("chi2_per_ndf", (None, 2.0), (None, 3.0)),
    # The whole range of the models. On real spectra two Gaussians and the Fourier model differ
    # by 4 to 8 %, on simulated ones of an HV check the Fourier model and Gaussians alone by up to
    # 6 %: beyond 10 % one of them describes something else, at twice that certainly.
    _check("gain_model_systematic", (None, 0.10), (None, 0.20)),
    # Their range is 6 to 8 % where there are low charges, and the error of `moments` comes to it,
    # 3 % at 25,000 triggers: points of the demo have up to 10 %. Twice, and four times that.
    _check("gain_mean_model_systematic", (None, 0.20), (None, 0.40)),
    _check("occupancy_model_systematic", (None, 0.20), (None, 0.40)),
    # The pedestal is 0.14 to 0.25 pC wide, an SPE has 1.6 pC.
    _check("signal_to_noise", (4.0, None), (3.0, None)),
    # The models are known to work from 0.02 to 5.
    _check("occupancy", (0.02, 3.0), (0.01, 5.0)),
    # Box and line: 0.45 with its low charges, the core alone 0.33.
    _check("spe_resolution", (0.20, 0.65), (0.10, 0.85)),
    # Chosen: a peak that hardly stands out of its valley has no mode to judge by.
    _check("peak_to_valley", (1.5, None), (1.1, None)),
)
_TIMING = (
    # Known benches have 300 to 330 ns, by their cables.
    _check("arrival_time_ns", (300.0, 335.0), (290.0, 345.0)),
    # Transit times over the photocathode differ by a few ns.
    _check("arrival_shift_ns", (-4.0, 4.0), (-8.0, 8.0)),
    # Transit time spread at one photoelectron: 0.95 ns, with a tail of 2 ns.
    _check("arrival_spread_ns", (None, 3.0), (None, 5.0)),
    _check("arrival_tail_ns", (None, 5.0), (None, 10.0)),
    # 0.1 to 10 kHz, by threshold.
    _check("dark_rate_hz", (None, 10_000.0), (None, 50_000.0)),
    # 600,000 triggers in 5 minutes.
    _check("trigger_rate_hz", (1_500.0, None), (1_000.0, None)),
)
_WAVEFORM = (
    # So near to an end of the range a pulse is cut off.
    _check("baseline_mean_adc", (500.0, 15_884.0), (150.0, 16_234.0)),
    # The noisiest bench known has 4.8 counts; a quarter more is another bench. A channel
    # without any noise is dead.
    _check("baseline_noise_adc", (1.0, 4.8), (0.5, 6.0)),
    # 10 counts are 1.2 mV, a third of the threshold.
    _check("baseline_drift_adc", (-5.0, 5.0), (-10.0, 10.0)),
    # Below 5.5 the 3 mV threshold cuts into the noise of 0.55 mV.
    _check("pulse_to_noise", (7.0, None), (5.5, None)),
    # At occupancy 0.3 one per cent of the triggers is four of the pulses: cut off, they could
    # move a gain by the half width of its window.
    _check("saturated_fraction", (None, 0.005), (None, 0.01)),
    # Dark pulses at 10 kHz give 0.003.
    _check("disturbed_fraction", (None, 0.02), (None, 0.05)),
)
_EVENTS = (
    # Chosen: a DAQ that works loses none; without one per cent the rest still says the same.
    _check("damaged_events", (None, 0.005), (None, 0.01)),
    _check("doubled_events", (None, 0.005), (None, 0.01)),
    _check("lost_events", (None, 0.005), (None, 0.01)),
    _check("cut_off_events", (None, 0.005), (None, 0.01)),
    # Events of another channel are of another photomultiplier, whatever they look like.
    _check("channel_mismatch", (None, 0.0), (None, 0.0), required=True),
    # Behind one lost event every row holds two triggers: a single one is no matter of chance.
    _check("slipped_events", (None, 0.0), (None, 0.0)),
    # Chosen: a tenth fewer events widen errors by a twentieth, but a DAQ that stops early is ill.
    _check("completeness", (0.98, None), (0.90, None)),
)
_LIGHT = (
    # What monitor and reference should have is a matter of the bench: no limits, but shown.
    _check("monitor_charge_pc", OPEN, OPEN),
    _check("reference_charge_pc", OPEN, OPEN),
    # One per mille of 600,000 triggers says the reference's light to 4 %; where nearly every
    # trigger has a hit, -ln(1 - fraction) says little.
    _check("reference_hit_fraction", (0.005, 0.95), (0.001, 0.99)),
    # Chosen: light that changes moves no gain, but occupancy and efficiency by as much.
    _check("monitor_drift", (-0.03, 0.03), (-0.10, 0.10)),
    _check("relative_monitor_charge", (0.90, 1.10), (0.70, 1.30)),
    # Its few charges are 45 % wide each: 3,600 of them say a drift to 3 %.
    _check("reference_drift", (-0.10, 0.10), (-0.25, 0.25)),
    # The reference PMT stays in place, so its gain should too; chosen as for a healthy gain.
    _check("relative_reference_charge", (0.93, 1.07), (0.85, 1.15)),
    # The photocathode's edge sees less light.
    _check("relative_efficiency", (0.70, 1.20), (0.50, 1.50)),
    _check("relative_reference_ratio", (0.70, 1.20), (0.50, 1.50)),
)
_REFERENCE = (
    # Ten real points of one type, 42,000 charges each, have 1.1 to 11 against each other.
    _check("reference_chi2_per_ndf", (None, 5.0), (None, 15.0)),
    # They have 0.005 to 0.062.
    _check("reference_ks_distance", (None, 0.04), (None, 0.08)),
)
DEFAULT_CHECKS = (*_FIT, *_TIMING, *_WAVEFORM, *_EVENTS, *_LIGHT, *_REFERENCE)
"""Of every measured quantity but those that are part of another that is checked: pedestal and SPE
charge (``signal_to_noise``, ``spe_resolution``), lost and damaged shares (judged by the files' own
numbers) and yields (relative to the centre). Outside of an optional one's outer limits a point asks
for a look; required is alone that events are of the channel that their file's name says."""
