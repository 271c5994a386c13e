"""What the analysis of one take gave, as ``result.json`` has it.

Every number carries its unit in its name or beside it, and its error; what
could not be measured says why instead of standing in with a zero. The judging
is not done here: limits belong to the executor.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from server_side.boundary import BoundaryModel
from server_side.scan import (
    FolderName,
    JobUuid,
    ScanId,
    ScanKind,
    SerialNumber,
    SiteName,
    Slot,
    Take,
)

ELEMENTARY_CHARGE_C = 1.602176634e-19
"""Exact by definition of the SI."""

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class SpectrumName(StrEnum):
    """Which charge a spectrum holds."""

    THRESHOLD = "threshold"
    """Charge around a leading edge above threshold, after the arrival cut."""
    WINDOW = "window"
    """Charge in a fixed window after the trigger, every trigger: holds the pedestal."""
    DARK = "dark"
    """The same window before the pulse: holds the pedestal and dark pulses."""


class Spectrum(BoundaryModel):
    """A charge histogram."""

    name: SpectrumName
    edges_pc: tuple[float, ...] = Field(min_length=2)
    counts: tuple[int, ...]
    below: int = 0
    """Charges below the first edge."""
    above: int = 0
    """Charges at or above the last edge."""
    definition: str = ""
    """In words: window, cuts."""

    @model_validator(mode="after")
    def _check_bins(self) -> "Spectrum":
        if len(self.counts) != len(self.edges_pc) - 1:
            raise ValueError(f"{len(self.edges_pc)} edges do not hold {len(self.counts)} bins")
        if any(low >= high for low, high in zip(self.edges_pc, self.edges_pc[1:], strict=False)):
            raise ValueError("edges must rise")
        return self


class Curve(BoundaryModel):
    """A fitted curve in counts per bin of the spectrum it belongs to."""

    label: str
    charge_pc: tuple[float, ...]
    counts: tuple[float, ...]


class Parameter(BoundaryModel):
    """One parameter of a fit."""

    name: str
    value: float
    error: float | None
    """None where the parameter was fixed; at an edge of physics the one without the edge."""
    unit: str
    note: str = ""
    minos_low: float | None = None
    """Distance to the lower end of the likelihood's interval; only where it was asked for."""
    minos_high: float | None = None
    """Distance to its upper end."""


class Quantity(BoundaryModel):
    """A measured number."""

    state: Literal["measured"] = "measured"
    name: str
    value: float
    error: float | None
    unit: str
    meaning: str
    """One sentence: how it is defined."""


class Missing(BoundaryModel):
    """A number that could not be measured."""

    state: Literal["missing"] = "missing"
    name: str
    reason: str


Measurement = Annotated[Quantity | Missing, Field(discriminator="state")]


class ValidFit(BoundaryModel):
    """A fit whose numbers may be used."""

    outcome: Literal["valid"] = "valid"
    model: str
    spectrum: SpectrumName
    charges: int
    """Charges that entered the fit."""
    gain_peak: float | None
    """None where the model has no shape to have a mode."""
    gain_peak_err: float | None
    gain_mean: float | None
    """None where the spectrum does not tell it."""
    gain_mean_err: float | None
    chi2: float | None
    """None, as are the next two, for an estimate that fits no curve."""
    ndf: int | None
    p_value: float | None
    parameters: tuple[Parameter, ...]
    correlation: tuple[tuple[float, ...], ...] = ()
    """Of the free parameters, in their order."""
    derived: tuple[Measurement, ...] = ()
    """Occupancy, SPE resolution, peak-to-valley ... as far as the model has them."""
    curves: tuple[Curve, ...] = ()
    """The total first, then its components."""
    pulls: tuple[float, ...] = ()
    """(data - fit) / sqrt(fit), one for each bin of the spectrum that entered; else empty."""
    message: str = ""

    @property
    def peak_with_error(self) -> tuple[float, float] | None:
        """``gain_peak`` and its error, None where the model has none."""
        if self.gain_peak is None or self.gain_peak_err is None:
            return None
        return self.gain_peak, self.gain_peak_err

    @property
    def chi2_per_ndf(self) -> float | None:
        """None where no curve was fitted."""
        return None if self.chi2 is None or not self.ndf else self.chi2 / self.ndf


class NoFit(BoundaryModel):
    """A fit that gave no number, and why."""

    outcome: Literal["too_few_charges", "invalid"]
    model: str
    spectrum: SpectrumName
    charges: int
    message: str = Field(min_length=1)
    curves: tuple[Curve, ...] = ()
    """Where the minimiser stopped, for the eye only."""


FitOutcome = Annotated[ValidFit | NoFit, Field(discriminator="outcome")]


class InputFile(BoundaryModel):
    """One raw file as it was read."""

    channel: int
    """Of its name."""
    said_channel: int | None = None
    """Of its events; None where they do not say."""
    path: str
    size_bytes: int
    modified_at: AwareDatetime
    raw_format: str
    events: int
    first_event: int | None
    last_event: int | None
    skipped_events: int = 0
    """Damaged events that were left out."""
    torn_events: int = 0
    """Incomplete last event that was held back (0 or 1)."""
    lost_events: int = 0
    """Event numbers that other channels have and this one lacks, damaged ones included."""
    doubled_events: int = 0
    slipped_events: int | None = None
    """Events whose time tag is that of another trigger than the trigger channel's; None where
    the time tags could not be compared."""
    damage: tuple[str, ...] = ()
    """The first few faults in words, with byte offsets."""

    @property
    def vanished_events(self) -> int:
        """Lost events of which the file shows nothing: other channels have damaged ones too."""
        return max(0, self.lost_events - self.skipped_events)

    @property
    def expected_events(self) -> int:
        """Events that the file should have."""
        return self.events + self.skipped_events + self.vanished_events


class Acquisition(BoundaryModel):
    """Where a take's raw data came from: what tells one take from another."""

    folder: str
    """Raw folder of the point."""
    generation: Sha256
    """Hash of the first bytes of the PMT's file: another one is another acquisition."""
    stamp: str
    """Stamp of the acquisition folder, or of the scan where it has none."""
    pmt_channel: int
    channel_note: str = ""
    """Says so when the PMT's channel was not the slot's own."""
    began_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None
    """Last modification of the raw files."""
    complete_because: str = ""
    """What said that the point was ready."""


class Provenance(BoundaryModel):
    """How a result came to be."""

    software_version: str
    job: JobUuid | None
    host: str
    measured_at: AwareDatetime
    settings_sha256: Sha256
    acquisition: Acquisition
    inputs: tuple[InputFile, ...]
    root_file: str | None
    duration_s: float


class PointResult(BoundaryModel):
    """Content of ``result.json``."""

    format_version: Literal[1] = 1
    site: SiteName
    scan_id: ScanId
    kind: ScanKind
    serial_number: SerialNumber
    slot: Slot
    take: Take
    triggers: int
    """Events that all needed channels have."""
    selected_charges: int
    """Thresholded charges that passed the arrival and charge cuts."""
    spectra: tuple[Spectrum, ...]
    fits: tuple[FitOutcome, ...]
    quality: tuple[Measurement, ...]
    provenance: Provenance
    charge_plot: FolderName
    gain_file: FolderName | None
    """None without a valid fit."""

    def fit_of(self, model: str) -> ValidFit | NoFit | None:
        """Return the outcome of a model, or None when it was not fitted."""
        return next((fit for fit in self.fits if fit.model == model), None)

    def spectrum_of(self, name: SpectrumName) -> Spectrum | None:
        """Return a spectrum, or None when it was not made."""
        return next((spectrum for spectrum in self.spectra if spectrum.name is name), None)

    def measurement_of(self, name: str) -> Quantity | Missing | None:
        """Return a quality measurement, or None when it is not known at all."""
        return next((entry for entry in self.quality if entry.name == name), None)


class Trace(BoundaryModel):
    """Samples of one event or a mean pulse, baseline removed."""

    event_number: int | None
    """None for the mean pulse."""
    voltage_mv: tuple[float, ...]


class ChannelWaveforms(BoundaryModel):
    """A few examples and the mean pulse of a channel."""

    channel: int
    role: str
    sample_ns: float
    examples: tuple[Trace, ...]
    mean: Trace | None
    mean_of: str = ""
    """Which events the mean was taken over."""


class Waveforms(BoundaryModel):
    """Content of ``waveforms.json``."""

    format_version: Literal[1] = 1
    channels: tuple[ChannelWaveforms, ...]
