"""Result folders that exist whole or not at all, and the manifest that proves it."""

from typing import Literal

from pydantic import Field

from server_side.boundary import BoundaryModel
from server_side.result import Sha256
from server_side.scan import FolderName, ScanId, SerialNumber, Take


class ManifestEntry(BoundaryModel):
    """One file of a published folder."""

    name: FolderName
    size_bytes: int = Field(ge=0)
    sha256: Sha256


class Manifest(BoundaryModel):
    """Content of ``MANIFEST.json``: every other file of the folder."""

    format_version: Literal[1] = 1
    scan_id: ScanId
    serial_number: SerialNumber
    take: Take
    files: tuple[ManifestEntry, ...] = Field(min_length=1)
