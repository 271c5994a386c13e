"""Result folders that exist whole or not at all, and the manifest that proves it.

``publish_folder`` is the only way a result comes into being; ``verify_folder``
tells of any copy, on any machine, whether it is what was published. A job that
was killed leaves at most a folder with a temporary name, which the next job of
the same scan takes away with ``remove_leftovers``.
"""

import hashlib
import os
import re
import stat
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from server_side.boundary import BoundaryModel, faults_in_words
from server_side.durable_files import make_folder, sync_folder, write_synced
from server_side.errors import ManifestError, NameFormatError, PublishError
from server_side.layout import (
    MANIFEST_FILE,
    TEMPORARY_PREFIX,
    parse_take_folder,
    take_folder_name,
)
from server_side.result import Sha256
from server_side.scan import FolderName, ScanId, SerialNumber, Take

MANIFEST_LIMIT_BYTES = 1 << 20
"""No manifest of ours is larger; a larger one is not read."""

_LEFTOVER = re.compile(re.escape(TEMPORARY_PREFIX) + r"(?P<folder>data_.+)\.[0-9a-f]{32}")


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


@dataclass(frozen=True)
class NewFile:
    """One file that is to be published."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Published:
    """A folder that is in place."""

    folder: Path
    manifest_sha256: str


def manifest_sha256(content: bytes) -> str:
    """Return the hash by which a journal names the manifest of a folder."""
    return hashlib.sha256(content).hexdigest()


def publish_folder(
    results_folder: Path,
    *,
    scan_id: str,
    serial_number: str,
    take: Take,
    files: Iterable[NewFile],
) -> Published:
    """Put the folder of a take in place, whole or not at all.

    Its name follows from the take; ``files`` are all but the manifest, and
    ``results_folder``, made when it is not there, holds the scan's takes.

    Raises
    ------
    PublishError
        When the take is published already (nothing is ever overwritten) or
        the disk refuses.
    """
    target = results_folder / take_folder_name(take)
    try:
        make_folder(results_folder)
        aside = results_folder / f"{TEMPORARY_PREFIX}{target.name}.{uuid.uuid4().hex}"
        aside.mkdir()
        try:
            entries = tuple(_write_entry(aside, file) for file in files)
            content = _write_manifest(
                aside,
                Manifest(scan_id=scan_id, serial_number=serial_number, take=take, files=entries),
            )
            _rename_to_free_name(aside, target)
        except BaseException:
            _remove_flat_folder(aside)
            raise
        sync_folder(results_folder)
    except OSError as error:
        raise PublishError(f"cannot publish {target}: {error}") from error
    return Published(target, manifest_sha256(content))


def _write_manifest(aside: Path, manifest: Manifest) -> bytes:
    """Write the last file of a folder, flush the folder, and return the file's content."""
    content = manifest.model_dump_json(indent=1).encode() + b"\n"
    write_synced(aside / MANIFEST_FILE, content)
    sync_folder(aside)
    return content


def verify_folder(folder: Path) -> Manifest:
    """Check a published folder, or a copy of it, against its manifest.

    Raises
    ------
    ManifestError
        When the manifest is missing or unreadable, or when any file is extra,
        missing, not a regular file, or of another size or content.
    """
    try:
        manifest = read_manifest(folder)
        present = {entry.name: entry.stat(follow_symlinks=False) for entry in os.scandir(folder)}
        wanted = {entry.name for entry in manifest.files}
        _check_names(folder, manifest, set(present) - {MANIFEST_FILE}, wanted)
        for name, status in present.items():
            if not stat.S_ISREG(status.st_mode):
                raise ManifestError(f"{name} in {folder} is not a regular file")
        for entry in manifest.files:
            _check_content(folder, entry)
    except OSError as error:
        raise ManifestError(f"cannot verify {folder}: {error}") from error
    return manifest


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a folder without checking the files.

    Raises
    ------
    ManifestError
        When it is missing, larger than any of ours, or malformed.
    """
    path = folder / MANIFEST_FILE
    try:
        content = _read_regular(path, MANIFEST_LIMIT_BYTES)
        return Manifest.model_validate_json(content)
    except OSError as error:
        raise ManifestError(f"no manifest to read at {path}: {error.strerror}") from error
    except ValidationError as error:
        raise ManifestError(
            f"{path} is no manifest of version 1: {faults_in_words(error)}"
        ) from error


def remove_leftovers(results_folder: Path) -> tuple[str, ...]:
    """Take away what killed jobs left half built in this folder of one scan.

    Only folders directly inside, whose whole name is the one that
    ``publish_folder`` builds, and only files directly inside them: nothing is
    followed and nothing else is touched.

    Returns
    -------
    Names of the folders that were removed.
    """
    removed = []
    for entry in _entries(results_folder):
        match = _LEFTOVER.fullmatch(entry.name)
        if match and _is_take_folder(match["folder"]) and _is_flat_folder(entry):
            _remove_flat_folder(Path(entry.path))
            removed.append(entry.name)
    return tuple(removed)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda entry: entry.name)
    except FileNotFoundError:
        return []


def _is_take_folder(name: str) -> bool:
    try:
        parse_take_folder(name)
    except NameFormatError:
        return False
    return True


def _write_entry(folder: Path, file: NewFile) -> ManifestEntry:
    entry = ManifestEntry(
        name=file.name,
        size_bytes=len(file.content),
        sha256=hashlib.sha256(file.content).hexdigest(),
    )
    write_synced(folder / entry.name, file.content)
    return entry


def _rename_to_free_name(aside: Path, target: Path) -> None:
    # rename() itself refuses a target that holds anything, so a race cannot overwrite one.
    if os.path.lexists(target):
        raise PublishError(
            f"{target} is there already and is never overwritten: it was published already, or "
            f"without a {MANIFEST_FILE} it was made by hand and is in the way"
        )
    aside.rename(target)


def _is_flat_folder(entry: os.DirEntry[str]) -> bool:
    if not entry.is_dir(follow_symlinks=False):
        return False
    return not any(inner.is_dir(follow_symlinks=False) for inner in _entries(Path(entry.path)))


def _remove_flat_folder(folder: Path) -> None:
    for entry in _entries(folder):
        if not entry.is_dir(follow_symlinks=False):
            Path(entry.path).unlink(missing_ok=True)
    folder.rmdir()


def _check_names(folder: Path, manifest: Manifest, present: set[str], wanted: set[str]) -> None:
    if len(wanted) != len(manifest.files):
        raise ManifestError(f"the manifest of {folder} names a file twice")
    if MANIFEST_FILE in wanted:
        raise ManifestError(f"the manifest of {folder} names itself")
    if present != wanted:
        raise ManifestError(
            f"{folder} does not hold what its manifest says: "
            f"missing {sorted(wanted - present)}, extra {sorted(present - wanted)}"
        )


def _check_content(folder: Path, entry: ManifestEntry) -> None:
    content = _read_regular(folder / entry.name, entry.size_bytes)
    if len(content) != entry.size_bytes:
        raise ManifestError(
            f"{entry.name} in {folder} has {len(content)} bytes, "
            f"its manifest says {entry.size_bytes}"
        )
    if hashlib.sha256(content).hexdigest() != entry.sha256:
        raise ManifestError(f"{entry.name} in {folder} does not have the content it had")


def _read_regular(path: Path, limit: int) -> bytes:
    """Read a file without following a link, and no more of it than expected."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise ManifestError(f"{path} is not a regular file")
        if status.st_size > limit:
            raise ManifestError(f"{path} has {status.st_size} bytes, expected at most {limit}")
        return stream.read(limit + 1)
