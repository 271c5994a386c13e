"""What people decided, and the acts on the server that carry it out, as values.

A decision about a take is in force until the next one about the same take. The
act that made it has a row of its own: which folders went where, and how far it
is. ``records`` has everything else of the store.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from server_side.scan import Point


class DecisionKind(StrEnum):
    """What a person decided about a take."""

    FLAGGED = "flagged"
    """It is not to be used."""
    ACCEPTED = "accepted"
    """It is to be used although the verdict is not healthy."""
    ACKNOWLEDGED = "acknowledged"
    """It failed, and somebody has taken note."""


@dataclass(frozen=True)
class DecisionRecord:
    """The decision in force about a take."""

    decision: DecisionKind
    reason: str
    comment: str
    operator: str
    decided_at: datetime
    decision_id: int = 0
    """Its number; a later decision has a higher one."""


@dataclass(frozen=True)
class PastDecision:
    """One step in the history of the decisions about a point; none is ever erased."""

    decision_id: int
    take: int
    decision: DecisionKind | None
    """None where the one before was taken back."""
    reason: str
    comment: str
    operator: str
    decided_at: datetime


class MoveAct(StrEnum):
    """What an act on the server carries out."""

    FLAG = "flag"
    """Takes go to the flag folder."""
    UNFLAG = "unflag"
    """They come back."""
    ACCEPT = "accept"
    """Takes are used although they are not healthy; nothing moves."""
    ACKNOWLEDGE = "acknowledge"
    """Failures were taken note of; nothing moves."""
    WITHDRAW = "withdraw"
    """A decision or a retake is taken back; nothing moves."""
    RETAKE = "retake"
    """Points are measured again; nothing moves."""
    ARCHIVE = "archive"
    """A scan goes to the archive."""
    RESTORE = "restore"
    """It comes back."""
    KEEP_ASIDE = "keep_aside"
    """A scan stays where it is and is nobody's current one any more; nothing moves."""
    NO_LONGER_ASIDE = "no_longer_aside"
    """It is in the way of the next one again; nothing moves."""


class MoveState(StrEnum):
    """How far an act on the server is."""

    INTENDED = "intended"
    """Decided and committed; the server was not changed, or not in full."""
    MOVED = "moved"
    """Everything lies where it should; that is being verified."""
    ROLLING_BACK = "rolling_back"
    """It cannot be done; what was moved goes back."""
    VERIFIED = "verified"
    """Done, verified by listing, and its decisions are in force."""
    ROLLED_BACK = "rolled_back"
    """Nothing was done: everything lies where it lay."""
    FAILED = "failed"
    """Somebody must look: what should be there is on neither side."""


FINISHED_MOVE_STATES = frozenset({MoveState.VERIFIED, MoveState.ROLLED_BACK, MoveState.FAILED})


@dataclass(frozen=True)
class MovedPart:
    """One folder that an act moves."""

    folder: str
    """Its name, the same on both sides."""
    manifest_sha256: str
    """Of a take, as it was stored; empty for a scan."""
    files: int = 0
    size_bytes: int = 0
    lay_at_source: bool | None = None
    """Whether it is this act that renames it; None until that was noted, before any rename."""


@dataclass(frozen=True)
class DecidedTake:
    """A take that an act is about."""

    point: Point
    take: int
    retake: int | None = None
    """The take that is asked for after it, or waited for no longer; None in any other act."""


@dataclass(frozen=True)
class NewMove:
    """An act on the server that is about to be committed."""

    site: str
    scan_id: str
    command_id: int
    """The command that asked for it, answered when it is finished; 0 where nobody asked."""
    act: MoveAct
    source: str
    """Folder on the server that holds the parts before; empty where nothing moves."""
    target: str
    """Folder that holds them after."""
    parts: tuple[MovedPart, ...]
    takes: tuple[DecidedTake, ...]
    reason: str
    comment: str
    operator: str
    receipt: str
    """Path of its receipt on the server."""


@dataclass(frozen=True)
class MoveRecord(NewMove):
    """One act on the server, and how far it is."""

    move_id: int
    state: MoveState
    message: str
    """What it waits for, or how it ended."""
    intended_at: datetime
    finished_at: datetime | None
