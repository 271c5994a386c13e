"""Scans whose job left because nothing came: look for raw data, and give them another job.

A few listings over the connection that is there anyway, once a minute and only
while a scan is idle. What counts as data of a scan is what its job would look
at: planned points of its serial number, in the acquisition that was picked or
in one that began after the scan.
"""

import logging
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath

from background_executor import queries
from background_executor.jobs.successors import add_successor, lacks_job
from background_executor.records import JobRecord, ScanRecord
from background_executor.rounds import Rounds
from background_executor.site import Site
from background_executor.transport import RemoteEntry
from server_side.journal import EndReason
from server_side.raw_names import RawNames, stamp_moment
from server_side.scan import ExistingAcquisition, ScanPlan

log = logging.getLogger(__name__)

_BELOW_ACQUISITION = 3
"""Serial number, point's folder, file."""

RawFiles = frozenset[RemoteEntry]


class IdleScans:
    """Remembers what raw data there were, so that also a copy with old times is new.

    The memory may be lost: what was written since a job left is found without it.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._rounds: Rounds[ScanRecord] = Rounds(site.timeout_s, lambda scan: scan.scan_id)
        self._seen: dict[str, RawFiles] = {}

    def look(self, now: datetime) -> None:
        """Submit another job for each idle scan that has new raw data.

        Raises
        ------
        TransportError
            When the server could not be asked, could not list one of the folders, or hung at
            one; the other scans are looked at all the same, now or in the next round.
        """
        scans = queries.running_scans(self._site.store, self._site.name)
        self._rounds.do(scans, lambda scan: self._look_at(scan, now), now)

    def _look_at(self, scan: ScanRecord, now: datetime) -> None:
        last = self._idle_job(scan)
        if last is not None:
            self._look_for(scan, last, now)

    def _idle_job(self, scan: ScanRecord) -> JobRecord | None:
        """Return the job that left because nothing came, when nothing followed it."""
        points = queries.points(self._site.store, scan.scan_id)
        jobs = queries.jobs(self._site.store, scan.scan_id)
        if not lacks_job(points, jobs) or jobs[0].end_reason is not EndReason.IDLE:
            return None
        return jobs[0]

    def _look_for(self, scan: ScanRecord, last: JobRecord, now: datetime) -> None:
        plan = self._site.plan(scan.scan_id)
        files = frozenset(_raw_files(self._site, plan))
        seen = self._seen.setdefault(last.job, files)
        if not files - seen and not _is_any_newer(files, plan, last):
            return
        log.info("Scan %s has new raw data; it goes on with another job.", scan.scan_id)
        with self._site.store.writing(now) as writer:
            reason = f"new raw data came after job {last.job} had left"
            add_successor(writer, scan, self._site.scheduler.name, reason)


def _is_any_newer(files: RawFiles, plan: ScanPlan, last: JobRecord) -> bool:
    """Tell whether a file was written since the job last can have looked.

    For the whole idle limit before its end it saw no change. Half of that is
    left for clocks that disagree.
    """
    if last.last_heard_at is None:
        return bool(files)
    limit = timedelta(seconds=plan.settings.watch.idle_limit_s)
    return any(file.modified_s > (last.last_heard_at - limit / 2).timestamp() for file in files)


def _raw_files(site: Site, plan: ScanPlan) -> Iterator[RemoteEntry]:
    """Yield the files of planned points, each with its path below the raw base."""
    names, planned = RawNames(plan.settings.daq), set(plan.points)
    for acquisition in _acquisitions(site, plan, names):
        folder = site.config.site.raw_base / acquisition
        for entry in site.transport.list_tree(folder, depth=_BELOW_ACQUISITION):
            parts = entry.path.parts
            if entry.is_folder or len(parts) != _BELOW_ACQUISITION:
                continue
            if parts[0] == plan.serial_number and names.point_of(parts[1], plan.kind) in planned:
                path = acquisition / entry.path
                yield RemoteEntry(path, False, entry.size_bytes, entry.modified_s)


def _acquisitions(site: Site, plan: ScanPlan, names: RawNames) -> Sequence[PurePosixPath]:
    """Return the acquisitions whose data belong to a scan."""
    if isinstance(plan.raw, ExistingAcquisition):
        return [PurePosixPath(plan.raw.folder)]
    began_after = plan.raw.began_after.replace(microsecond=0)
    return [
        entry.path
        for entry in site.transport.list_tree(site.config.site.raw_base, depth=1)
        if entry.is_folder and names.is_acquisition(entry.path.name)
        if _beginning(entry, plan, names) >= began_after
    ]


def _beginning(acquisition: RemoteEntry, plan: ScanPlan, names: RawNames) -> datetime:
    """Return when an acquisition began: by its name, else not before its folder's time."""
    try:
        modified_at = datetime.fromtimestamp(acquisition.modified_s, UTC)
        stamp = names.stamp_of(acquisition.path.name)
        return stamp_moment(stamp, plan.zone, modified_at) if stamp else modified_at
    except (ValueError, OverflowError, OSError):  # a time that no calendar has is nobody's
        return datetime.min.replace(tzinfo=UTC)
