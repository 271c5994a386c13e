"""The end of what our jobs print, for the operator to read while they run and after they ended."""

from dataclasses import dataclass
from datetime import datetime

from background_executor import queries
from background_executor.errors import RemoteFileError
from background_executor.records import ENDED_JOB_STATES, JobRecord, JobState
from background_executor.site import Site
from background_executor.sync import LAST_WORD_PATIENCE
from background_executor.transport import FilePart

CHUNK_BYTES = 1 << 18
"""What is read of one log at one look; of one that grew by more, the end is looked for anew."""
KEPT_BYTES = 4000
RECENT_SCANS = 10


@dataclass(frozen=True)
class LogEnd:
    """How far a log was read, and its last bytes."""

    offset: int = 0
    tail: bytes = b""

    def followed_by(self, data: bytes) -> "LogEnd":
        """Return it with what was printed since."""
        return LogEnd(self.offset + len(data), (self.tail + data)[-KEPT_BYTES:])


class JobLogs:
    """Follows the logs of a site's jobs from near their ends.

    What it remembers may be lost: then the end of each is looked for again.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._ends: dict[str, LogEnd] = {}

    def look(self, now: datetime) -> None:
        """Note the newest end of every log that grew.

        Raises
        ------
        TransportError
            When the server could not be asked.
        """
        known = [
            (job, self._ends.get(job.job) or self._near_end(job)) for job in self._printing(now)
        ]
        parts = [self._part(record, end.offset) for record, end in known]
        answers = self._site.transport.read_parts(parts)
        self._ends = {
            record.job: end.followed_by(data or b"")
            for (record, end), data in zip(known, answers, strict=True)
        }
        for record, end in known:
            newest = self._ends[record.job]
            if newest.offset > end.offset:
                with self._site.store.writing(now) as writer:
                    tail = newest.tail.decode(errors="replace")
                    writer.describe_job(record.job, log_tail=tail)
            if newest.offset - end.offset >= CHUNK_BYTES:
                del self._ends[record.job]

    def _near_end(self, record: JobRecord) -> LogEnd:
        """Return where the last bytes of a log begin, whatever it printed before."""
        log_file = self._site.layout(record.scan_id).log_file(record.job)
        try:
            entries = self._site.transport.list_tree(log_file.parent, depth=1)
        except RemoteFileError:  # what is there to be read is seen when it is read
            return LogEnd()
        sizes = (entry.size_bytes for entry in entries if entry.path.name == log_file.name)
        return LogEnd(max(0, next(sizes, 0) - KEPT_BYTES))

    def _printing(self, now: datetime) -> list[JobRecord]:
        """Return the newest jobs of the newest scans, as far as they may still print."""
        store = self._site.store
        scans = queries.scans(store, self._site.name, limit=RECENT_SCANS)
        newest = [job for scan in scans for job in queries.jobs(store, scan.scan_id)[:1]]
        return [job for job in newest if _may_print(job, now)]

    def _part(self, record: JobRecord, offset: int) -> FilePart:
        path = self._site.layout(record.scan_id).log_file(record.job)
        # Not kept open: the handles that are kept are those of the journals.
        return FilePart(path, offset, CHUNK_BYTES, is_growing=False)


def _may_print(job: JobRecord, now: datetime) -> bool:
    """Tell whether a log may still grow: on a shared file system even after the job's end."""
    if job.state in ENDED_JOB_STATES:
        return job.ended_at is not None and abs(now - job.ended_at) < LAST_WORD_PATIENCE
    return job.state is JobState.RUNNING
