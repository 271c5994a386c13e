"""Which acquisitions lie below the raw base: the list an operator picks from.

Only names and times of folders are read, never a file: the list is quick on a
network file system that holds years of data. What ``python -m server_side
acquisitions --json`` prints is ``ACQUISITION_LIST`` in JSON.
"""

import logging
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from pydantic import AwareDatetime, Field, TypeAdapter

from server_side.boundary import BoundaryModel
from server_side.errors import NameFormatError, RawDataError
from server_side.raw_names import RawNames, stamp_moment
from server_side.scan import FolderName, ScanKind, SerialNumber, ZoneName, check_serial_number
from server_side.settings import DaqSettings

log = logging.getLogger(__name__)


class AcquisitionListing(BoundaryModel):
    """Points of one kind of one serial number in one acquisition."""

    folder: FolderName
    """Name of the acquisition folder below the raw base."""
    serial_number: SerialNumber
    kind: ScanKind
    point_names: tuple[str, ...] = Field(min_length=1)
    """Of the folders of points that there are, in the order of their names."""
    began_at: AwareDatetime | None
    """By the stamp in the folder's name; None when it holds none."""
    modified_at: AwareDatetime
    """When the newest file of a point was made."""

    @property
    def points(self) -> int:
        """How many points there are."""
        return len(self.point_names)


ACQUISITION_LIST: TypeAdapter[tuple[AcquisitionListing, ...]] = TypeAdapter(
    tuple[AcquisitionListing, ...]
)


def list_acquisitions(
    raw_base: Path, daq: DaqSettings, zone: ZoneName
) -> tuple[AcquisitionListing, ...]:
    """List what could be processed, newest first; what cannot be looked at is logged and left out.

    Raises
    ------
    RawDataError
        When the raw base cannot be listed.
    """
    names = RawNames(daq)
    found: list[AcquisitionListing] = []
    for acquisition in subfolders(raw_base):
        if names.is_acquisition(acquisition.name):
            try:
                found += _listings_in(acquisition, names, zone)
            except RawDataError as error:
                log.warning("Left out of the list: %s", error)
    return tuple(sorted(found, key=lambda entry: (entry.modified_at, entry.folder), reverse=True))


def _listings_in(
    acquisition: Path, names: RawNames, zone: ZoneName
) -> Iterator[AcquisitionListing]:
    for serial in _serial_folders(acquisition):
        for kind in ScanKind:
            yield from _listing(names, acquisition, serial, kind, zone)


def subfolders(folder: Path) -> list[Path]:
    """Return the folders in a folder, sorted by name.

    Raises
    ------
    RawDataError
        When it cannot be listed.
    """
    try:
        with os.scandir(folder) as entries:
            return sorted(Path(entry.path) for entry in entries if entry.is_dir())
    except OSError as error:
        raise RawDataError(f"cannot list the raw folder {folder}: {error.strerror}") from error


def _serial_folders(acquisition: Path) -> Iterator[Path]:
    for folder in subfolders(acquisition):
        try:
            check_serial_number(folder.name)
        except NameFormatError:
            continue
        yield folder


def _listing(
    names: RawNames, acquisition: Path, serial: Path, kind: ScanKind, zone: str
) -> Iterator[AcquisitionListing]:
    points = {f: point for f in subfolders(serial) if (point := names.point_of(f.name, kind))}
    if not points:
        return
    try:
        modified_at = max(datetime.fromtimestamp(f.stat().st_mtime, UTC) for f in points)
    except OSError as error:
        raise RawDataError(f"cannot look into {serial}: {error.strerror}") from error
    stamp = names.stamp_of(acquisition.name)
    yield AcquisitionListing(
        folder=acquisition.name,
        serial_number=serial.name,
        kind=kind,
        point_names=tuple(point.name for point in points.values()),
        began_at=stamp_moment(stamp, zone, modified_at) if stamp else None,
        modified_at=modified_at,
    )
