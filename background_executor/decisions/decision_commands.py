"""What people may decide, as commands: flag, accept, retake, archive, clean up.

Each carries what its asker saw. When that has changed meanwhile, because
somebody else decided or new data came, the command is refused and nothing is done.
"""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from background_executor.records import Verdict
from server_side.boundary import BoundaryModel
from server_side.scan import Point, ScanId

Comment = Annotated[str, StringConstraints(max_length=20_000, pattern=r"^[^\x00]*$")]
"""Any text, of any script; it is stored and shown, and never becomes part of a name."""
Reason = Annotated[str, StringConstraints(max_length=2000, pattern=r"^[^\x00]*$")]
GivenReason = Annotated[
    str, StringConstraints(max_length=2000, pattern=r"^[^\x00]*$", strip_whitespace=True)
]


class SeenTake(BoundaryModel):
    """A take, and what its asker saw of it."""

    point: Point
    take: int = Field(ge=1, le=999)
    newest_take: int = Field(ge=1, le=999)
    """Of the point."""
    decision_id: int = Field(default=0, ge=0)
    """Newest step in the history of the decisions about its point; 0 for none."""
    result_id: int = Field(default=0, ge=0)
    """Its newest result; 0 for none."""
    awaits_take: int | None = Field(default=None, ge=2, le=1000)
    """The retake that its point waits for; None for none."""
    verdict: Verdict | None = None
    """Of that result; None where nothing was judged."""
    error: str = ""
    """Why its analysis, or that of its newer data, failed."""


class SeenScan(BoundaryModel):
    """What the asker saw of a scan."""

    state: Annotated[str, StringConstraints(max_length=24)]
    decision_id: int = Field(default=0, ge=0)
    """Newest decision about any of its takes."""
    result_id: int = Field(default=0, ge=0)
    """Newest result of any of its points."""
    verdict_id: int = Field(default=0, ge=0)
    """Newest judgement of any of its results."""
    failures: int = Field(default=0, ge=0)
    """How many of its points say that something failed."""


class SeenPrevious(SeenScan):
    """What the asker saw of the scan that a start sends away."""

    scan_id: ScanId


class _AboutTakes(BoundaryModel):
    scan_id: ScanId
    takes: tuple[SeenTake, ...] = Field(min_length=1, max_length=999)
    comment: Comment = ""


class FlagTakes(_AboutTakes):
    """Take takes out of use: their folders go to the flag folder."""

    kind: Literal["flag"] = "flag"
    reason: Reason
    """One of the defects that settings list."""


class UnflagTakes(_AboutTakes):
    """Bring flagged takes back; flag and return both stay on record."""

    kind: Literal["unflag"] = "unflag"
    reason: Reason = ""


class AcceptTakes(_AboutTakes):
    """Use takes although their verdict is not healthy."""

    kind: Literal["accept"] = "accept"
    reason: GivenReason = Field(min_length=1)


class AcknowledgeTakes(_AboutTakes):
    """Take note of failures."""

    kind: Literal["acknowledge"] = "acknowledge"
    reason: GivenReason = Field(min_length=1)


class WithdrawDecisions(_AboutTakes):
    """Take back an acceptance, an acknowledgement or a retake that has no data yet."""

    kind: Literal["withdraw"] = "withdraw"
    reason: Reason = ""


class RetakeTakes(_AboutTakes):
    """Open points again: their next acquisition is the next take, and a job waits for it."""

    kind: Literal["retake"] = "retake"
    reason: Reason = ""


class ArchiveScan(BoundaryModel):
    """Move a scan to the archive."""

    kind: Literal["archive"] = "archive"
    scan_id: ScanId
    seen: SeenScan
    reason: Reason = ""
    """Needed for a stopped scan and with ``override``."""
    override: bool = False
    """Archive it although points are not settled."""


class RestoreScan(BoundaryModel):
    """Bring a scan back from the archive."""

    kind: Literal["restore"] = "restore"
    scan_id: ScanId
    seen: SeenScan
    reason: Reason = ""


class KeepAside(BoundaryModel):
    """Leave a scan where it is, out of the way of the next one of its PMT."""

    kind: Literal["keep-aside"] = "keep-aside"
    scan_id: ScanId
    seen: SeenScan
    reason: GivenReason = Field(min_length=1)


class NoLongerAside(BoundaryModel):
    """Let a scan that was kept aside be in the way of the next one of its PMT again."""

    kind: Literal["no-longer-aside"] = "no-longer-aside"
    scan_id: ScanId
    seen: SeenScan
    reason: Reason = ""


class PlanCleanUp(BoundaryModel):
    """Count which local copies could go to the trash; nothing is touched."""

    kind: Literal["plan-clean-up"] = "plan-clean-up"
    older_than_days: int | None = Field(default=None, ge=0, le=36_500)
    """Only of scans that ended so long ago; of all ended scans when absent."""


class CleanUp(BoundaryModel):
    """Move the local copies that a count named to the trash."""

    kind: Literal["clean-up"] = "clean-up"
    plan: int = Field(ge=1)
    """Number of the command that counted."""
    folders: int = Field(ge=0)
    """As that count said: when it would be another one now, nothing is done."""
    size_bytes: int = Field(ge=0)


TakesCommand = (
    FlagTakes | UnflagTakes | AcceptTakes | AcknowledgeTakes | WithdrawDecisions | RetakeTakes
)
ScanCommand = ArchiveScan | RestoreScan | KeepAside | NoLongerAside
CleanUpCommand = PlanCleanUp | CleanUp
