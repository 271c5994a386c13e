"""What anyone may ask of the executor.

A page or the command line inserts a row with ``store.enqueue`` and returns at
once; the executor claims it, does it and writes the answer.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from background_executor.decisions.decision_commands import (
    AcceptTakes,
    AcknowledgeTakes,
    ArchiveScan,
    CleanUp,
    FlagTakes,
    KeepAside,
    NoLongerAside,
    PlanCleanUp,
    Reason,
    RestoreScan,
    RetakeTakes,
    SeenPrevious,
    UnflagTakes,
    WithdrawDecisions,
)
from background_executor.judging.quality_commands import JudgeAgain, MakeReference
from server_side.boundary import BoundaryModel
from server_side.scan import FolderName, ScanId, SerialNumber, Slot


class PreviousScan(StrEnum):
    """What becomes of the previous scan of the same kind and PMT when the next one starts."""

    ARCHIVE_IF_SETTLED = "archive_if_settled"
    """It is archived when it is complete and settled; else the start is refused."""
    ARCHIVE = "archive"
    """It is archived as it is, with a reason."""
    KEEP_ASIDE = "keep_aside"
    """It stays where it is, with a reason."""


class _Start(BoundaryModel):
    serial_number: SerialNumber
    slot: Slot
    previous: PreviousScan = PreviousScan.ARCHIVE_IF_SETTLED
    previous_reason: Reason = ""
    """Why it is archived unsettled, or kept aside."""
    previous_seen: SeenPrevious | None = None
    """It, as its asker saw it; None where nobody looked."""


class StartScan(_Start):
    """Begin a position scan of a PMT."""

    kind: Literal["start-scan"] = "start-scan"


class StartHvCheck(_Start):
    """Begin an HV check of a PMT."""

    kind: Literal["start-hv-check"] = "start-hv-check"
    nominal_v: int = Field(ge=500, le=3000)


class StopScan(BoundaryModel):
    """End a scan or HV check before its last point; what was measured stays."""

    kind: Literal["stop-scan"] = "stop-scan"
    scan_id: ScanId
    reason: str = Field(default="", max_length=2000)


class ResumeScan(BoundaryModel):
    """Give a scan whose jobs have ended, and which asks the operator, another job."""

    kind: Literal["resume-scan"] = "resume-scan"
    scan_id: ScanId
    reason: str = Field(default="", max_length=2000)


class ProcessExisting(_Start):
    """Make a scan of an acquisition that is there already."""

    kind: Literal["process-existing"] = "process-existing"
    scan_kind: Literal["position", "hv"]
    acquisition: FolderName


class ListAcquisitions(BoundaryModel):
    """Look on the server which acquisitions there are."""

    kind: Literal["list-acquisitions"] = "list-acquisitions"


class SyncNow(BoundaryModel):
    """Read everything new from the server at once."""

    kind: Literal["sync-now"] = "sync-now"


class Reset(BoundaryModel):
    """Read everything from the server again; deletes nothing."""

    kind: Literal["reset"] = "reset"


class ImportTree(BoundaryModel):
    """Read a result tree of the old system that lies on the executor's machine."""

    kind: Literal["import"] = "import"
    folder: str = Field(pattern=r"^/[^\x00-\x1f]*$", max_length=4000)
    """From the root of that machine."""


class StopExecutor(BoundaryModel):
    """End the executor; jobs on the server go on."""

    kind: Literal["stop-executor"] = "stop-executor"


Command = Annotated[
    StartScan
    | StartHvCheck
    | StopScan
    | ResumeScan
    | ProcessExisting
    | ListAcquisitions
    | SyncNow
    | Reset
    | MakeReference
    | JudgeAgain
    | ImportTree
    | StopExecutor
    | FlagTakes
    | UnflagTakes
    | AcceptTakes
    | AcknowledgeTakes
    | WithdrawDecisions
    | RetakeTakes
    | ArchiveScan
    | RestoreScan
    | KeepAside
    | NoLongerAside
    | PlanCleanUp
    | CleanUp,
    Field(discriminator="kind"),
]
COMMAND: TypeAdapter[Command] = TypeAdapter(Command)
