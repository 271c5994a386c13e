"""What the executor alone must remember: jobs it follows, folders it is to fetch.

Pages and command line see ``records``; these rows are for ``sync`` and ``submit``.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from background_executor.records import JobRecord
from server_side.scan import Take

LONGEST_RETRY = timedelta(minutes=1)
"""No published folder that could not be fetched is put off for longer."""


class PublicationState(StrEnum):
    """How far a published folder of the server is on its way to the store."""

    WAITING = "waiting"
    """It is to be fetched and verified."""
    FETCHED = "fetched"
    """Its result is in the store."""
    REFUSED = "refused"
    """It does not agree with its manifest; the error says how."""


@dataclass(frozen=True)
class PublicationRecord:
    """A published folder on the server, as its job announced it."""

    scan_id: str
    take: Take
    folder: str
    """Name below the scan's results folder."""
    manifest_sha256: str | None
    """None where it was found without its job's word."""
    job: str | None
    state: PublicationState
    tries: int
    error: str
    """Of the last try to fetch it."""
    seen_at: datetime
    next_try_at: datetime


@dataclass(frozen=True)
class FollowedJobRecord:
    """A job with what the executor must remember to follow it."""

    record: JobRecord
    claim: str
    """What the job takes on the server before it works; a second one that finds it taken goes."""
    submissions: int
    """How often the scheduler was asked to make it."""
    journal_offset: int
    """Bytes of the journal that were applied."""
    journal_seq: int
    """Number of the last line that was applied."""
    journal_closed: bool
    """Nothing more is expected of the journal."""


def job_name(job: FollowedJobRecord) -> str:
    """Return the uuid of a job."""
    return job.record.job
