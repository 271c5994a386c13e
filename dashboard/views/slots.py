"""One place of the bench: the scan in it, its tiles, and what may be asked for."""

from dataclasses import dataclass
from datetime import datetime

from background_executor.new_site.deployed import other_version
from background_executor.records import (
    ENDED_JOB_STATES,
    JobRecord,
    JobState,
    PointRecord,
    PointState,
    ScanRecord,
    ScanState,
)
from dashboard.theme import SCAN_LOOKS, Look
from dashboard.views.tiles import FaceCount, Tile, count_faces, make_tile
from dashboard.views.wording import (
    count,
    duration,
    gain_with_error,
    job_news,
    kind_label,
    point_label,
)
from server_side.errors import NameFormatError
from server_side.journal import LiveProgress
from server_side.scan import ScanKind, check_serial_number

_STAGES = {
    "waiting": "waits for raw data",
    "acquiring": "raw data arrive",
    "reading": "reads waveforms",
    "fitting": "fits",
    "publishing": "publishes",
}


@dataclass(frozen=True)
class WorkView:
    """What the job of a scan does now."""

    text: str
    place: str
    """Node and run time of a job that runs."""
    preliminary: str
    """Gain of the events so far; empty without one."""
    heard_at: datetime | None


@dataclass(frozen=True)
class ScanView:
    """A scan as its card shows it."""

    scan_id: str
    kind: ScanKind
    serial_number: str
    title: str
    look: Look
    message: str
    done: int
    planned: int
    progress: str
    """``13 of 21 points, 40 s left``."""
    is_running: bool
    started_at: datetime
    ended_at: datetime | None
    changed_at: datetime
    tiles: tuple[Tile, ...]
    counts: tuple[FaceCount, ...]
    newest: str | None
    """Name of the point that was stored last."""
    work: WorkView | None


def show_scan(
    scan: ScanRecord, points: tuple[PointRecord, ...], job: JobRecord | None, now: datetime
) -> ScanView:
    """Show a scan with its points and its newest job."""
    tiles = tuple(make_tile(point, now) for point in points)
    is_running = scan.state is ScanState.RUNNING
    return ScanView(
        scan_id=scan.scan_id,
        kind=scan.kind,
        serial_number=scan.serial_number,
        title=kind_label(scan.kind),
        look=SCAN_LOOKS[scan.state],
        message=scan.message,
        done=scan.points_stored + scan.points_failed,
        planned=scan.points_planned,
        progress=_progress(scan),
        is_running=is_running,
        started_at=scan.started_at,
        ended_at=scan.ended_at,
        changed_at=scan.updated_at,
        tiles=tiles,
        counts=count_faces(tiles),
        newest=_newest(points),
        work=show_work(job, scan.plan.zone, now) if job is not None and is_running else None,
    )


def show_work(job: JobRecord, zone: str, now: datetime) -> WorkView:
    """Say what a job does now, or why it waits and until when."""
    if job.state in ENDED_JOB_STATES:
        text = f"job {job.state.value.replace('_', ' ')}: {job.message or 'no reason given'}"
        return WorkView(text, "", "", job.last_heard_at)
    if job.state is not JobState.RUNNING or job.live is None:
        news = job_news(job, zone)
        text = f"job {job.state.value.replace('_', ' ')}" + (f": {news}" if news else "")
        return WorkView(text, _place(job, now), "", job.last_heard_at)
    place = ", ".join(part for part in (_place(job, now), other_version(job)) if part)
    return WorkView(_stage(job.live), place, _preliminary(job.live), job.last_heard_at)


def serial_number_fault(text: str) -> str:
    """Say what is wrong with a serial number; empty when it is one."""
    try:
        check_serial_number(text)
    except NameFormatError as fault:
        return str(fault)
    return ""


def _progress(scan: ScanRecord) -> str:
    done = scan.points_stored + scan.points_failed
    text = f"{done} of {count(scan.points_planned, 'point', 'points')}"
    if scan.points_failed:
        text += f", {scan.points_failed} of them failed"
    if scan.state is ScanState.RUNNING and scan.seconds_left is not None:
        text += f", about {duration(scan.seconds_left)} left"
    return text


def _newest(points: tuple[PointRecord, ...]) -> str | None:
    stored = [
        (point.stored_at, point.point.name)
        for point in points
        if point.state is PointState.STORED and point.stored_at is not None
    ]
    return max(stored)[1] if stored else None


def _place(job: JobRecord, now: datetime) -> str:
    if job.state is not JobState.RUNNING:
        return ""
    ran = job.run_time(now)
    node = f"on {job.node}" if job.node else ""
    since = f"for {duration(ran.total_seconds())}" if ran is not None else ""
    return " ".join(part for part in ("job", node, since) if part)


def _stage(live: LiveProgress) -> str:
    text = _STAGES[live.stage]
    if live.point is not None:
        text = f"{point_label(live.point)}: {text}"
    if not live.events:
        return text
    if live.expected_events:
        return f"{text}, {live.events:,} of {live.expected_events:,} events"
    return f"{text}, {count(live.events, 'event', 'events')}"


def _preliminary(live: LiveProgress) -> str:
    if live.gain_peak is None:
        return ""
    return f"preliminary gain {gain_with_error(live.gain_peak, live.gain_peak_err)}"
