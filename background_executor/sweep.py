"""The safety net under the journals: find published folders that no line told of."""

import logging
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import PurePosixPath

from background_executor import queries
from background_executor.errors import RemoteFileError
from background_executor.imported import ImportedPlan
from background_executor.site import Site
from background_executor.transport import RemoteEntry
from server_side.errors import NameFormatError
from server_side.layout import MANIFEST_FILE, parse_take_folder
from server_side.scan import ScanPlan, Take

MAX_SCANS = 10_000
_BELOW_BASE = 2
"""Scan folder and serial number lie between the base folder and a take."""

log = logging.getLogger(__name__)


def sweep(site: Site, scan_ids: Iterable[str], now: datetime) -> None:
    """List the published folders of scans, and note those that nobody told of.

    Raises
    ------
    TransportError
        When the server could not be asked, or could not list one of the folders.
    """
    for scan_id in scan_ids:
        entries = _list(site, site.layout(scan_id).results_folder, 2)
        takes = list(published_takes(entries, site.plan(scan_id)))
        with site.store.writing(now) as writer:
            for folder, take in takes:
                writer.add_publication(scan_id, take, folder, None)


def sweep_all(site: Site, now: datetime) -> None:
    """Do the same for every scan that is not archived, with one listing of the base folder.

    Raises
    ------
    TransportError
        When the server could not be asked.
    """
    entries = _list(site, site.config.site.base_folder, _BELOW_BASE + 2)
    of_folder: dict[PurePosixPath, list[RemoteEntry]] = defaultdict(list)
    for entry in entries:
        folder = PurePosixPath(*entry.path.parts[:_BELOW_BASE])
        of_folder[folder].append(replace(entry, path=entry.path.relative_to(folder)))
    with site.store.writing(now) as writer:
        for scan in queries.scans(site.store, site.name, limit=MAX_SCANS):
            if isinstance(scan.plan, ImportedPlan):
                continue
            layout = site.layout(scan.scan_id)
            found = of_folder[layout.results_folder.relative_to(layout.base)]
            for name, take in published_takes(found, scan.plan):
                writer.add_publication(scan.scan_id, take, name, None)


def _list(site: Site, folder: PurePosixPath, depth: int) -> tuple[RemoteEntry, ...]:
    """List a folder; one that is not there is empty, one that cannot be listed is an error."""
    try:
        return site.transport.list_tree(folder, depth=depth)
    except RemoteFileError:
        if site.transport.exists(folder):
            raise
        return ()  # nothing was published yet


def published_takes(entries: Iterable[RemoteEntry], plan: ScanPlan) -> Iterable[tuple[str, Take]]:
    """Yield name and take of each folder that holds a manifest and belongs to the plan."""
    for entry in entries:
        if entry.is_folder or entry.path.name != MANIFEST_FILE or len(entry.path.parts) != 2:
            continue
        folder = entry.path.parts[0]
        try:
            take = parse_take_folder(folder)
        except NameFormatError:
            continue  # a folder in the making, or somebody else's
        if take.point in plan.points:
            yield folder, take
        else:
            log.warning("%s is not a point of scan %s; it is left alone.", folder, plan.scan_id)
