"""Follow what jobs say: their journals line by line, and how far the point in hand is.

A journal is read from the byte offset in the store. What its lines change and
the offset behind them are committed together, so that a line is applied once
whatever dies when. Lines that cannot be read are passed over and said: the
sweep finds the points that they told of.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import ValidationError

from background_executor import queries
from background_executor.crash_points import CrashPoint, reach
from background_executor.errors import NoAnswerError
from background_executor.following import FollowedJobRecord, job_name
from background_executor.records import ENDED_JOB_STATES, JobState, ScanState
from background_executor.rounds import Rounds
from background_executor.site import Site
from background_executor.transport import FilePart
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


class Journals:
    """Follows the journals of all jobs, and how far the jobs are, in one question.

    Only a job at whose files the server hangs is asked for alone, and less and less often.

    Parameters
    ----------
    when_missed
        Called when something may have been missed: then a sweep is due.
    """

    def __init__(self, site: Site, when_missed: Callable[[], None]) -> None:
        self._site = site
        self._when_missed = when_missed
        self._rounds: Rounds[FollowedJobRecord] = Rounds(site.timeout_s, job_name)

    def follow(self, jobs: Sequence[FollowedJobRecord], now: datetime, *, with_live: bool) -> None:
        """Apply what is new.

        Parameters
        ----------
        with_live
            Read the progress of running jobs too.

        Raises
        ------
        TransportError
            When the server could not be asked, or hung at one. What was applied until then
            stays.
        """
        together = [job for job in jobs if not self._rounds.hung(job)]
        alone = [job for job in jobs if self._rounds.hung(job)]
        try:
            self._follow(together, now, with_live=with_live)
        except NoAnswerError:
            alone = [*jobs]  # one of them it was: asked for alone, the others answer
        self._rounds.do(alone, lambda job: self._follow([job], now, with_live=with_live), now)

    def _follow(self, jobs: Sequence[FollowedJobRecord], now: datetime, *, with_live: bool) -> None:
        site = self._site
        followed = [job for job in jobs if _may_have_journal(job)]
        running = [job for job in jobs if with_live and job.record.state is JobState.RUNNING]
        parts = [_journal_part(site, job, job.journal_offset) for job in followed]
        answers = site.transport.read_parts([*parts, *(_live_part(site, job) for job in running)])
        for job, data in zip(followed, answers, strict=False):
            if _follow_from(site, job, data, now):
                self._when_missed()
        for job, data in zip(running, answers[len(followed) :], strict=True):
            _see_live(site, job, data, now)


def _may_have_journal(job: FollowedJobRecord) -> bool:
    return job.record.state is not JobState.INTENT and not job.journal_closed


def _journal_part(site: Site, job: FollowedJobRecord, offset: int) -> FilePart:
    path = site.layout(job.record.scan_id).journal_file(job.record.job)
    return FilePart(path, offset, CHUNK_BYTES, is_growing=True)


def _live_part(site: Site, job: FollowedJobRecord) -> FilePart:
    path = site.layout(job.record.scan_id).live_file(job.record.job)
    return FilePart(path, 0, LIVE_LIMIT_BYTES, is_growing=False)


def follow_journal(site: Site, job: FollowedJobRecord, now: datetime) -> bool:
    """Apply what is new in one journal; True when something may have been missed.

    Raises
    ------
    TransportError
        When the server could not be asked. What was applied until then stays.
    """
    return _follow_from(site, job, _read_journal(site, job, job.journal_offset), now)


def _follow_from(site: Site, job: FollowedJobRecord, data: bytes | None, now: datetime) -> bool:
    """Apply a journal from its cursor on, beginning with bytes that were read already."""
    plan = site.plan(job.record.scan_id)
    offset, seq, is_gappy = job.journal_offset, job.journal_seq, False
    while data:  # a job that did not start yet has no journal
        part = read_part(data, offset, seq, job.record.job, plan)
        if part.end_offset == offset:
            break
        reach(CrashPoint.JOURNAL_READ)
        _apply(site, job, part, now)
        reach(CrashPoint.JOURNAL_APPLIED)
        offset, seq, is_gappy = part.end_offset, part.last_seq, is_gappy or bool(part.faults)
        data = _read_journal(site, job, offset) if len(data) >= CHUNK_BYTES else None
    if offset == job.journal_offset:
        _close_when_over(site, job, now)
    return is_gappy


def _read_journal(site: Site, job: FollowedJobRecord, offset: int) -> bytes | None:
    return site.transport.read_parts([_journal_part(site, job, offset)])[0]


def _apply(site: Site, job: FollowedJobRecord, part: JournalPart, now: datetime) -> None:
    name = job.record.job
    for fault in part.faults:
        log.warning("Journal of job %s: %s. The next sweep looks for what it told of.", name, fault)
    with site.store.writing(now) as writer:
        for line in part.lines:
            if _is_unasked_stop(site, job, line):
                # A batch system that needs the place asks in this way: its own word decides.
                writer.note_foreign_stop(name)
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


def _see_live(site: Site, job: FollowedJobRecord, data: bytes | None, now: datetime) -> None:
    """Note how far a running job is with the point in hand."""
    name, plan = job.record.job, site.plan(job.record.scan_id)
    try:
        live = LiveProgress.model_validate_json(data or b"")
    except ValidationError:
        # Progress is for the eye; the next file is a second away.
        return
    if live.job == name and (live.point is None or live.point in plan.points):
        with site.store.writing(now) as writer:
            writer.set_live(name, live)
