"""The rows of the store as values, and the states they can be in.

Written by ``store``, read by ``queries``; pages and command line see nothing
else. Times are aware and in UTC.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from background_executor.decisions.decision_records import DecisionRecord
from background_executor.imported import ImportedPlan, Provenance
from server_side.journal import EndReason, LiveProgress
from server_side.result import PointResult
from server_side.scan import Point, ScanKind, ScanPlan


class JobState(StrEnum):
    """Where one attempt at a piece of work is."""

    INTENT = "intent"
    """Decided and committed; the scheduler was not asked yet."""
    SUBMITTING = "submitting"
    """The scheduler is being asked."""
    SUBMIT_UNKNOWN = "submit_unknown"
    """It was asked and did not answer: the job may exist."""
    QUEUED = "queued"
    """The scheduler has it and it waits."""
    HELD = "held"
    """The scheduler holds it until somebody acts."""
    RUNNING = "running"
    """It runs."""
    COMPLETED = "completed"
    """It ended by its own word."""
    FAILED = "failed"
    """It ended with an error."""
    TIMEOUT = "timeout"
    """The scheduler ended it at its time limit."""
    OUT_OF_MEMORY = "out_of_memory"
    """It was ended for want of memory."""
    NODE_FAIL = "node_fail"
    """Its node failed."""
    PREEMPTED = "preempted"
    """It had to make way."""
    CANCELLED = "cancelled"
    """It was cancelled."""
    LOST = "lost"
    """The scheduler does not know it any more and it left no last word."""


ENDED_JOB_STATES = frozenset(
    {
        JobState.COMPLETED,
        JobState.FAILED,
        JobState.TIMEOUT,
        JobState.OUT_OF_MEMORY,
        JobState.NODE_FAIL,
        JobState.PREEMPTED,
        JobState.CANCELLED,
        JobState.LOST,
    }
)
WAITING_JOB_STATES = frozenset({JobState.QUEUED, JobState.HELD})
"""With the scheduler, which says why a job waits and when it is to begin."""


class PointState(StrEnum):
    """How far the newest take of a point is."""

    EXPECTED = "expected"
    """No raw data yet."""
    ACQUIRING = "acquiring"
    """Raw data grow."""
    PROCESSING = "processing"
    """The data are complete and being analysed."""
    PUBLISHED = "published"
    """The result is on the server, not yet fetched and verified."""
    STORED = "stored"
    """The result is here and verified."""
    FAILED = "failed"
    """The analysis gave up, with its error."""


class ScanState(StrEnum):
    """How far a scan is."""

    RUNNING = "running"
    """Points are waited for."""
    COMPLETE = "complete"
    """Every point is stored or has failed."""
    STOPPED = "stopped"
    """It was stopped before that."""
    ARCHIVED = "archived"
    """Its folder was moved to the archive."""


class Verdict(StrEnum):
    """The automatic judgement of a result."""

    HEALTHY = "healthy"
    """Every required check was measured and passed."""
    CHECK = "check"
    """A limit is near, or an optional check is outside its own."""
    POOR = "poor"
    """A required check is outside its limits."""
    NO_LIGHT = "no_light"
    """The PMT saw no light."""
    FIT_FAILED = "fit_failed"
    """No valid fit of the judging model."""
    IMPORTED = "imported"
    """It was read from an old tree; nothing was there to be judged."""


class CheckOutcome(StrEnum):
    """What one check of a verdict found."""

    PASSED = "passed"
    """Inside the inner limits."""
    NEAR_LIMIT = "near_limit"
    """Between inner and outer limits."""
    OUTSIDE = "outside"
    """Outside the outer limits."""
    NOT_MEASURED = "not_measured"
    """There is no value; the text says why."""


class CommandState(StrEnum):
    """How far a command is."""

    WAITING = "waiting"
    """The executor has not taken it yet."""
    CLAIMED = "claimed"
    """It is being done."""
    DONE = "done"
    """It was done; the answer says what."""
    REFUSED = "refused"
    """It was not done; the answer says why."""


class ExecutorState(StrEnum):
    """What the executor says of itself."""

    RUNNING = "running"
    """It turns."""
    STOPPING = "stopping"
    """It was asked to stop."""
    STOPPED = "stopped"
    """It ended by itself."""
    BLOCKED = "blocked"
    """It waits for a person; the message says what to do."""


class LinkState(StrEnum):
    """What is known of the connection to the server."""

    CONNECTED = "connected"
    """The last call was answered."""
    DISCONNECTED = "disconnected"
    """The last call was not answered; it will be tried again."""
    REFUSED = "refused"
    """Key or login were refused; a person must act."""


@dataclass(frozen=True)
class CheckRecord:
    """One check of a verdict."""

    name: str
    outcome: CheckOutcome
    required: bool
    value: float | None
    error: float | None
    unit: str
    inner: tuple[float | None, float | None]
    """Inner limits, low and high; None where open."""
    outer: tuple[float | None, float | None]
    text: str
    """In words: what is wrong and by how much."""


@dataclass(frozen=True)
class VerdictRecord:
    """The newest judgement of a result."""

    verdict: Verdict
    summary: str
    """One line for a tile's tooltip and the audit."""
    rule: str
    """Which model and limits were used."""
    checks: tuple[CheckRecord, ...]
    judged_at: datetime


@dataclass(frozen=True)
class GainRecord:
    """The number on a tile, with what it needs to be read rightly."""

    gain: float
    gain_err: float | None
    """None where it is unknown, in imported results."""
    method: str
    """``gain_peak`` or ``gain_mean``."""
    model: str
    chi2: float | None
    """None as the error is."""
    ndf: int | None


@dataclass(frozen=True)
class PointRecord:
    """What is known of one planned point: its newest take and result, unless told otherwise."""

    scan_id: str
    point: Point
    state: PointState
    takes: int
    """How many takes there are; 0 before any data."""
    take: int | None
    revision: int | None
    result_id: int | None
    """Of the newest stored result of that take."""
    gain: GainRecord | None
    gain_missing: str
    """Why there is no gain; empty when there is one or nothing was stored yet."""
    verdict: VerdictRecord | None
    decision: DecisionRecord | None
    """In force about that take."""
    error: str
    """Of a failed point, or of its last try."""
    tries: int
    measured_at: datetime | None
    """When the analysis was done."""
    acquired_at: datetime | None
    """When the raw data were last written."""
    stored_at: datetime | None
    updated_at: datetime
    awaits_take: int | None = None
    """Number of the take that a retake waits for; None when none was asked for."""
    awaits_since: datetime | None = None
    last_decision_id: int = 0
    """Newest step in the history of the decisions about any take of the point, also one that
    took one back."""
    newest_take: int | None = None
    """The point's newest take, where an older one is shown too; None before any data."""
    newest_state: PointState | None = None
    """How far that one is, where an older one is shown; else ``state`` says it."""
    is_coming: bool = False
    """A published folder of the take was not fetched yet."""

    @property
    def failed_since(self) -> str:
        """Why newer data of the take could not be analysed although a result is stored."""
        return self.error if self.state is PointState.STORED else ""


@dataclass(frozen=True)
class JobRecord:
    """One attempt at a piece of work."""

    job: str
    scan_id: str
    state: JobState
    scheduler: str
    scheduler_id: str | None
    message: str
    """Queue reason, end reason or the error."""
    end_reason: EndReason | None
    """Its own last word; None while there is none."""
    node: str
    log_tail: str
    created_at: datetime
    expected_start: datetime | None
    """When the scheduler means to begin it; None where it says nothing, and once it runs."""
    started_at: datetime | None
    """When it began to run: so long ago as the scheduler says that it has been running."""
    ran_s: float | None
    """How long it ran in all, as the scheduler counted; None where its own journal told its end."""
    ended_at: datetime | None
    last_heard_at: datetime | None
    live: LiveProgress | None
    software: str | None
    """Its server_side: number and digest as it was submitted, the number alone where only its own
    journal tells it; None before."""

    def run_time(self, now: datetime) -> timedelta | None:
        """Return how long it has run, or ran; None before it began."""
        if self.ran_s is not None:
            return timedelta(seconds=self.ran_s)
        if self.started_at is None:
            return None
        # Clocks are set back, too: a job never ran for less than nothing.
        return max((self.ended_at or now) - self.started_at, timedelta())


@dataclass(frozen=True)
class ScanRecord:
    """One scan or HV check."""

    scan_id: str
    site: str
    kind: ScanKind
    serial_number: str
    slot: int | None
    """None where nobody wrote it down, in imported scans."""
    state: ScanState
    plan: ScanPlan | ImportedPlan
    started_at: datetime
    ended_at: datetime | None
    message: str
    """A question to the operator or the reason of its state."""
    points_stored: int
    points_failed: int
    points_planned: int
    seconds_left: float | None
    """Estimate from the pace so far; None before there is a pace."""
    updated_at: datetime
    is_kept_aside: bool = False
    """It stays as it is and is not in the way of the next scan."""

    @property
    def provenance(self) -> Provenance:
        """Whether it was measured here or imported."""
        is_imported = isinstance(self.plan, ImportedPlan)
        return Provenance.IMPORTED if is_imported else Provenance.MEASURED


@dataclass(frozen=True)
class ResultRecord:
    """One stored result with its files."""

    result_id: int
    scan_id: str
    result: PointResult
    folder: Path
    """Verified local copy of the published folder."""
    manifest_sha256: str
    verdict: VerdictRecord | None
    stored_at: datetime


@dataclass(frozen=True)
class CommandRecord:
    """What somebody asked for, and the answer."""

    command_id: int
    site: str
    kind: str
    arguments: str
    """As JSON."""
    operator: str
    state: CommandState
    answer: str
    asked_at: datetime
    answered_at: datetime | None


@dataclass(frozen=True)
class EventRecord:
    """One line of the audit."""

    event_id: int
    site: str
    actor: str
    subject: str
    act: str
    before: str
    after: str
    reason: str
    job: str | None
    at: datetime


@dataclass(frozen=True)
class ExecutorRecord:
    """The executor's last word about itself."""

    site: str
    state: ExecutorState
    pid: int
    host: str
    version: str
    message: str
    link: LinkState
    link_message: str
    started_at: datetime
    beat_at: datetime
    """Its last heartbeat: the page computes staleness from it."""
    synced_at: datetime | None
    """When the server was last heard in full."""
