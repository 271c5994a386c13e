"""The verified local copy of a published folder: whole and checked, or not there.

Files are written below a temporary name, checked against the manifest as they
lie on the disk, and the folder is renamed. A folder that is there already, from
a life that ended before its row was written, is checked in the same way.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from background_executor.crash_points import CrashPoint, reach
from background_executor.errors import UntrustedFileError
from background_executor.transport import FetchedFile
from server_side.boundary import faults_in_words
from server_side.durable_files import sync_folder, write_synced
from server_side.errors import ManifestError
from server_side.layout import MANIFEST_FILE, RESULT_FILE, WAVEFORMS_FILE
from server_side.publish import Manifest, manifest_sha256, verify_folder
from server_side.result import PointResult, Waveforms
from server_side.scan import FolderName, ScanPlan, Take

PART_SUFFIX = ".part"
MAX_FILES = 32

_FILE_NAME: TypeAdapter[str] = TypeAdapter(FolderName)


@dataclass(frozen=True)
class TakeCopy:
    """Which folder is to be copied, and what it must hold."""

    scan_folder: Path
    """Local folder of the scan's takes."""
    folder: str
    take: Take
    plan: ScanPlan
    manifest_sha256: str | None
    """As the journal told it; None where the folder was only found."""

    @property
    def target(self) -> Path:
        """Where the verified copy lies."""
        return self.scan_folder / self.plan.serial_number / self.folder


@dataclass(frozen=True)
class PlacedTake:
    """A verified copy in its place."""

    folder: Path
    manifest_sha256: str
    result: PointResult


def put_in_place(copy: TakeCopy, files: Iterable[FetchedFile]) -> PlacedTake:
    """Verify the files of a take and put them in place.

    Raises
    ------
    UntrustedFileError
        When anything disagrees with manifest, journal or plan.
    OSError
        When this disk refuses.
    """
    if copy.target.exists():
        kept = _verify_kept(copy)
        if kept is not None:
            return kept
    part = copy.target.with_name(copy.folder + PART_SUFFIX)
    _empty(part)
    try:
        _write_files(part, copy, files)
        reach(CrashPoint.PART_WRITTEN)
        placed = _verify(part, copy)
    except (UntrustedFileError, OSError):
        _empty(part)
        part.rmdir()
        raise
    part.rename(copy.target)
    sync_folder(copy.target.parent)
    return PlacedTake(copy.target, placed.manifest_sha256, placed.result)


def _verify_kept(copy: TakeCopy) -> PlacedTake | None:
    """Check what an earlier life left; what is not good is put aside, never overwritten."""
    try:
        return _verify(copy.target, copy)
    except UntrustedFileError:
        number = 1
        while (aside := copy.target.with_name(f"{copy.folder}.damaged{number}")).exists():
            number += 1
        copy.target.rename(aside)
        return None


def _write_files(part: Path, copy: TakeCopy, files: Iterable[FetchedFile]) -> None:
    for number, file in enumerate(files, start=1):
        name = file.path.name
        if number > MAX_FILES:
            raise UntrustedFileError(f"{copy.folder} holds more than {MAX_FILES} files")
        if file.path.parts != (copy.folder, name):
            raise UntrustedFileError(f"{file.path} does not lie directly in {copy.folder}")
        try:
            _FILE_NAME.validate_python(name)
        except ValidationError:
            raise UntrustedFileError(
                f"{copy.folder} holds a file of the name {name[:60]!r}: no published file has one"
            ) from None
        try:
            write_synced(part / name, file.content)
        except FileExistsError:
            raise UntrustedFileError(f"{name} came twice for {part.name}") from None
    sync_folder(part)


def _verify(folder: Path, copy: TakeCopy) -> PlacedTake:
    try:
        manifest = verify_folder(folder)
    except ManifestError as error:
        raise UntrustedFileError(f"{copy.folder} is not what was published: {error}") from error
    digest = manifest_sha256((folder / MANIFEST_FILE).read_bytes())
    if copy.manifest_sha256 is not None and digest != copy.manifest_sha256:
        raise UntrustedFileError(
            f"the manifest of {copy.folder} has sha256 {digest[:12]}, "
            f"its job told of {copy.manifest_sha256[:12]}: it was changed after it was published"
        )
    result = _read_result(folder, manifest, copy)
    return PlacedTake(folder, digest, result)


def _read_result(folder: Path, manifest: Manifest, copy: TakeCopy) -> PointResult:
    """Read the result and compare it with what was asked for."""
    names = {entry.name for entry in manifest.files}
    try:
        result = PointResult.model_validate_json((folder / RESULT_FILE).read_bytes())
        if WAVEFORMS_FILE in names:
            Waveforms.model_validate_json((folder / WAVEFORMS_FILE).read_bytes())
    except (OSError, ValidationError) as error:
        raise UntrustedFileError(
            f"a document of {copy.folder} cannot be read: {faults_in_words(error)}; "
            "if server_side there has another version: deploy this one, then reset"
        ) from error
    plan = copy.plan
    found = (manifest.scan_id, manifest.serial_number, manifest.take)
    if found != (plan.scan_id, plan.serial_number, copy.take):
        raise UntrustedFileError(f"the manifest of {copy.folder} is that of {found}")
    said = (result.site, result.scan_id, result.kind, result.serial_number, result.slot)
    asked = (plan.site, plan.scan_id, plan.kind, plan.serial_number, plan.slot)
    if said != asked or result.take != copy.take:
        raise UntrustedFileError(
            f"the result in {copy.folder} is that of {said} {result.take.name}, not of {asked}"
        )
    missing = {result.charge_plot, result.gain_file} - {None} - names
    if missing:
        raise UntrustedFileError(f"the result in {copy.folder} names {missing}, not published")
    return result


def _empty(part: Path) -> None:
    """Make a temporary folder that holds nothing; only files directly in it are removed."""
    part.mkdir(parents=True, exist_ok=True)
    for entry in part.iterdir():
        entry.unlink()
