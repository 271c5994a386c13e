"""What folders on the server really hold: names by listing, contents by checksum.

Nothing is changed here. A folder in a link's place, a link inside a published
folder, a missing or an extra file are all faults, said by name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from pydantic import ValidationError

from background_executor.decisions.receipt import ReceiptFile, ReceiptPart
from background_executor.errors import RemoteFileError, UntrustedFileError
from background_executor.site import Site
from server_side.layout import MANIFEST_FILE
from server_side.publish import MANIFEST_LIMIT_BYTES, Manifest, manifest_sha256

MAX_MANIFESTS_BYTES = 16 << 20
MAX_DEPTH = 8
"""Deeper than anything in a scan folder."""
_IRREGULAR = "irregular"

FileHashes = Mapping[PurePosixPath, str]
"""sha256 by path relative to a folder."""


@dataclass(frozen=True)
class ExpectedTake:
    """A published folder as it was stored."""

    folder: PurePosixPath
    """Relative to the folder that was looked into."""
    manifest_sha256: str


def names_in(site: Site, folder: PurePosixPath) -> frozenset[str]:
    """Return the names of files and folders in a folder; one that is not there holds none.

    Raises
    ------
    TransportError
        When there was no answer.
    """
    try:
        entries = site.transport.list_tree(folder, depth=1)
    except RemoteFileError:
        if site.transport.exists(folder):
            raise
        return frozenset()
    return frozenset(entry.path.name for entry in entries)


def hash_folders(site: Site, folders: Sequence[PurePosixPath]) -> dict[PurePosixPath, FileHashes]:
    """Return the checksums of all files below some folders, made where they lie, in one call.

    Raises
    ------
    TransportError
        When there was no answer, or a folder could not be read in full.
    """
    if not folders:
        return {}
    tests = ["-type", "f", "-exec", "sha256sum", "-z", "--", "{}", "+"]
    others = ["-o", "!", "-type", "d", "-printf", rf"{_IRREGULAR}  %p\0"]
    argv = ["find", *(str(folder) for folder in folders), *tests, *others]
    output = site.transport.run(argv, timeout_s=site.timeout_s)
    if output.exit_status != 0:
        said = output.stderr.strip()[-500:] or f"exit status {output.exit_status}"
        raise RemoteFileError(f"cannot verify {', '.join(map(str, folders))}: {said}")
    records = [record for record in output.stdout.split("\0") if record]
    found: dict[PurePosixPath, dict[PurePosixPath, str]] = {folder: {} for folder in folders}
    for record in records:
        digest, _, name = record.partition(" ")
        path = PurePosixPath(name[1:])
        folder = next(folder for folder in folders if path.is_relative_to(folder))
        found[folder][path.relative_to(folder)] = digest
    return dict(found)


def check_takes(
    site: Site,
    base: PurePosixPath,
    hashes: FileHashes,
    expected: Sequence[ExpectedTake],
) -> int:
    """Compare published folders with their manifests, and these with what was stored.

    Returns
    -------
    Size of their files in bytes, as the manifests have them.

    Raises
    ------
    UntrustedFileError
        When a folder is not what was stored; every fault is named.
    """
    names = [take.folder / MANIFEST_FILE for take in expected]
    present = [name for name in names if name in hashes]
    stream = site.transport.fetch(base, present, max_bytes=MAX_MANIFESTS_BYTES) if present else ()
    manifests = {file.path.parent: file.content for file in stream}
    faults, size_bytes = [], 0
    for take in expected:
        content = manifests.get(take.folder)
        fault = _fault_of(take, content, hashes)
        if fault:
            faults.append(fault)
        elif content is not None:
            entries = Manifest.model_validate_json(content).files
            size_bytes += len(content) + sum(entry.size_bytes for entry in entries)
    if faults:
        raise UntrustedFileError(
            f"changed on the server since it was stored: {'; '.join(faults)}. Nothing was moved: "
            "look at it there; published folders are never changed by hand"
        )
    return size_bytes


def _fault_of(take: ExpectedTake, content: bytes | None, hashes: FileHashes) -> str:
    """Say what is wrong with a folder; empty when it is as it was stored."""
    if content is None:
        return f"{take.folder} has no {MANIFEST_FILE}"
    if len(content) > MANIFEST_LIMIT_BYTES or manifest_sha256(content) != take.manifest_sha256:
        return f"{take.folder} has another {MANIFEST_FILE}"
    try:
        manifest = Manifest.model_validate_json(content)
    except ValidationError:
        return f"{take.folder} has an unreadable {MANIFEST_FILE}"
    wanted = {entry.name: entry.sha256 for entry in manifest.files}
    present = {
        str(path.relative_to(take.folder)): digest
        for path, digest in hashes.items()
        if path.is_relative_to(take.folder) and path != take.folder / MANIFEST_FILE
    }
    missing, extra = sorted(set(wanted) - set(present)), sorted(set(present) - set(wanted))
    changed = sorted(name for name in set(wanted) & set(present) if wanted[name] != present[name])
    told = (("lacks", missing), ("has extra", extra), ("has changed", changed))
    words = [f"{act} {', '.join(names)}" for act, names in told if names]
    return f"{take.folder} {' and '.join(words)}" if words else ""


def part_of(folder: str, hashes: FileHashes, size_bytes: int) -> ReceiptPart:
    """Write down what a folder holds, for its receipt."""
    files = tuple(
        ReceiptFile(path=str(path), sha256=digest)
        for path, digest in sorted(hashes.items())
        if digest != _IRREGULAR
    )
    return ReceiptPart(folder=folder, files=files, size_bytes=size_bytes)


def compare_parts(before: Sequence[ReceiptPart], after: Sequence[ReceiptPart]) -> str:
    """Say which folders do not hold what they held; empty when all do."""
    held = {part.folder: set(part.files) for part in after}
    faults = []
    for part in before:
        differing = {file.path for file in set(part.files) ^ held.get(part.folder, set())}
        if differing:
            faults.append(f"{part.folder} differs in {', '.join(sorted(differing)[:5])}")
    return "; ".join(faults)


def size_of(site: Site, folder: PurePosixPath) -> int:
    """Return the size of all files below a folder in bytes."""
    entries = site.transport.list_tree(folder, depth=MAX_DEPTH)
    return sum(entry.size_bytes for entry in entries)
