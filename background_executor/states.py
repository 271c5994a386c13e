"""Which state may follow which, and when a point needs nobody any more.

The states themselves stand in ``records``. A move to the same state is always
allowed and changes nothing: what is read twice is applied once.
"""

from collections.abc import Mapping
from typing import Final, TypeVar

from background_executor.decisions.decision_records import DecisionKind, MoveState
from background_executor.errors import StoreError
from background_executor.records import (
    ENDED_JOB_STATES,
    CommandState,
    JobState,
    PointRecord,
    PointState,
    ScanState,
    Verdict,
)

S = TypeVar("S", JobState, PointState, ScanState, CommandState, MoveState)

_JOB, _POINT, _SCAN, _COMMAND = JobState, PointState, ScanState, CommandState
_MOVE = MoveState

JOB_TRANSITIONS: Final[Mapping[JobState, frozenset[JobState]]] = {
    _JOB.INTENT: frozenset({_JOB.SUBMITTING}) | ENDED_JOB_STATES,
    _JOB.SUBMITTING: frozenset({_JOB.SUBMIT_UNKNOWN, _JOB.QUEUED, _JOB.HELD, _JOB.RUNNING})
    | ENDED_JOB_STATES,
    # Looked for and not found: it may be submitted again.
    _JOB.SUBMIT_UNKNOWN: frozenset({_JOB.SUBMITTING, _JOB.QUEUED, _JOB.HELD, _JOB.RUNNING})
    | ENDED_JOB_STATES,
    _JOB.QUEUED: frozenset({_JOB.HELD, _JOB.RUNNING}) | ENDED_JOB_STATES,
    _JOB.HELD: frozenset({_JOB.QUEUED, _JOB.RUNNING}) | ENDED_JOB_STATES,
    # A site may put a running job back into its queue or hold it.
    _JOB.RUNNING: frozenset({_JOB.QUEUED, _JOB.HELD}) | ENDED_JOB_STATES,
    _JOB.COMPLETED: frozenset(),
    _JOB.FAILED: frozenset(),
    _JOB.TIMEOUT: frozenset(),
    _JOB.OUT_OF_MEMORY: frozenset(),
    _JOB.NODE_FAIL: frozenset(),
    _JOB.PREEMPTED: frozenset(),
    _JOB.CANCELLED: frozenset(),
    # Its last word, or the scheduler's, may still arrive late.
    _JOB.LOST: ENDED_JOB_STATES - {_JOB.LOST},
}

_HAS_DATA = frozenset({_POINT.ACQUIRING, _POINT.PROCESSING, _POINT.PUBLISHED, _POINT.FAILED})

POINT_TRANSITIONS: Final[Mapping[PointState, frozenset[PointState]]] = {
    _POINT.EXPECTED: _HAS_DATA,
    _POINT.ACQUIRING: _HAS_DATA - {_POINT.ACQUIRING},
    _POINT.PROCESSING: _HAS_DATA - {_POINT.PROCESSING},
    # A published folder that does not agree with its manifest is failed.
    _POINT.PUBLISHED: frozenset({_POINT.STORED, _POINT.FAILED}),
    # A retake opens the point again; new data of its own accord do so too.
    _POINT.STORED: _HAS_DATA | {_POINT.EXPECTED},
    _POINT.FAILED: (_HAS_DATA - {_POINT.FAILED}) | {_POINT.EXPECTED},
}

SCAN_TRANSITIONS: Final[Mapping[ScanState, frozenset[ScanState]]] = {
    _SCAN.RUNNING: frozenset({_SCAN.COMPLETE, _SCAN.STOPPED}),
    # A retake opens a finished scan again.
    _SCAN.COMPLETE: frozenset({_SCAN.RUNNING, _SCAN.ARCHIVED}),
    # It stays stopped although its last points may still arrive; a retake opens it again.
    _SCAN.STOPPED: frozenset({_SCAN.RUNNING, _SCAN.ARCHIVED}),
    # Restored from the archive.
    _SCAN.ARCHIVED: frozenset({_SCAN.COMPLETE, _SCAN.STOPPED}),
}

COMMAND_TRANSITIONS: Final[Mapping[CommandState, frozenset[CommandState]]] = {
    _COMMAND.WAITING: frozenset({_COMMAND.CLAIMED}),
    # An executor that died with a command in hand finds it in hand at its next start.
    _COMMAND.CLAIMED: frozenset({_COMMAND.DONE, _COMMAND.REFUSED}),
    _COMMAND.DONE: frozenset(),
    _COMMAND.REFUSED: frozenset(),
}


MOVE_TRANSITIONS: Final[Mapping[MoveState, frozenset[MoveState]]] = {
    _MOVE.INTENDED: frozenset({_MOVE.MOVED, _MOVE.ROLLING_BACK}),
    _MOVE.MOVED: frozenset({_MOVE.VERIFIED, _MOVE.ROLLING_BACK}),
    _MOVE.ROLLING_BACK: frozenset({_MOVE.ROLLED_BACK, _MOVE.FAILED}),
    _MOVE.VERIFIED: frozenset(),
    _MOVE.ROLLED_BACK: frozenset(),
    _MOVE.FAILED: frozenset(),
}


def check_transition(subject: str, table: Mapping[S, frozenset[S]], before: S, after: S) -> bool:
    """Tell whether a move changes anything, once it is known to be allowed.

    Raises
    ------
    StoreError
        When the table does not allow it.
    """
    if before is after:
        return False
    if after not in table[before]:
        allowed = ", ".join(sorted(table[before])) or "nothing, it is final"
        raise StoreError(
            f"{subject} is {before.value!r} and cannot become {after.value!r}: allowed is {allowed}"
        )
    return True


_NEEDS_NOBODY = (Verdict.HEALTHY, Verdict.IMPORTED)


def is_settled(point: PointRecord) -> bool:
    """Tell whether nobody has to do anything about a point any more."""
    if point.awaits_take is not None:
        return False
    decision = point.decision.decision if point.decision else None
    if decision is DecisionKind.FLAGGED:
        return True
    if point.state is PointState.FAILED:
        return decision is DecisionKind.ACKNOWLEDGED
    if point.state is not PointState.STORED:
        return False
    if decision is DecisionKind.ACCEPTED:
        return True
    # Nothing can be done about what the old system measured.
    healthy = point.verdict is not None and point.verdict.verdict in _NEEDS_NOBODY
    # An error beside a result: newer data of the take could not be analysed.
    return healthy and (not point.error or decision is DecisionKind.ACKNOWLEDGED)
