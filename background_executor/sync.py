"""Follow what jobs say: their journals line by line, and how far the point in hand is.

A journal is read from the byte offset in the store. What its lines change and
the offset behind them are committed together, so that a line is applied once
whatever dies when. Lines that cannot be read are passed over and said: the
sweep finds the points that they told of.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import PurePosixPath

from pydantic import ValidationError

from background_executor import queries
from background_executor.crash_points import CrashPoint, reach
from background_executor.errors import RemoteFileError
from background_executor.following import FollowedJobRecord
from background_executor.records import ENDED_JOB_STATES, JobState, ScanState
from background_executor.site import Site
from server_side.journal import (
    BadLine,
    DataSeen,
    EndReason,
    JobEnd,
    JobStart,
    JournalLine,
    LiveProgress,
    PointFailed,
    PointPublished,
    read_past_bad_lines,
)
from server_side.layout import take_folder_name
from server_side.scan import ScanPlan

log = logging.getLogger(__name__)

CHUNK_BYTES = 1 << 20
LIVE_LIMIT_BYTES = 1 << 20
LAST_WORD_PATIENCE = timedelta(minutes=2)
"""How long after a job's end its journal may still grow on a shared file system."""


@dataclass(frozen=True)
class JournalPart:
    """What a piece of a journal says."""

    lines: tuple[JournalLine, ...]
    """New lines, in order."""
    end_offset: int
    last_seq: int
    faults: tuple[str, ...]
    """Lines that were passed over, and gaps."""


def read_part(data: bytes, offset: int, last_seq: int, job: str, plan: ScanPlan) -> JournalPart:
    """Read the whole lines of a piece of a journal, from wherever it was cut.

    Parameters
    ----------
    data
        Bytes of the journal from ``offset`` on; a torn last line is left for the next time.
    last_seq
        Number of the last line that was applied; lines up to it are repetitions.
    """
    lines: list[JournalLine] = []
    faults: list[str] = []
    position, seq = offset, last_seq
    for read in read_past_bad_lines(data, offset):
        position = read.end_offset
        if isinstance(read, BadLine):
            faults.append(read.message)
            continue
        fault = _fault(read.line, seq, job, plan)
        if fault:
            faults.append(fault)
        if read.line.seq > seq and (not fault or fault.startswith(_GAP)):
            lines.append(read.line)
            seq = read.line.seq
    if position == offset and len(data) >= CHUNK_BYTES:
        faults.append(f"no line ends within {len(data)} bytes from byte {offset}")
        position += len(data)
    return JournalPart(tuple(lines), position, seq, tuple(faults))


_GAP = "lines are missing"


def _fault(line: JournalLine, last_seq: int, job: str, plan: ScanPlan) -> str:
    """Return why a line cannot be applied, or what is missing before it; empty when all is well."""
    if line.job != job:
        return f"line {line.seq} is of another job, {line.job}"
    stranger = _stranger(line, plan)
    if stranger:
        return f"line {line.seq} tells of {stranger}"
    if line.seq > last_seq + 1:
        return f"{_GAP} between {last_seq} and {line.seq}"
    return ""


def _stranger(line: JournalLine, plan: ScanPlan) -> str:
    """Return what a line tells of that does not belong to the plan; empty when all does."""
    match line:
        case JobStart() if line.scan_id != plan.scan_id:
            return f"another scan, {line.scan_id}"
        case DataSeen() | PointFailed() if line.point not in plan.points:
            return f"{line.point.name}, which is not planned"
        case PointPublished() if line.take.point not in plan.points:
            return f"{line.take.point.name}, which is not planned"
        case PointPublished() if line.folder != take_folder_name(line.take):
            return f"{line.take.name} in a folder {line.folder!r}"
    return ""


def follow_journals(site: Site, jobs: Iterable[FollowedJobRecord], now: datetime) -> bool:
    """Apply what is new in all journals; True when something may have been missed."""
    gaps = [follow_journal(site, job, now) for job in jobs if _may_have_journal(job)]
    return any(gaps)


def _may_have_journal(job: FollowedJobRecord) -> bool:
    return job.record.state is not JobState.INTENT and not job.journal_closed


def follow_journal(site: Site, job: FollowedJobRecord, now: datetime) -> bool:
    """Apply what is new in one journal; True when something may have been missed.

    Raises
    ------
    TransportError
        When the server could not be asked. What was applied until then stays.
    """
    name, scan_id = job.record.job, job.record.scan_id
    path, plan = site.layout(scan_id).journal_file(name), site.plan(scan_id)
    offset, seq, is_gappy = job.journal_offset, job.journal_seq, False
    while data := _read_journal(site, path, offset):
        part = read_part(data, offset, seq, name, plan)
        if part.end_offset == offset:
            break
        reach(CrashPoint.JOURNAL_READ)
        _apply(site, job, part, now)
        reach(CrashPoint.JOURNAL_APPLIED)
        offset, seq, is_gappy = part.end_offset, part.last_seq, is_gappy or bool(part.faults)
        if len(data) < CHUNK_BYTES:
            break
    if offset == job.journal_offset:
        _close_when_over(site, job, now)
    return is_gappy


def _read_journal(site: Site, path: PurePosixPath, offset: int) -> bytes:
    try:
        return site.transport.read(path, offset=offset, limit=CHUNK_BYTES)
    except RemoteFileError:  # a job that did not start yet has none
        return b""


def _apply(site: Site, job: FollowedJobRecord, part: JournalPart, now: datetime) -> None:
    name = job.record.job
    for fault in part.faults:
        log.warning("Journal of job %s: %s. The next sweep looks for what it told of.", name, fault)
    with site.store.writing(now) as writer:
        for line in part.lines:
            if _is_unasked_stop(site, job, line):
                # A batch system that needs the place asks in this way: its own word decides.
                writer.describe_job(name, message="was told to stop, not by this executor")
            else:
                writer.apply_line(name, line)
        writer.set_cursor(name, part.end_offset, part.last_seq)


def _is_unasked_stop(site: Site, job: FollowedJobRecord, line: JournalLine) -> bool:
    """Tell whether a job was stopped although its scan goes on."""
    if not isinstance(line, JobEnd) or line.reason is not EndReason.STOPPED:
        return False
    scan = queries.scan(site.store, job.record.scan_id)
    return scan is not None and scan.state is ScanState.RUNNING


def _close_when_over(site: Site, job: FollowedJobRecord, now: datetime) -> None:
    ended_at = job.record.ended_at
    is_over = job.record.state in ENDED_JOB_STATES and ended_at is not None
    if is_over and ended_at is not None and now - ended_at > LAST_WORD_PATIENCE:
        with site.store.writing(now) as writer:
            writer.close_journal(job.record.job)


def follow_live_files(site: Site, jobs: Iterable[FollowedJobRecord], now: datetime) -> None:
    """Read how far each running job is with the point in hand."""
    for job in jobs:
        if job.record.state is JobState.RUNNING:
            live = _read_live(site, job)
            if live is not None:
                with site.store.writing(now) as writer:
                    writer.set_live(job.record.job, live)


def _read_live(site: Site, job: FollowedJobRecord) -> LiveProgress | None:
    name, scan_id = job.record.job, job.record.scan_id
    path = site.layout(scan_id).live_file(name)
    try:
        live = LiveProgress.model_validate_json(site.transport.read(path, limit=LIVE_LIMIT_BYTES))
    except (RemoteFileError, ValidationError):
        # Progress is for the eye; the next file is a second away.
        return None
    is_ours = live.job == name and (live.point is None or live.point in site.plan(scan_id).points)
    return live if is_ours else None
