"""What one job is told: the content of ``job-<job uuid>.json``.

Arguments travel in this file, never in a command line.
"""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from server_side.boundary import BoundaryModel
from server_side.scan import FolderName, JobUuid, Point, ScanPlan

AbsolutePath = Annotated[str, StringConstraints(pattern=r"^/[^\x00-\x1f]*$", max_length=1000)]


class AwaitedTake(BoundaryModel):
    """A retake: a point whose next acquisition is waited for although it has takes."""

    point: Point
    take: int = Field(ge=2, le=999)
    """Number that its next acquisition gets."""
    asked_at: AwareDatetime
    """Raw data of unknown origin that were written before are not it."""


class JobOrder(BoundaryModel):
    """One attempt at watching a scan."""

    format_version: Literal[1] = 1
    job: JobUuid
    claim: JobUuid
    """The piece of work; of several jobs with one claim only the first goes on."""
    base_folder: AbsolutePath
    raw_base: AbsolutePath
    plan: ScanPlan
    reanalyse: tuple[Point, ...] = ()
    """Points whose newest take is analysed again, as the next revision."""
    awaited: tuple[AwaitedTake, ...] = ()
    flag_folder: FolderName = "FLAG"
    """Folder below the base folder that flagged takes are moved to; its takes count."""
    time_limit_s: float | None = Field(default=None, gt=0)
    """The job leaves in time before the scheduler would end it."""
