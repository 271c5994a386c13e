"""The safety net under the journals: find published folders that no line told of.

A folder that cannot be listed is said, and holds up no other scan: somebody
else's below the base folder neither.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import PurePosixPath

from background_executor import queries
from background_executor.errors import NoAnswerError, RemoteFileError
from background_executor.imported import ImportedPlan
from background_executor.records import ScanState
from background_executor.rounds import Rounds
from background_executor.site import Site
from background_executor.transport import RemoteEntry
from server_side.errors import NameFormatError
from server_side.layout import MANIFEST_FILE, parse_take_folder
from server_side.scan import ScanPlan, Take

MAX_SCANS = 10_000
_BELOW_BASE = 2
"""Scan folder and serial number lie between the base folder and a take."""

log = logging.getLogger(__name__)


class Sweeps:
    """Lists the published folders of scans, and remembers when it last could.

    The memory may be lost: then nothing is decided before the next listing, and the
    first of all is one of the base folder, for every scan that is not archived.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._rounds: Rounds[str] = Rounds(site.timeout_s, str)
        self._listed_at: dict[str, datetime] = {}
        self._wants_all = True
        self._left: set[str] = set()
        """Scans that were to be listed with all, and could not be asked for yet."""

    @property
    def listed_at(self) -> Mapping[str, datetime]:
        """When the folders of each scan were last listed."""
        return self._listed_at

    def look_everywhere(self) -> None:
        """Let the next sweep be one of every scan that is not archived."""
        self._wants_all = True

    def sweep(self, scan_ids: Iterable[str], now: datetime) -> None:
        """List the published folders of scans, and note those that nobody told of.

        Raises
        ------
        TransportError
            When the server could not be asked, could not list one of the folders, or hung at
            one; those of the other scans are listed all the same, now or in the next round.
        """
        if self._wants_all and self._sweep_base(now):
            return
        wanted = list(scan_ids)
        left = sorted(self._left.difference(wanted))
        self._rounds.do([*wanted, *left], lambda scan_id: self._sweep_scan(scan_id, now), now)

    def _sweep_base(self, now: datetime) -> bool:
        """List the base folder for all scans; when that fails each is left to be listed alone."""
        scans = {
            scan.scan_id: scan.plan
            for scan in queries.scans(self._site.store, self._site.name, limit=MAX_SCANS)
            if not isinstance(scan.plan, ImportedPlan) and scan.state is not ScanState.ARCHIVED
        }
        try:
            of_folder = self._list_base()
        except (RemoteFileError, NoAnswerError) as error:
            # One that is away altogether would be asked in vain for each scan.
            self._site.transport.list_tree(self._site.config.site.base_folder, depth=1)
            # It may hold folders of others, closed to us.
            log.warning("%s; the folder of each scan is listed on its own", error)
            self._wants_all, self._left = False, set(scans)
            return False
        with self._site.store.writing(now) as writer:
            for scan_id, plan in scans.items():
                layout = self._site.layout(scan_id)
                found = of_folder[layout.results_folder.relative_to(layout.base)]
                for name, take in published_takes(found, plan):
                    writer.add_publication(scan_id, take, name, None)
        self._listed_at.update(dict.fromkeys(scans, now))
        self._wants_all, self._left = False, set()
        return True

    def _sweep_scan(self, scan_id: str, now: datetime) -> None:
        try:
            entries = _list(self._site, self._site.layout(scan_id).results_folder, 2)
        except RemoteFileError:
            self._left.discard(scan_id)  # an answer, too
            raise
        takes = list(published_takes(entries, self._site.plan(scan_id)))
        with self._site.store.writing(now) as writer:
            for folder, take in takes:
                writer.add_publication(scan_id, take, folder, None)
        self._listed_at[scan_id] = now
        self._left.discard(scan_id)

    def _list_base(self) -> Mapping[PurePosixPath, Sequence[RemoteEntry]]:
        """Return what lies in the results folder of each scan, by that folder's path."""
        of_folder: dict[PurePosixPath, list[RemoteEntry]] = defaultdict(list)
        for entry in _list(self._site, self._site.config.site.base_folder, _BELOW_BASE + 2):
            folder = PurePosixPath(*entry.path.parts[:_BELOW_BASE])
            of_folder[folder].append(replace(entry, path=entry.path.relative_to(folder)))
        return of_folder


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
