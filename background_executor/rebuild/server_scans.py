"""Find the scans on the server: their plans, where each lies, and the records beside them."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TypeVar

from pydantic import ValidationError

from background_executor.decisions.receipt import RECEIPT_PATTERN, Receipt
from background_executor.decisions.stop_records import StopRecord
from background_executor.errors import RemoteFileError, UntrustedFileError
from background_executor.site import Site
from background_executor.transport import RemoteEntry
from server_side.boundary import BoundaryModel, faults_in_words
from server_side.layout import PLAN_FILE, STOPPED_STEM, ScanLayout
from server_side.scan import ScanPlan

MAX_DOCUMENT_BYTES = 8 << 20
"""Plans and receipts are some kB each; a larger one is none of ours."""
BATCH = 100
MAX_BATCH_BYTES = 64 << 20
"""What is held in memory at once."""
_JOURNAL = re.compile(r"journal-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.jsonl", re.ASCII)
_STOPPED = re.compile(rf"{STOPPED_STEM}_\d{{8}}_\d{{6}}\.json", re.ASCII)
_RECEIPT = re.compile(RECEIPT_PATTERN)

Document = TypeVar("Document", bound=BoundaryModel)


@dataclass(frozen=True)
class ServerScan:
    """One scan as it lies on the server."""

    plan: ScanPlan
    folder: PurePosixPath
    """Below the base folder, or in the archive."""
    jobs: tuple[str, ...]
    """Jobs that left a journal."""
    stops: tuple[StopRecord, ...]


@dataclass(frozen=True)
class FoundReceipt:
    """A receipt, and where it lies."""

    path: PurePosixPath
    receipt: Receipt


@dataclass
class Findings:
    """What was found, and what could not be used and why."""

    scans: list[ServerScan] = field(default_factory=list)
    receipts: dict[str, list[FoundReceipt]] = field(default_factory=lambda: defaultdict(list))
    """Of each scan."""
    notes: list[str] = field(default_factory=list)


def find_scans(site: Site) -> Findings:
    """Look below the base folder and in archive and flag folder.

    Raises
    ------
    TransportError
        When the server could not be asked.
    """
    found, section = Findings(), site.config.site
    base, archive = section.base_folder, section.base_folder / section.archive_folder
    for parent in (base, archive):
        entries = _list(site, parent, found)
        _find_below(site, parent, entries, found)
        _read_receipts(site, parent, entries, found)
    flagged = base / section.flag_folder
    _read_receipts(site, flagged, _list(site, flagged, found), found)
    return found


def _list(site: Site, folder: PurePosixPath, found: Findings) -> tuple[RemoteEntry, ...]:
    """List down to the folders of takes; documents too large to be ours are said and left out."""
    try:
        entries = site.transport.list_tree(folder, depth=3)
    except RemoteFileError:
        if site.transport.exists(folder):
            raise
        return ()
    large = [each.path for each in entries if _is_document(each) and _is_too_large(each)]
    found.notes += [f"{folder / path} is larger than {MAX_DOCUMENT_BYTES} bytes" for path in large]
    return tuple(each for each in entries if each.path not in large)


def _is_document(entry: RemoteEntry) -> bool:
    name = entry.path.name
    return name == PLAN_FILE or bool(_STOPPED.fullmatch(name) or _RECEIPT.match(name))


def _is_too_large(entry: RemoteEntry) -> bool:
    return entry.size_bytes > MAX_DOCUMENT_BYTES


def _find_below(
    site: Site, parent: PurePosixPath, entries: Iterable[RemoteEntry], found: Findings
) -> None:
    """Read the plans of the scan folders directly in a folder, and what lies beside them."""
    names: dict[str, list[str]] = defaultdict(list)
    for entry in entries:
        if not entry.is_folder and len(entry.path.parts) == 2:
            names[entry.path.parts[0]].append(entry.path.name)
    folders = [folder for folder, inside in names.items() if PLAN_FILE in inside]
    plans = _fetch(site, parent, [PurePosixPath(folder, PLAN_FILE) for folder in folders])
    for path, content in plans.items():
        folder = path.parts[0]
        plan = _read(ScanPlan, parent / path, content, found)
        if plan is None or not _is_ours(site, plan, parent / folder, found):
            continue
        stops = [name for name in names[folder] if _STOPPED.fullmatch(name)]
        contents = _fetch(site, parent, [PurePosixPath(folder, name) for name in stops])
        records = (_read(StopRecord, parent / at, text, found) for at, text in contents.items())
        found.scans.append(
            ServerScan(
                plan,
                parent / folder,
                tuple(m[1] for name in names[folder] if (m := _JOURNAL.fullmatch(name))),
                tuple(each for each in records if each and each.scan_id == plan.scan_id),
            )
        )


def _is_ours(site: Site, plan: ScanPlan, folder: PurePosixPath, found: Findings) -> bool:
    """Tell whether a plan is one of this site's and lies where it belongs."""
    name = ScanLayout(site.config.site.base_folder, plan).scan_name
    if plan.site != site.name:
        found.notes.append(f"{folder} belongs to site {plan.site}, not to {site.name}")
        return False
    if name != folder.name or any(plan.scan_id == each.plan.scan_id for each in found.scans):
        found.notes.append(f"{folder} is a copy: its plan is that of {name}")
        return False
    return True


def _read_receipts(
    site: Site, parent: PurePosixPath, entries: Iterable[RemoteEntry], found: Findings
) -> None:
    paths = [e.path for e in entries if not e.is_folder and _RECEIPT.match(e.path.name)]
    # The flag folder and the archive are looked into on their own.
    others = (site.config.site.flag_folder, site.config.site.archive_folder)
    if parent == site.config.site.base_folder:
        paths = [path for path in paths if path.parts[0] not in others]
    for path, content in _fetch(site, parent, paths).items():
        receipt = _read(Receipt, parent / path, content, found)
        if receipt is not None and receipt.site == site.name:
            found.receipts[receipt.scan_id].append(FoundReceipt(parent / path, receipt))


def _fetch(
    site: Site, folder: PurePosixPath, names: list[PurePosixPath]
) -> Mapping[PurePosixPath, bytes]:
    """Return the content of some files, many in one stream."""
    contents: dict[PurePosixPath, bytes] = {}
    for first in range(0, len(names), BATCH):
        batch = names[first : first + BATCH]
        stream = site.transport.fetch(folder, batch, max_bytes=MAX_BATCH_BYTES)
        contents |= {file.path: file.content for file in stream}
    return contents


def _read(
    kind: type[Document], path: PurePosixPath, content: bytes, found: Findings
) -> Document | None:
    try:
        return kind.model_validate_json(content)
    except (ValidationError, UntrustedFileError) as error:
        found.notes.append(f"{path} cannot be read: {faults_in_words(error)}")
        return None
