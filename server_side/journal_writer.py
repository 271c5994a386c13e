"""The writing side of a job's journal and live file.

One journal per job, opened once and only appended to: a line is written whole
by one system call and flushed to disk before the call returns, so that what a
reader has seen stays. Lines come from two threads (work and heartbeat); the
lock keeps ``seq`` and the order of the lines the same.
"""

import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from server_side.errors import JournalError
from server_side.journal import (
    DataSeen,
    EndReason,
    Heartbeat,
    Idle,
    JobEnd,
    JobStart,
    JournalLine,
    LiveProgress,
    PointFailed,
    PointPublished,
    encode_line,
)
from server_side.layout import TEMPORARY_PREFIX
from server_side.scan import PositionPoint, Take, VoltagePoint

Now = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the present moment, aware."""
    return datetime.now(UTC)


class JournalWriter:
    """Appends the lines of one job."""

    def __init__(self, path: Path, job: str, now: Now = utc_now) -> None:
        self._job = job
        self._now = now
        self._seq = 0
        self._lock = threading.Lock()
        try:
            self._stream = path.open("xb", buffering=0)
        except FileExistsError as error:
            raise JournalError(
                f"journal {path} is there already: each job writes its own, only once"
            ) from error

    def __enter__(self) -> Self:
        """Return the writer itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file; a later line is an error."""
        with self._lock:
            self._stream.close()

    def job_start(
        self, *, scan_id: str, software_version: str, host: str, scheduler_job: str
    ) -> None:
        """Say that the job runs and has read its plan."""
        self._append(
            lambda seq, at: JobStart(
                seq=seq,
                at=at,
                job=self._job,
                scan_id=scan_id,
                software_version=software_version,
                host=host,
                pid=os.getpid(),
                scheduler_job=scheduler_job,
            )
        )

    def heartbeat(self) -> None:
        """Say that the job lives."""
        self._append(lambda seq, at: Heartbeat(seq=seq, at=at, job=self._job))

    def data_seen(
        self, point: PositionPoint | VoltagePoint, take: int, folder: str, generation: str
    ) -> None:
        """Say that raw data of a take have appeared; this fixes the take's number."""
        self._append(
            lambda seq, at: DataSeen(
                seq=seq,
                at=at,
                job=self._job,
                point=point,
                take=take,
                folder=folder,
                generation=generation,
            )
        )

    def point_published(self, take: Take, folder: str, manifest_sha256: str) -> None:
        """Say that a take's folder is in place."""
        self._append(
            lambda seq, at: PointPublished(
                seq=seq,
                at=at,
                job=self._job,
                take=take,
                folder=folder,
                manifest_sha256=manifest_sha256,
            )
        )

    def point_failed(
        self,
        point: PositionPoint | VoltagePoint,
        take: int,
        *,
        attempt: int,
        final: bool,
        error: str,
    ) -> None:
        """Say that a take could not be analysed."""
        self._append(
            lambda seq, at: PointFailed(
                seq=seq,
                at=at,
                job=self._job,
                point=point,
                take=take,
                attempt=attempt,
                final=final,
                error=error,
            )
        )

    def idle(self, waiting_for: int) -> None:
        """Say that all that is there is done."""
        self._append(lambda seq, at: Idle(seq=seq, at=at, job=self._job, waiting_for=waiting_for))

    def job_end(self, reason: EndReason, message: str = "") -> None:
        """Say the last word."""
        self._append(
            lambda seq, at: JobEnd(seq=seq, at=at, job=self._job, reason=reason, message=message)
        )

    def _append(self, build: Callable[[int, datetime], JournalLine]) -> None:
        with self._lock:
            line = encode_line(build(self._seq + 1, self._now()))
            self._write_whole(line)
            self._seq += 1
            os.fsync(self._stream.fileno())

    def _write_whole(self, line: bytes) -> None:
        before = self._stream.seek(0, os.SEEK_END)
        try:
            written = self._stream.write(line)
            while written < len(line):  # a full disk takes a part; the rest follows or raises
                written += self._stream.write(line[written:])
        except OSError:
            self._stream.truncate(before)  # the next line must not be glued to half a line
            self._stream.seek(before)
            raise


def write_live(path: Path, progress: LiveProgress) -> None:
    """Replace the live file of a job; a reader sees the old one or the new one.

    Not flushed to disk: it is only progress, and the next one comes in a moment.
    """
    aside = path.with_name(f"{TEMPORARY_PREFIX}{path.name}")
    aside.write_bytes(progress.model_dump_json().encode() + b"\n")
    aside.replace(path)
