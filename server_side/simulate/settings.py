"""What a simulated bench is: its PMTs, its light, its DAQ and what is wrong with it.

The numbers are those of the R12860 bench (trigger, pulses, noise, transit
times) or near them; the map over the photocathode is of our own making.
"""

from pydantic import Field, model_validator

from server_side.boundary import BoundaryModel
from server_side.scan import (
    NAME_PATTERN,
    PositionPoint,
    ScanKind,
    SerialNumber,
    Slot,
    VoltagePoint,
    ZoneName,
    position_points,
)
from server_side.settings import DaqSettings
from server_side.simulate.faults import SHARED_FAULTS, Fault
from server_side.simulate.spe import SpeCharge, SpeShape, spe_charge

TARGET_GAIN = 1.0e7


class SpeSettings(BoundaryModel):
    """Charge of single photoelectrons.

    The defaults give thresholded spectra of the shape that ten real R12860
    spectra have (a test holds them to it).
    """

    shape: SpeShape = SpeShape.GAUSS_EXP
    core_width: float = Field(default=0.20, gt=0, lt=1)
    """Width of the Gaussian relative to its peak."""
    low_weight: float = Field(default=0.12, ge=0, lt=1)
    """Part of the charges that is exponential (``gauss_exp``)."""
    low_scale: float = Field(default=0.5, gt=0)
    """Scale of the exponential relative to the Gaussian's peak (``gauss_exp``)."""

    def distribution(self) -> SpeCharge:
        """Return the distribution of charges in units of its mode."""
        return spe_charge(
            self.shape,
            core_width=self.core_width,
            low_weight=self.low_weight,
            low_scale=self.low_scale,
        )


class SimulatedPmt(BoundaryModel):
    """One photomultiplier on the bench."""

    serial_number: SerialNumber
    slot: Slot
    gain_peak: float = Field(default=TARGET_GAIN, gt=0)
    """Mode of the SPE charge over e at the centre, in a position scan."""
    hv_for_target_v: float = Field(default=1800.0, gt=0)
    """True voltage at which the gain is 1e7 at the centre."""
    gain_index: float = Field(default=7.0, gt=0)
    """Gain rises with this power of the voltage."""
    nominal_v: int = Field(default=1800, gt=0, le=5000)
    """Voltage in the middle of its HV check."""
    spe: SpeSettings = SpeSettings()
    gain_tilt: float = 0.004
    """Relative change of the gain towards phi = 0 at theta = 50 degrees."""
    gain_edge: float = -0.006
    """Relative change of the gain at theta = 50 degrees, all around."""
    efficiency_tilt: float = 0.03
    efficiency_edge: float = -0.15
    noise_adc: float = Field(default=4.4, ge=0)
    baseline_adc: float = Field(default=14_400.0, ge=0)
    dark_rate_hz: float = Field(default=4_000.0, ge=0)


class FaultAt(BoundaryModel):
    """A fault of one PMT at one point."""

    fault: Fault
    slot: Slot
    point: str | None = Field(default=None, pattern=NAME_PATTERN)
    """Name of the point; None for all of them."""


class LightSettings(BoundaryModel):
    """Laser, trigger and transit times."""

    occupancy: float = Field(default=0.3, ge=0)
    """Mean photoelectrons per trigger at the centre."""
    trigger_ns: float = 88.0
    """Trigger edge after the begin of the record."""
    trigger_jitter_ns: float = Field(default=0.3, ge=0)
    """Besides the phase of the sampling clock, which is uniform over a sample."""
    arrival_ns: float = 321.0
    """From the trigger to the half height of a pulse without transit time spread."""
    transit_sigma_ns: float = Field(default=0.95, ge=0)
    transit_tail_ns: float = Field(default=2.0, ge=0)
    """Scale of the exponential part of the transit time."""
    late_fraction: float = Field(default=0.01, ge=0, le=1)
    """Photoelectrons that come late."""
    late_ns: float = Field(default=30.0, ge=0)
    """Exponential scale of their lateness."""


class BenchSettings(BoundaryModel):
    """A bench and one acquisition on it."""

    kind: ScanKind = ScanKind.POSITION
    pmts: tuple[SimulatedPmt, ...] = Field(min_length=1, max_length=2)
    points: tuple[PositionPoint, ...] = Field(default=position_points(), min_length=1)
    """Of a position scan, in the order of acquisition."""
    hv_steps_v: tuple[int, ...] = Field(default=(-100, -50, 0, 50, 100), min_length=1)
    """Of an HV check, around each PMT's nominal voltage."""
    hv_position: PositionPoint = PositionPoint(theta_deg=0, phi_deg=0)
    triggers: int = Field(default=20_000, gt=0)
    """Per point."""
    trigger_rate_hz: float = Field(default=2_000.0, gt=0)
    """Shows in the time tags only."""
    first_event: int = Field(default=0, ge=0)
    light: LightSettings = LightSettings()
    has_monitor: bool = True
    has_reference: bool = False
    faults: tuple[FaultAt, ...] = ()
    seed: int = Field(default=1, ge=0)
    seconds_per_point: float | None = Field(default=None, gt=0)
    """Pace of a live DAQ; as fast as it goes when absent."""
    done_marker: str | None = "DONE"
    """File that says that a point's folder is complete; None for a DAQ that says nothing."""
    zone: ZoneName = "Asia/Tokyo"
    daq: DaqSettings = DaqSettings()

    @model_validator(mode="after")
    def _check_pmts(self) -> "BenchSettings":
        if len({pmt.slot for pmt in self.pmts}) != len(self.pmts):
            raise ValueError("two PMTs stand in one slot")
        if len({pmt.serial_number for pmt in self.pmts}) != len(self.pmts):
            raise ValueError("two PMTs have one serial number")
        return self

    @model_validator(mode="after")
    def _check_faults(self) -> "BenchSettings":
        names = {p.slot: [self.point_of(p, s).name for s in self.steps] for p in self.pmts}
        for fault in self.faults:
            here = names.get(fault.slot, [])
            if not here or fault.point not in (None, *here):
                raise ValueError(
                    f"no point {fault.point!r} in slot {fault.slot} for fault "
                    f"{fault.fault.value}; there are {', '.join(here) or 'none'}"
                )
        return self

    @property
    def steps(self) -> range:
        """Indices of the points, in the order of acquisition."""
        return range(len(self.points if self.kind is ScanKind.POSITION else self.hv_steps_v))

    def point_of(self, pmt: SimulatedPmt, step: int) -> PositionPoint | VoltagePoint:
        """Return the point that a PMT is measured at in a step."""
        if self.kind is ScanKind.POSITION:
            return self.points[step]
        return VoltagePoint(voltage_v=pmt.nominal_v + self.hv_steps_v[step])

    def faults_of(self, pmt: SimulatedPmt, step: int) -> tuple[Fault, ...]:
        """Return the faults that a PMT has in a step: its own, and those of the whole bench."""
        return tuple(
            fault.fault
            for other in self.pmts
            for fault in self.faults
            if fault.slot == other.slot
            and fault.point in (None, self.point_of(other, step).name)
            and (other is pmt or fault.fault in SHARED_FAULTS)
        )
