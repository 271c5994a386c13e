"""The receipt of an act: what was decided, by whom and why, and what moved where.

It lies on the server, beside what was moved, and with the manifests and journals
it is enough to make the store again. Only receipts whose outcome is ``done``
count: one that says ``intended`` was written before the act and its executor died.
"""

from enum import StrEnum
from pathlib import PurePosixPath
from typing import Literal

from pydantic import AwareDatetime, Field

from background_executor.decisions.decision_records import MoveAct
from server_side.boundary import BoundaryModel
from server_side.layout import RECEIPT_FILE
from server_side.result import Sha256
from server_side.scan import Point, ScanId, ScanKind, SerialNumber, SiteName

_STEM = PurePosixPath(RECEIPT_FILE).stem
_SUFFIX = PurePosixPath(RECEIPT_FILE).suffix
RECEIPT_PATTERN = rf"^{_STEM}_[a-z_]+_[0-9]{{8}}_[0-9]{{6}}_[0-9a-f]{{8}}{_SUFFIX}$"
"""What the name of every receipt matches."""

ROOT_FILES_STAY = "ROOT files are not moved: they stay where they were written"


class ReceiptOutcome(StrEnum):
    """What became of the act."""

    INTENDED = "intended"
    """It was about to be done."""
    DONE = "done"
    """It was done and verified."""
    ROLLED_BACK = "rolled_back"
    """It could not be done; everything lies where it lay."""


class ReceiptTake(BoundaryModel):
    """A take that the act is about."""

    point: Point
    take: int = Field(ge=1, le=999)
    retake: int | None = Field(default=None, ge=2, le=1000)
    """The take that is asked for after it, or waited for no longer; None in any other act."""


class ReceiptFile(BoundaryModel):
    """A file of a moved folder, as it was before."""

    path: str
    """Relative to the folder."""
    sha256: Sha256


class ReceiptPart(BoundaryModel):
    """A folder that was moved."""

    folder: str
    files: tuple[ReceiptFile, ...]
    size_bytes: int = Field(ge=0)


class Receipt(BoundaryModel):
    """Content of a receipt file."""

    format_version: Literal[1] = 1
    outcome: ReceiptOutcome
    message: str = ""
    """Why it was rolled back."""
    act: MoveAct
    site: SiteName
    scan_id: ScanId
    kind: ScanKind
    serial_number: SerialNumber
    operator: str
    reason: str
    comment: str
    decided_at: AwareDatetime
    takes: tuple[ReceiptTake, ...]
    source: str
    """Folder on the server that held the parts; empty where nothing moves."""
    target: str
    parts: tuple[ReceiptPart, ...]
    files: int = Field(ge=0)
    """Of all parts."""
    size_bytes: int = Field(ge=0)
    root_files: tuple[str, ...] = ()
    root_files_note: str = ROOT_FILES_STAY


def receipt_name(act: MoveAct, stamp: str, token: str) -> str:
    """Name a receipt; the token keeps two acts within a second apart."""
    return f"{_STEM}_{act.value}_{stamp}_{token}{_SUFFIX}"
