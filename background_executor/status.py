"""What ``status`` tells: the executor, its scans and their jobs, as text or JSON."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import TypeAdapter

from background_executor import queries
from background_executor.config import SiteConfig
from background_executor.instance import is_running
from background_executor.new_site.deployed import other_version
from background_executor.records import (
    ENDED_JOB_STATES,
    CommandRecord,
    CommandState,
    ExecutorRecord,
    JobRecord,
    ScanRecord,
    ScanState,
)
from background_executor.silence import SILENT_AFTER, longest_wait
from background_executor.store import Store
from background_executor.terminal import visible

RECENT_SCANS = 10
LEAST_FREE_BYTES = 20_000_000
LOG_LINES = 5
"""The store keeps more of a job's log; the page shows all of that."""


@dataclass(frozen=True)
class JobStatus(JobRecord):
    """A job as it is at the moment of a report."""

    run_time_s: float | None
    """How long it has run, or ran; None before it began."""


@dataclass(frozen=True)
class StatusReport:
    """What is known of a site now."""

    site: str
    is_running: bool
    """By the lock, which cannot be stale."""
    executor: ExecutorRecord | None
    """Its last word; None before its first start."""
    scans: tuple[ScanRecord, ...]
    """The newest, and all that run."""
    jobs: tuple[JobStatus, ...]
    """The newest job of each of these scans, and every other that has not ended."""
    waiting_commands: tuple[CommandRecord, ...]
    seen_at: datetime
    free_bytes: int
    """Space that is left on the disk of the state folder."""
    silence_allowed_s: float
    """How long an executor that works may give no sign of life: a call may wait so long."""


_REPORT = TypeAdapter(StatusReport)


def status_report(config: SiteConfig, store: Store) -> StatusReport:
    """Look at lock and store."""
    name = config.site.name
    recent = queries.scans(store, name, limit=RECENT_SCANS)
    running = queries.running_scans(store, name)
    scans = {scan.scan_id: scan for scan in (*recent, *running)}
    jobs = [job for scan_id in scans for job in _worth_telling(queries.jobs(store, scan_id))]
    now = datetime.now(UTC)
    unanswered = (CommandState.WAITING, CommandState.CLAIMED)
    waiting = [entry for entry in queries.commands(store, name) if entry.state in unanswered]
    return StatusReport(
        site=name,
        is_running=is_running(config),
        executor=queries.executor(store, name),
        scans=tuple(scans.values()),
        jobs=tuple(_timed(job, now) for job in jobs),
        waiting_commands=tuple(waiting),
        seen_at=now,
        free_bytes=_free_bytes(config.site.state_dir),
        silence_allowed_s=(SILENT_AFTER + longest_wait(config.site)).total_seconds(),
    )


def _worth_telling(jobs: Sequence[JobRecord]) -> Iterator[JobRecord]:
    """Yield the newest of a scan's jobs, and those before it that have not ended."""
    yield from jobs[:1]
    yield from (job for job in jobs[1:] if job.state not in ENDED_JOB_STATES)


def _timed(job: JobRecord, now: datetime) -> JobStatus:
    ran = job.run_time(now)
    return JobStatus(**vars(job), run_time_s=None if ran is None else ran.total_seconds())


def _free_bytes(folder: Path) -> int:
    """Return the space left where a folder is, or where it would be made."""
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    return shutil.disk_usage(there).free


def status_json(report: StatusReport) -> str:
    """Write a report as JSON; plans and live spectra are left out, the store has them."""
    left_out = {"scans": {"__all__": {"plan"}}, "jobs": {"__all__": {"live"}}}
    return _REPORT.dump_json(report, indent=1, exclude=left_out).decode()


def status_text(report: StatusReport) -> str:
    """Write a report as lines to read; what would steer a terminal is shown as an escape."""
    return "\n".join(map(visible, _lines(report)))


def _lines(report: StatusReport) -> Iterator[str]:
    executor = report.executor
    if executor is None or not report.is_running:
        last = f"; last heard {executor.beat_at:%Y-%m-%d %H:%M:%S} UTC" if executor else ""
        yield f"site {report.site}: no executor runs{last}"
    else:
        yield (
            f"site {report.site}: executor {executor.state.value}, process {executor.pid}, "
            f"server {executor.link.value}, heard {executor.beat_at:%H:%M:%S} UTC"
        )
    for note in filter(None, (executor and executor.message, executor and executor.link_message)):
        yield f"  {note}"
    yield from _doubts(report)
    for scan in report.scans:
        yield from _scan_lines(scan)
        for job in report.jobs:
            # The job of a stopped scan is told of until it is gone.
            is_news = scan.state is ScanState.RUNNING or job.state not in ENDED_JOB_STATES
            if job.scan_id == scan.scan_id and is_news:
                yield from _job_lines(job, report.seen_at)
    for command in report.waiting_commands:
        yield f"command {command.command_id} {command.kind}: {command.state.value}"


def _doubts(report: StatusReport) -> Iterator[str]:
    """Say what speaks against the executor's last word: a full disk, or a long silence."""
    if report.free_bytes < LEAST_FREE_BYTES:
        yield (
            f"  only {report.free_bytes / 1e6:.1f} MB are left on the disk of the state folder: "
            "make room, nothing can be noted on a full disk"
        )
    if report.is_running and report.executor is not None:
        silence_s = (report.seen_at - report.executor.beat_at).total_seconds()
        if silence_s > report.silence_allowed_s:
            yield f"  it has given no sign of life for {silence_s:.0f} s; see its log"


def _scan_lines(scan: ScanRecord) -> Iterator[str]:
    left = f", about {scan.seconds_left / 60:.0f} min left" if scan.seconds_left else ""
    failed = f", {scan.points_failed} failed" if scan.points_failed else ""
    yield (
        f"{scan.kind.value} scan {scan.scan_id} of {scan.serial_number}, slot {scan.slot}: "
        f"{scan.state.value}, {scan.points_stored} of {scan.points_planned} points stored"
        f"{failed}{left}"
    )
    if scan.message:
        yield f"  {scan.message}"


def _job_lines(job: JobRecord, now: datetime) -> Iterator[str]:
    """Say how a job is: why it waits, since when and where it runs, what it printed last."""
    place = f" on {job.node}" if job.node else ""
    ran = job.run_time(now)
    run_time = f" for {timedelta(seconds=round(ran.total_seconds()))}" if ran is not None else ""
    start = f"expected start {job.expected_start:%Y-%m-%d %H:%M} UTC" if job.expected_start else ""
    said = ", ".join(part for part in (job.message, start, other_version(job)) if part)
    message = f": {said}" if said else ""
    yield f"  job {job.scheduler_id or 'without id'} {job.state.value}{place}{run_time}{message}"
    for line in job.log_tail.splitlines()[-LOG_LINES:]:
        yield f"    | {line.expandtabs()}"
