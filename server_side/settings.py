"""How raw data are read, integrated and fitted: the settings that travel with a scan.

They are part of the plan and so of the provenance of every result. Limits are
not here: the cluster measures, the executor judges. Numbers are those of the
R12860 bench unless a site says otherwise.
"""

import hashlib
from enum import StrEnum
from typing import Literal

from pydantic import Field, model_validator

from server_side.boundary import BoundaryModel


class ChannelRole(StrEnum):
    """What is plugged into a digitiser channel."""

    TRIGGER = "trigger"
    """Signal generator; its leading edge is the time zero of an event."""
    MONITOR = "monitor"
    """SiPM that watches the laser light."""
    PMT = "pmt"
    """The photomultiplier under test."""
    REFERENCE = "reference"
    """A photomultiplier that stays in place."""


class ChannelSettings(BoundaryModel):
    """One digitiser channel."""

    number: int = Field(ge=0, le=63)
    role: ChannelRole
    slot: Literal[1, 2] | None = None
    """Place of the PMT that the channel reads; only for role ``pmt``."""
    polarity: Literal["positive", "negative"]
    threshold_mv: float = Field(gt=0)
    """Leading-edge threshold above baseline in position scans."""
    threshold_hv_mv: float = Field(gt=0)
    """The same in HV checks."""

    @model_validator(mode="after")
    def _check_slot(self) -> "ChannelSettings":
        if (self.role is ChannelRole.PMT) != (self.slot is not None):
            raise ValueError(f"channel {self.number}: a slot is for role 'pmt', and only for it")
        return self


def _channel(
    number: int, role: ChannelRole, slot: Literal[1, 2] | None, mv: float, hv_mv: float
) -> ChannelSettings:
    positive = role in (ChannelRole.TRIGGER, ChannelRole.MONITOR)
    return ChannelSettings(
        number=number,
        role=role,
        slot=slot,
        polarity="positive" if positive else "negative",
        threshold_mv=mv,
        threshold_hv_mv=hv_mv,
    )


DEFAULT_CHANNELS = (
    _channel(0, ChannelRole.TRIGGER, None, 100.0, 100.0),
    _channel(1, ChannelRole.MONITOR, None, 100.0, 100.0),
    _channel(2, ChannelRole.PMT, 1, 3.0, 5.0),
    _channel(3, ChannelRole.PMT, 2, 3.0, 5.0),
    _channel(4, ChannelRole.REFERENCE, None, 3.0, 5.0),
)


class DaqSettings(BoundaryModel):
    """The digitiser and the raw files it writes."""

    sampling_mhz: float = Field(default=500.0, gt=0)
    full_scale_v: float = Field(default=2.0, gt=0)
    adc_bits: int = Field(default=14, ge=1, le=16)
    impedance_ohm: float = Field(default=50.0, gt=0)
    time_tag_ns: float = Field(default=8.0, gt=0)
    """One count of the trigger time tag."""
    record_length: int = Field(default=260, ge=8, le=100_000)
    """Samples per event; used where a file does not say."""
    raw_format: str = "auto"
    """Name of the raw format, or ``auto`` to tell it from the content."""
    acquisition_pattern: str = "wavedump_output_{stamp}"
    position_folder_pattern: str = "wavesave_{point}"
    hv_folder_pattern: str = "{point}"
    file_patterns: tuple[str, ...] = (
        "wave{channel}save_{point}.txt",
        "wave{channel}_{point}.txt",
        "wave{channel}.txt",
        "wave{channel}save_{point}.dat",
        "wave{channel}_{point}.dat",
        "wave{channel}.dat",
    )
    channels: tuple[ChannelSettings, ...] = DEFAULT_CHANNELS

    @property
    def sample_ns(self) -> float:
        """Time between two samples (ns)."""
        return 1000.0 / self.sampling_mhz

    @property
    def mv_per_adc(self) -> float:
        """Voltage of one count (mV)."""
        return 1000.0 * self.full_scale_v / float(1 << self.adc_bits)

    @property
    def pc_per_adc_sample(self) -> float:
        """Charge of one count over one sample (pC): mV x ns / ohm."""
        return self.mv_per_adc * self.sample_ns / self.impedance_ohm

    @model_validator(mode="after")
    def _check_channels(self) -> "DaqSettings":
        numbers = [channel.number for channel in self.channels]
        if len(set(numbers)) != len(numbers):
            raise ValueError("a channel number stands in 'channels' twice")
        return self


class Window(BoundaryModel):
    """A span of time, both ends in ns."""

    low_ns: float
    high_ns: float

    @model_validator(mode="after")
    def _check_order(self) -> "Window":
        if self.low_ns >= self.high_ns:
            raise ValueError("low_ns must lie below high_ns")
        return self


class AnalysisSettings(BoundaryModel):
    """From waveforms to charges and gains."""

    baseline_samples: int = Field(default=40, ge=4)
    integrate_before_samples: int = Field(default=10, ge=0)
    """The thresholded charge begins this many samples before the start."""
    integrate_after_samples: int = Field(default=50, ge=1)
    """It ends before this many samples after the start."""
    charge_low_pc: float = 0.5
    charge_high_pc: float = 4.5
    charge_bins: int = Field(default=50, ge=10, le=2000)
    arrival_window: Window | None = None
    """PMT start less trigger start; found from the data when absent."""
    charge_window: Window | None = None
    """Fixed integration window after the trigger; found from the data when absent."""
    models: tuple[str, ...] = Field(default=("two_gaussian", "dft", "moments"), min_length=1)
    """Charge-response models that are fitted to every point; plot and gain file show the first."""
    hv_models: tuple[str, ...] = Field(default=("dft", "poisson_gauss", "moments"), min_length=1)
    """The same for the points of an HV check."""
    min_charges: int = Field(default=500, ge=50)
    """Below this many selected charges there is no fit."""


class WatchSettings(BoundaryModel):
    """How a job waits for points and when it goes."""

    poll_s: float = Field(default=1.0, gt=0)
    stable_s: float = Field(default=20.0, gt=0)
    """A point is ready when its files have not changed for so long."""
    expected_events: int | None = Field(default=None, gt=0)
    """A point is ready when every channel has so many events."""
    done_marker: str = "DONE"
    """A file of this name in the point's folder says that it is ready."""
    idle_limit_s: float = Field(default=4 * 3600.0, gt=0)
    """The job ends when nothing new came for so long."""
    heartbeat_s: float = Field(default=10.0, gt=0)
    max_tries: int = Field(default=3, ge=1)


class MeasurementSettings(BoundaryModel):
    """All that decides a result beside the raw data."""

    daq: DaqSettings = DaqSettings()
    analysis: AnalysisSettings = AnalysisSettings()
    watch: WatchSettings = WatchSettings()

    def digest(self) -> str:
        """Return the sha256 of what decides a number (how the job waits does not)."""
        text = self.daq.model_dump_json() + self.analysis.model_dump_json()
        return hashlib.sha256(text.encode()).hexdigest()
