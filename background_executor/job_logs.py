"""The end of what our jobs print, for the operator to read while they run and after they ended."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from background_executor.following import FollowedJobRecord
from background_executor.records import ENDED_JOB_STATES, JobState
from background_executor.site import Site
from background_executor.transport import FilePart

CHUNK_BYTES = 1 << 18
"""What is read of one log at one look; a longer one is caught up with at the next."""
KEPT_BYTES = 4000


@dataclass(frozen=True)
class LogEnd:
    """How far a log was read, and its last bytes."""

    offset: int = 0
    tail: bytes = b""

    def followed_by(self, data: bytes) -> "LogEnd":
        """Return it with what was printed since."""
        return LogEnd(self.offset + len(data), (self.tail + data)[-KEPT_BYTES:])


class JobLogs:
    """Follows the logs of a site's jobs; what it remembers may be lost and is read again."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._ends: dict[str, LogEnd] = {}

    def look(self, jobs: Iterable[FollowedJobRecord], now: datetime) -> None:
        """Note the newest end of every log that grew.

        Raises
        ------
        TransportError
            When the server could not be asked.
        """
        printing = [job.record for job in jobs if _may_print(job)]
        known = {record.job: self._ends.get(record.job, LogEnd()) for record in printing}
        parts = [
            FilePart(
                self._site.layout(record.scan_id).log_file(record.job),
                known[record.job].offset,
                CHUNK_BYTES,
                is_growing=False,  # the handles that are kept are those of the journals
            )
            for record in printing
        ]
        answers = self._site.transport.read_parts(parts)
        self._ends = {
            job: end.followed_by(data or b"")
            for (job, end), data in zip(known.items(), answers, strict=True)
        }
        for job, end in known.items():
            if self._ends[job].offset > end.offset:
                with self._site.store.writing(now) as writer:
                    tail = self._ends[job].tail.decode(errors="replace")
                    writer.describe_job(job, log_tail=tail)


def _may_print(job: FollowedJobRecord) -> bool:
    """Tell whether a log may still grow: for a while even after the job's end."""
    state = job.record.state
    return not job.journal_closed and (state is JobState.RUNNING or state in ENDED_JOB_STATES)
