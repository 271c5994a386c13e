"""What anyone may ask of the executor.

A page or the command line inserts a row with ``store.enqueue`` and returns at
once; the executor claims it, does it and writes the answer.
"""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from server_side.boundary import BoundaryModel
from server_side.scan import FolderName, ScanId, SerialNumber, Slot


class StartScan(BoundaryModel):
    """Begin a position scan of a PMT."""

    kind: Literal["start-scan"] = "start-scan"
    serial_number: SerialNumber
    slot: Slot


class StartHvCheck(BoundaryModel):
    """Begin an HV check of a PMT."""

    kind: Literal["start-hv-check"] = "start-hv-check"
    serial_number: SerialNumber
    slot: Slot
    nominal_v: int = Field(ge=500, le=3000)


class StopScan(BoundaryModel):
    """End a scan or HV check before its last point; what was measured stays."""

    kind: Literal["stop-scan"] = "stop-scan"
    scan_id: ScanId
    reason: str = Field(default="", max_length=2000)


class ProcessExisting(BoundaryModel):
    """Make a scan of an acquisition that is there already."""

    kind: Literal["process-existing"] = "process-existing"
    serial_number: SerialNumber
    slot: Slot
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


class StopExecutor(BoundaryModel):
    """End the executor; jobs on the server go on."""

    kind: Literal["stop-executor"] = "stop-executor"


Command = Annotated[
    StartScan
    | StartHvCheck
    | StopScan
    | ProcessExisting
    | ListAcquisitions
    | SyncNow
    | Reset
    | StopExecutor,
    Field(discriminator="kind"),
]
COMMAND: TypeAdapter[Command] = TypeAdapter(Command)
