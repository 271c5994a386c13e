"""Fill an empty store from the server, scan after scan."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath

from background_executor import queries
from background_executor.errors import RemoteFileError, StoreError
from background_executor.fetch import fetch_from
from background_executor.judging.reference_copy import restore_references
from background_executor.rebuild.server_scans import Findings, ServerScan, find_scans
from background_executor.rebuild.timeline import retell
from background_executor.site import Site
from background_executor.sweep import published_takes
from background_executor.sync import CHUNK_BYTES, read_part
from background_executor.transport import FilePart
from server_side.journal import EndReason, JobEnd, JobStart, JournalLine
from server_side.layout import ScanLayout

log = logging.getLogger(__name__)

ACTOR = "rebuild"


@dataclass(frozen=True)
class RebuildReport:
    """What was made again."""

    scans: int
    results: int
    receipts: int
    references: int
    notes: tuple[str, ...]
    """What on the server was left out or is to be looked at."""

    def lines(self) -> list[str]:
        """Say it."""
        counts = f"{self.scans} scans, {self.results} results and {self.receipts} receipts"
        if self.references:
            counts = f"{counts}, {self.references} references"
        return [f"{counts} read from the server", *(f"note: {note}" for note in self.notes)]


def rebuild_store(site: Site, operator: str, now: datetime) -> RebuildReport:
    """Fill the empty store of a site from its server.

    Raises
    ------
    StoreError
        When there is a scan in the store already.
    TransportError
        When the server could not be asked; the store is then not whole.
    """
    _refuse_known_scans(site)
    site.transport.connect()
    found = find_scans(site)
    results, notes = 0, list(found.notes)
    for scan in sorted(found.scans, key=lambda each: each.plan.started_at):
        results += _rebuild_scan(site, scan, now)
        receipts = found.receipts.get(scan.plan.scan_id, [])
        notes += retell(site, scan.plan.scan_id, scan.stops, receipts, now)
        log.info("Scan %s is in the store again.", scan.plan.scan_id)
    references, faults = restore_references(site)
    notes += faults
    report = RebuildReport(
        len(found.scans), results, _count_receipts(found), references, tuple(notes)
    )
    summary, *details = report.lines()
    words = {"after": summary, "reason": "; ".join(details)}
    with site.store.writing(now) as writer:
        writer.add_event(site.name, operator, f"site {site.name}", "store rebuilt", **words)
    return report


def _refuse_known_scans(site: Site) -> None:
    if known := queries.scans(site.store, site.name, limit=1):
        raise StoreError(
            f"the store of site {site.name} holds scans already, like {known[0].scan_id}: rebuild "
            f"makes a new one. Move {site.config.site.state_dir} aside first; nothing was changed"
        )


def _count_receipts(found: Findings) -> int:
    ids = {scan.plan.scan_id for scan in found.scans}
    return sum(len(receipts) for scan_id, receipts in found.receipts.items() if scan_id in ids)


def _rebuild_scan(site: Site, scan: ServerScan, now: datetime) -> int:
    """Bring back a scan, what its jobs said and what they published; returns how many results."""
    with site.store.writing(scan.plan.started_at) as writer:
        writer.add_scan(scan.plan, ACTOR)
    for job in scan.jobs:
        _follow_journal(site, scan, job, now)
    layout = ScanLayout(site.config.site.base_folder, scan.plan)
    places = (
        scan.folder / scan.plan.serial_number,
        layout.flagged_folder(site.config.site.flag_folder),
    )
    return sum(_fetch_place(site, scan, place, now) for place in places)


def _follow_journal(site: Site, scan: ServerScan, job: str, now: datetime) -> None:
    """Apply a whole journal; the executor goes on behind it when the job still runs."""
    path, offset, seq = scan.folder / f"journal-{job}.jsonl", 0, 0
    while True:
        part = FilePart(path, offset, CHUNK_BYTES, is_growing=True)
        data = site.transport.read_parts([part])[0]
        if not data:
            return
        read = read_part(data, offset, seq, job, scan.plan)
        if read.end_offset == offset:
            return
        offset, seq = read.end_offset, read.last_seq
        _add_job(site, scan, job, read.lines)
        if not _is_known(site, scan, job):
            # Without its first line nobody knows whether it ever ran; its folders are found all
            # the same.
            return
        with site.store.writing(now) as writer:
            for line in read.lines:
                if _was_stopped_by_others(scan, line):
                    writer.note_foreign_stop(job)
                else:
                    writer.apply_line(job, line)
            writer.set_cursor(job, offset, seq)


def _add_job(site: Site, scan: ServerScan, job: str, lines: Iterable[JournalLine]) -> None:
    """Add a job that has begun: it is running at once, so that it is not asked for again."""
    for line in lines:
        if isinstance(line, JobStart):
            with site.store.writing(line.at) as writer:
                reason = "known from its journal"
                writer.add_job(job, scan.plan.scan_id, job, site.scheduler.name, reason)
                writer.apply_line(job, line)


def _was_stopped_by_others(scan: ServerScan, line: JournalLine) -> bool:
    return isinstance(line, JobEnd) and line.reason is EndReason.STOPPED and not scan.stops


def _is_known(site: Site, scan: ServerScan, job: str) -> bool:
    return any(record.job == job for record in queries.jobs(site.store, scan.plan.scan_id))


def _fetch_place(site: Site, scan: ServerScan, place: PurePosixPath, now: datetime) -> int:
    """Fetch every published folder that lies in a place."""
    try:
        entries = site.transport.list_tree(place, depth=2)
    except RemoteFileError:
        if site.transport.exists(place):
            raise
        return 0
    folders = dict(published_takes(entries, scan.plan))
    scan_id = scan.plan.scan_id

    with site.store.writing(now) as writer:
        for folder, take in sorted(folders.items(), key=lambda each: each[1].take):
            writer.add_publication(scan_id, take, folder, None)
    waiting = queries.waiting_publications(site.store, site.name, now)
    here = [each for each in waiting if each.scan_id == scan_id and each.folder in folders]
    return fetch_from(site, place, here, now)
