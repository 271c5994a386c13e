"""What may be asked about the quality of results: references, and judging again."""

from typing import Literal

from pydantic import Field

from background_executor.judging.health import HealthSettings
from background_executor.judging.reference import ReferenceKind
from server_side.boundary import BoundaryModel
from server_side.scan import ScanId, SerialNumber


class MakeReference(BoundaryModel):
    """Make a scan, or the shipped template, the reference of a PMT or of the site's type."""

    kind: Literal["make-reference"] = "make-reference"
    of: ReferenceKind
    scan_id: ScanId | None = None
    """Complete scan without poor points; the shipped template when absent."""
    serial_number: SerialNumber | None = None
    """PMT that it is for; that of the scan when absent."""
    comment: str = Field(default="", max_length=2000)


class JudgeAgain(BoundaryModel):
    """Judge the stored results of a scan again; no raw data are needed."""

    kind: Literal["judge-again"] = "judge-again"
    scan_id: ScanId
    health: HealthSettings | None = None
    """Limits to judge by; those of the executor's settings when absent."""
    reason: str = Field(default="", max_length=2000)
