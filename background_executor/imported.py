"""What was read from result trees of the system that this one replaces.

It left a picture and one number for each point: no counts, no spectrum, no
goodness of fit, in position scans no error either. So it is no ``PointResult``:
what was not written down is not known here, and nothing judges it.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, Field

from server_side.boundary import BoundaryModel
from server_side.result import Measurement, Sha256
from server_side.scan import (
    FolderName,
    Point,
    ScanId,
    ScanKind,
    SerialNumber,
    SiteName,
    Take,
    ZoneName,
)

IMPORTED_FILE = "imported.json"
OLD_MODEL = "two_gaussian"
"""The only model of the old system: thresholded charge, two Gaussians, the second at twice the
first."""
OLD_GAIN_METHOD = "gain_peak"
"""Its gain is the mean of the first Gaussian over the elementary charge."""
OLD_OPERATOR = "unknown (old system)"
"""Who flagged something there was not written down."""


class Provenance(StrEnum):
    """Where a scan and its results came from."""

    MEASURED = "measured"
    """Jobs of this program measured it from raw data."""
    IMPORTED = "imported"
    """It was read from a result tree of the old system."""


class OldVoltage(BoundaryModel):
    """The voltage for a gain as the old system wrote it, believed by nobody here."""

    target_gain: float
    voltage_v: float
    file: str


class ImportedPlan(BoundaryModel):
    """What stands for the plan of an imported scan: the points that the old tree has."""

    format_version: Literal[1] = 1
    scan_id: ScanId
    site: SiteName
    kind: ScanKind
    serial_number: SerialNumber
    container: str
    """Folder of the old tree that made the scan one, like ``scan_output_20260220``; or empty."""
    zone: ZoneName
    points: tuple[Point, ...] = Field(min_length=1)
    old_voltages: tuple[OldVoltage, ...] = ()

    @property
    def folder_name(self) -> str:
        """Folder of its copies below the store's results."""
        return f"imported_{self.scan_id}"


class ImportedFile(BoundaryModel):
    """A file of the old tree as it was read."""

    name: FolderName
    size_bytes: int
    sha256: Sha256


class ImportedResult(BoundaryModel):
    """What an old tree holds of one take; content of ``imported.json``."""

    format_version: Literal[1] = 1
    site: SiteName
    scan_id: ScanId
    kind: ScanKind
    serial_number: SerialNumber
    take: Take
    stamp: str
    """Of the old system, in the site's zone: what tells one take of a point from another."""
    measured_at: AwareDatetime
    """The same as a moment."""
    gain: Measurement
    source_folder: str
    files: tuple[ImportedFile, ...] = Field(min_length=1)
    charge_plot: FolderName | None
    gain_file: FolderName | None


@dataclass(frozen=True)
class ImportedRecord:
    """One imported result in the store, with its files."""

    result_id: int
    scan_id: str
    result: ImportedResult
    folder: Path
    """Copy of the old files, with a manifest."""
    manifest_sha256: str
    stored_at: datetime
