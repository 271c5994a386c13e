"""What a job says while it works: one JSON object a line, appended, fsynced.

The executor follows the file from a stored byte offset with ``read_lines``. A
line that is not whole yet is left for the next time. What is only progress is
in the live file (``LiveProgress``), replaced by rename.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, TypeAdapter, ValidationError

from server_side.boundary import BoundaryModel
from server_side.errors import JournalError
from server_side.result import Sha256, Spectrum
from server_side.scan import FolderName, JobUuid, Point, ScanId, Take


class EndReason(StrEnum):
    """Why a job ended by itself."""

    DONE = "done"
    """Every point of the plan is published or has failed."""
    STOPPED = "stopped"
    """It was asked to stop."""
    IDLE = "idle"
    """Nothing new came for the idle limit."""
    TIME_LIMIT = "time_limit"
    """It left before the scheduler would have ended it."""
    DUPLICATE = "duplicate"
    """Another job had claimed the same work."""
    FAILED = "failed"
    """An error that is not one point's alone; the message says which."""


LARGEST_COUNT = 2**31 - 1
"""A line that counts further is damaged: nothing in a job comes near, a database holds no more."""
Count = Annotated[int, Field(ge=1, le=LARGEST_COUNT)]
TakeNumber = Annotated[int, Field(ge=1, le=999)]
"""As in ``Take``."""


class _Line(BoundaryModel):
    seq: Count
    at: AwareDatetime
    job: JobUuid


class JobStart(_Line):
    """The job runs and has read its plan."""

    event: Literal["job_start"] = "job_start"
    scan_id: ScanId
    software_version: str
    host: str
    pid: int
    scheduler_job: str = ""


class Heartbeat(_Line):
    """The job lives."""

    event: Literal["heartbeat"] = "heartbeat"


class DataSeen(_Line):
    """Raw data of a take have appeared."""

    event: Literal["data_seen"] = "data_seen"
    point: Point
    take: TakeNumber
    folder: str
    generation: Sha256


class PointPublished(_Line):
    """A take's folder is in place."""

    event: Literal["point_published"] = "point_published"
    take: Take
    folder: FolderName
    manifest_sha256: Sha256


class PointFailed(_Line):
    """A take could not be analysed."""

    event: Literal["point_failed"] = "point_failed"
    point: Point
    take: TakeNumber
    attempt: Count
    final: bool
    """No further try will be made."""
    error: str


class Idle(_Line):
    """All that is there is done; the job waits for more."""

    event: Literal["idle"] = "idle"
    waiting_for: int
    """Points of the plan that have no result yet."""


class JobEnd(_Line):
    """Last line of a job."""

    event: Literal["job_end"] = "job_end"
    reason: EndReason
    message: str = ""


JournalLine = Annotated[
    JobStart | Heartbeat | DataSeen | PointPublished | PointFailed | Idle | JobEnd,
    Field(discriminator="event"),
]
_LINE: TypeAdapter[JournalLine] = TypeAdapter(JournalLine)


class LiveProgress(BoundaryModel):
    """How far the point in hand is; content of the live file."""

    job: JobUuid
    at: AwareDatetime
    stage: Literal["waiting", "acquiring", "reading", "fitting", "publishing"]
    point: Point | None = None
    take: TakeNumber | None = None
    events: int = 0
    """Events of the PMT's channel so far."""
    expected_events: int | None = None
    spectrum: Spectrum | None = None
    """Preliminary, of the events so far."""
    gain_peak: float | None = None
    gain_peak_err: float | None = None
    gain_note: str = ""


@dataclass(frozen=True)
class ReadLine:
    """A journal line and the byte offset behind it."""

    line: JournalLine
    end_offset: int


@dataclass(frozen=True)
class BadLine:
    """A whole line that is none of the known ones, and the byte offset behind it."""

    message: str
    end_offset: int


def encode_line(line: JournalLine) -> bytes:
    """Write a journal line as bytes with its newline."""
    return line.model_dump_json().encode() + b"\n"


def read_lines(data: bytes, offset: int = 0) -> Iterator[ReadLine]:
    """Yield the whole lines of a piece of a journal that begins at a byte offset.

    Raises
    ------
    JournalError
        At a whole line that is none of the known ones; the lines before it were yielded.
        ``JournalError.args[1]`` is the offset behind the bad line, to go on from.
    """
    position = 0
    while (end := data.find(b"\n", position)) >= 0:
        text, position = data[position:end], end + 1
        try:
            line = _LINE.validate_json(text)
        except ValidationError as error:
            message = f"journal line before byte {offset + position} cannot be read: {text[:80]!r}"
            raise JournalError(message, offset + position) from error
        yield ReadLine(line, offset + position)


def read_past_bad_lines(data: bytes, offset: int = 0) -> Iterator[ReadLine | BadLine]:
    """Yield the whole lines of a piece of a journal; go on behind those that cannot be read."""
    position = offset
    while True:
        try:
            for read in read_lines(data[position - offset :], position):
                yield read
                position = read.end_offset
        except JournalError as error:
            message, position = error.args
            yield BadLine(message, position)
        else:
            return
