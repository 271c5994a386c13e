"""How every state looks: one table from state to word, icon, colour and pattern.

Healthy is the one solid blue, for a stored, verified result that was judged
healthy and for nothing else. No look repeats another: whoever cannot tell the
colours apart has pattern, icon and word. The colours keep a distance of at
least 20 (dE) from each other for all common colour-blindnesses and are the
same in the light and the dark theme.
"""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from background_executor.decisions.decision_records import DecisionKind, MoveState
from background_executor.records import (
    CheckOutcome,
    CommandState,
    ExecutorState,
    JobState,
    LinkState,
    PointRecord,
    PointState,
    ScanState,
    Verdict,
)
from dashboard.icons import Icon

BLUE, YELLOW, RED, PINK = "#0072B2", "#F0E442", "#B83200", "#CC79A7"
SKY, GREY, SLATE, BLACK, WHITE = "#8FD0F5", "#D4D7DB", "#3C4043", "#101214", "#FFFFFF"
NO_FILL = "none"
PAGE_INK = "currentColor"
"""Text in the colour of the page's text, on a tile without a fill."""


class Pattern(StrEnum):
    """What lies over a tile's colour."""

    SOLID = "solid"
    """Nothing."""
    DASHED = "dashed"
    """The outline is dashed: there is nothing here yet."""
    HATCHED = "hatched"
    """Diagonal lines."""
    CROSSED = "crossed"
    """Diagonal lines both ways."""
    DOTTED = "dotted"
    """Dots: something arrives."""
    STRIPED = "striped"
    """Level lines: something is fetched."""
    REVERSED = "reversed"
    """Diagonal lines the other way: not of now."""


@dataclass(frozen=True)
class Look:
    """How one state is shown."""

    word: str
    icon: Icon
    fill: str
    ink: str
    """Colour of icon and number on the fill."""
    pattern: Pattern = Pattern.SOLID
    outline: str = NO_FILL


class Face(StrEnum):
    """What a tile can say of its point."""

    HEALTHY = "healthy"
    """Stored, verified, judged healthy."""
    CHECK = "check"
    """Stored and near a limit."""
    POOR = "poor"
    """Stored and outside a limit."""
    NO_LIGHT = "no_light"
    """Stored; the PMT saw no light."""
    FIT_FAILED = "fit_failed"
    """Stored without a valid fit."""
    UNJUDGED = "unjudged"
    """Stored and not judged yet."""
    FLAGGED = "flagged"
    """A person has taken it out of use."""
    ACCEPTED = "accepted"
    """A person has accepted it although it is not healthy."""
    ACKNOWLEDGED = "acknowledged"
    """It failed and a person has taken note."""
    OVERTAKEN = "overtaken"
    """A result is stored, but newer data of its take could not be analysed."""
    IMPORTED = "imported"
    """Read from an old tree, never judged here."""
    WAITING = "waiting"
    """No raw data yet."""
    AWAITED = "awaited"
    """It was measured, and a retake was asked for that has no data yet."""
    ACQUIRING = "acquiring"
    """Raw data grow."""
    PROCESSING = "processing"
    """It is being analysed."""
    FETCHING = "fetching"
    """The result is on the server and not here yet."""
    LATE = "late"
    """It should have gone on by now."""
    FAILED = "failed"
    """The analysis gave up."""
    STALE = "stale"
    """Nobody knows whether this is still so."""


LOOKS = MappingProxyType(
    {
        Face.HEALTHY: Look("healthy", Icon.TICK, BLUE, WHITE),
        Face.CHECK: Look("check", Icon.TRIANGLE, YELLOW, BLACK),
        Face.POOR: Look("poor", Icon.CROSS, RED, WHITE),
        Face.NO_LIGHT: Look("no light", Icon.MOON, BLACK, WHITE, outline=RED),
        Face.FIT_FAILED: Look("fit failed", Icon.BROKEN_CURVE, SLATE, WHITE, Pattern.HATCHED),
        Face.UNJUDGED: Look("not judged", Icon.QUESTION, GREY, BLACK),
        Face.FLAGGED: Look("flagged", Icon.FLAG, PINK, BLACK),
        Face.ACCEPTED: Look("accepted", Icon.PERSON, GREY, BLACK, Pattern.DOTTED, PINK),
        Face.ACKNOWLEDGED: Look("failure noted", Icon.EYE, SLATE, WHITE, Pattern.SOLID, PINK),
        Face.OVERTAKEN: Look("newer data failed", Icon.AGAIN, SLATE, WHITE, Pattern.SOLID, YELLOW),
        Face.IMPORTED: Look("imported", Icon.BOX, GREY, BLACK, Pattern.SOLID, SLATE),
        Face.WAITING: Look("waiting", Icon.DOTS, NO_FILL, PAGE_INK, Pattern.DASHED, PAGE_INK),
        Face.AWAITED: Look("retake awaited", Icon.TWO, NO_FILL, PAGE_INK, Pattern.DASHED, SKY),
        Face.ACQUIRING: Look("acquiring", Icon.PULSE, SKY, BLACK, Pattern.DOTTED),
        Face.PROCESSING: Look("analysing", Icon.BARS, SKY, BLACK),
        Face.FETCHING: Look("fetching", Icon.ARROW_DOWN, SKY, BLACK, Pattern.STRIPED),
        Face.LATE: Look("late", Icon.CLOCK, SLATE, WHITE, Pattern.DASHED, SKY),
        Face.FAILED: Look("failed", Icon.EXCLAMATION, SLATE, WHITE, Pattern.CROSSED),
        Face.STALE: Look("stale", Icon.NO_CONTACT, SLATE, WHITE, Pattern.REVERSED),
    }
)
"""The whole table; a test walks it."""

_FACE_OF_VERDICT = MappingProxyType(
    {
        Verdict.HEALTHY: Face.HEALTHY,
        Verdict.CHECK: Face.CHECK,
        Verdict.POOR: Face.POOR,
        Verdict.NO_LIGHT: Face.NO_LIGHT,
        Verdict.FIT_FAILED: Face.FIT_FAILED,
        Verdict.IMPORTED: Face.IMPORTED,
    }
)
_FACE_OF_STATE = MappingProxyType(
    {
        PointState.EXPECTED: Face.WAITING,
        PointState.ACQUIRING: Face.ACQUIRING,
        PointState.PROCESSING: Face.PROCESSING,
        PointState.PUBLISHED: Face.FETCHING,
        PointState.STORED: Face.UNJUDGED,
        PointState.FAILED: Face.FAILED,
    }
)
_FACE_OF_DECISION = MappingProxyType(
    {
        DecisionKind.FLAGGED: Face.FLAGGED,
        DecisionKind.ACCEPTED: Face.ACCEPTED,
        DecisionKind.ACKNOWLEDGED: Face.ACKNOWLEDGED,
    }
)


def face_of_verdict(verdict: Verdict) -> Face:
    """Return the face of a stored result that was judged."""
    return _FACE_OF_VERDICT[verdict]


def face_of(point: PointRecord) -> Face:
    """Return the face of a point: decision before verdict, verdict before state.

    An accepted healthy point stays healthy. A verdict counts only for a result
    that is in the store, and no longer than until newer data of its take fail.
    """
    if point.awaits_take is not None and point.state is PointState.EXPECTED:
        return Face.AWAITED
    is_stored = point.state is PointState.STORED and point.result_id is not None
    verdict = point.verdict.verdict if point.verdict is not None and is_stored else None
    decision = point.decision.decision if point.decision is not None else None
    if decision is DecisionKind.ACCEPTED and verdict is Verdict.HEALTHY and not point.error:
        return Face.HEALTHY
    if decision is not None and point.state in (PointState.STORED, PointState.FAILED):
        return _FACE_OF_DECISION[decision]
    if is_stored and point.error:
        return Face.OVERTAKEN
    return _FACE_OF_VERDICT[verdict] if verdict is not None else _FACE_OF_STATE[point.state]


NEVER_STARTED = Look("executor not running", Icon.SQUARE, SLATE, WHITE, Pattern.CROSSED)
SILENT = Look("executor silent", Icon.NO_CONTACT, SLATE, WHITE, Pattern.REVERSED)

EXECUTOR_LOOKS = MappingProxyType(
    {
        ExecutorState.RUNNING: Look("executor running", Icon.PLAY, SKY, BLACK),
        ExecutorState.STOPPING: Look("executor stopping", Icon.CLOCK, GREY, BLACK),
        ExecutorState.STOPPED: NEVER_STARTED,
        ExecutorState.BLOCKED: Look("executor needs you", Icon.HAND, YELLOW, BLACK),
    }
)

LINK_LOOKS = MappingProxyType(
    {
        LinkState.CONNECTED: Look("server connected", Icon.LINK, SKY, BLACK),
        LinkState.DISCONNECTED: Look("server not reached", Icon.NO_CONTACT, RED, WHITE),
        LinkState.REFUSED: Look("login refused", Icon.HAND, YELLOW, BLACK),
    }
)

SCAN_LOOKS = MappingProxyType(
    {
        ScanState.RUNNING: Look("running", Icon.PLAY, SKY, BLACK),
        ScanState.COMPLETE: Look("all points done", Icon.SQUARE, GREY, BLACK),
        ScanState.STOPPED: Look("stopped", Icon.SQUARE, SLATE, WHITE),
        ScanState.ARCHIVED: Look("archived", Icon.ARROW_DOWN, SLATE, WHITE),
    }
)

COMMAND_LOOKS = MappingProxyType(
    {
        CommandState.WAITING: Look("waiting", Icon.CLOCK, GREY, BLACK),
        CommandState.CLAIMED: Look("being done", Icon.PLAY, SKY, BLACK),
        CommandState.DONE: Look("done", Icon.SQUARE, SLATE, WHITE),
        CommandState.REFUSED: Look("refused", Icon.CROSS, RED, WHITE),
    }
)

MOVE_LOOKS = MappingProxyType(
    {
        MoveState.INTENDED: Look("being done", Icon.PLAY, SKY, BLACK),
        MoveState.MOVED: Look("being verified", Icon.EYE, SKY, BLACK),
        MoveState.ROLLING_BACK: Look("being undone", Icon.AGAIN, YELLOW, BLACK),
        MoveState.VERIFIED: Look("done", Icon.SQUARE, SLATE, WHITE),
        MoveState.ROLLED_BACK: Look("not done", Icon.CROSS, RED, WHITE),
        MoveState.FAILED: Look("needs you", Icon.HAND, YELLOW, BLACK),
    }
)

CHECK_LOOKS = MappingProxyType(
    {
        CheckOutcome.PASSED: Look("passed", Icon.TICK, NO_FILL, PAGE_INK),
        CheckOutcome.NEAR_LIMIT: Look("near a limit", Icon.TRIANGLE, YELLOW, BLACK),
        CheckOutcome.OUTSIDE: Look("outside", Icon.CROSS, RED, WHITE),
        CheckOutcome.NOT_MEASURED: Look("not measured", Icon.DOTS, SLATE, WHITE),
    }
)

_WAITING_JOB = Look("queued", Icon.CLOCK, GREY, BLACK)
_ENDED_BADLY = Look("failed", Icon.CROSS, RED, WHITE)

JOB_LOOKS = MappingProxyType(
    {
        JobState.INTENT: _WAITING_JOB,
        JobState.SUBMITTING: _WAITING_JOB,
        JobState.SUBMIT_UNKNOWN: Look("unknown", Icon.QUESTION, YELLOW, BLACK),
        JobState.QUEUED: _WAITING_JOB,
        JobState.HELD: Look("held", Icon.HAND, YELLOW, BLACK),
        JobState.RUNNING: Look("running", Icon.PLAY, SKY, BLACK),
        JobState.COMPLETED: Look("completed", Icon.SQUARE, SLATE, WHITE),
        JobState.FAILED: _ENDED_BADLY,
        JobState.TIMEOUT: _ENDED_BADLY,
        JobState.OUT_OF_MEMORY: _ENDED_BADLY,
        JobState.NODE_FAIL: _ENDED_BADLY,
        JobState.PREEMPTED: _ENDED_BADLY,
        JobState.CANCELLED: Look("cancelled", Icon.SQUARE, SLATE, WHITE),
        JobState.LOST: _ENDED_BADLY,
    }
)
