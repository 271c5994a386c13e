"""What may be decided about the points on a map, and the command that asks for it.

The acts are offered by what a point is now; the command carries what was seen,
so that the executor can refuse an act on something that has changed since.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from background_executor.decisions.decision_commands import (
    AcceptTakes,
    AcknowledgeTakes,
    FlagTakes,
    RetakeTakes,
    SeenTake,
    TakesCommand,
    UnflagTakes,
    WithdrawDecisions,
)
from background_executor.decisions.decision_records import DecisionKind
from background_executor.decisions.rules import proposed_comment
from background_executor.imported import Provenance
from background_executor.records import PointRecord, PointState, ScanRecord, ScanState, Verdict
from dashboard.views.wording import count, point_label


class TakesAct(StrEnum):
    """An act about one take or several."""

    FLAG = "flag"
    """Take them out of use."""
    ACCEPT = "accept"
    """Use them although they are not healthy."""
    ACKNOWLEDGE = "acknowledge"
    """Take note that they failed."""
    RETAKE = "retake"
    """Measure their points again."""
    UNFLAG = "unflag"
    """Bring them back."""
    WITHDRAW = "withdraw"
    """Take a decision or a retake back that moved nothing."""


@dataclass(frozen=True)
class ActWords:
    """How an act is offered."""

    button: str
    explanation: str
    is_reason_needed: bool
    moves: bool
    """Whether folders move on the server."""


ACT_WORDS = MappingProxyType(
    {
        TakesAct.FLAG: ActWords(
            "Flag",
            "Takes the data out of use. Their folders move to the flag folder and can come back at "
            "any time.",
            is_reason_needed=True,
            moves=True,
        ),
        TakesAct.ACCEPT: ActWords(
            "Accept",
            "Uses the data although they are not healthy. The verdict stays beside your decision.",
            is_reason_needed=True,
            moves=False,
        ),
        TakesAct.ACKNOWLEDGE: ActWords(
            "Acknowledge",
            "Takes note of the failure: nobody has to see to it any more.",
            is_reason_needed=True,
            moves=False,
        ),
        TakesAct.RETAKE: ActWords(
            "Retake",
            "Opens the points again: the next acquisition of each is its next take, and a job "
            "waits for it. What was measured stays.",
            is_reason_needed=False,
            moves=False,
        ),
        TakesAct.UNFLAG: ActWords(
            "Unflag",
            "Brings the folders back from the flag folder. The flag stays on record.",
            is_reason_needed=False,
            moves=True,
        ),
        TakesAct.WITHDRAW: ActWords(
            "Take back",
            "Takes back an acceptance, an acknowledgement, or a retake that has no data yet.",
            is_reason_needed=False,
            moves=False,
        ),
    }
)
"""In the order in which they are offered; a test walks it."""


@dataclass(frozen=True)
class Offer:
    """An act and the points of a selection that it can be asked for."""

    act: TakesAct
    points: tuple[PointRecord, ...]
    left_out: int
    """Selected points that it is not for."""
    older: tuple[PointRecord, ...] = ()
    """Other takes of the selected points that a flag may take out of use with them."""

    @property
    def label(self) -> str:
        """What stands on its button."""
        word = ACT_WORDS[self.act].button
        return word if len(self.points) == 1 and not self.left_out else f"{word} {self.number}"

    @property
    def number(self) -> str:
        """How many takes it is about."""
        return count(len(self.points), "take", "takes")


def offers(points: Sequence[PointRecord], others: Sequence[PointRecord] = ()) -> tuple[Offer, ...]:
    """Return the acts that at least one of some points is open to.

    Parameters
    ----------
    others
        The takes of their scan that are not shown.
    """
    found = []
    for act in TakesAct:
        open_to_it = tuple(point for point in points if _IS_OPEN[act](point))
        if open_to_it:
            older = _flagged_with(points, others) if act is TakesAct.FLAG else ()
            found.append(Offer(act, open_to_it, len(points) - len(open_to_it), older))
    return tuple(found)


def why_closed(scan: ScanRecord) -> str:
    """Say why nothing can be decided about any take of a scan; empty when something can."""
    if scan.provenance is Provenance.IMPORTED:
        return (
            "Nothing is decided about this scan: it was imported from an old tree, whose files "
            "are only read."
        )
    if scan.state is ScanState.ARCHIVED:
        return "This scan is in the archive: restore it first, on the page of scans, to decide."
    return ""


def what_a_retake_opens(scan: ScanRecord, points: Sequence[PointRecord]) -> str:
    """Say that a retake has a stopped scan go on, and what it then waits for; else empty."""
    if scan.state is not ScanState.STOPPED:
        return ""
    why = f" ({scan.message})" if scan.message else ""
    never_measured = sum(point.take is None for point in points)
    words = f"This scan was stopped{why}. With the retake it runs again"
    if not never_measured:
        return f"{words}, until the retake is stored."
    left = count(never_measured, "point that was", "points that were")
    return (
        f"{words}, and waits for {left} never measured, too: stop it again once the retake is "
        "stored, if they are not wanted."
    )


def first_comment(points: Sequence[PointRecord]) -> str:
    """Return what a comment about takes begins with: the findings, by point where there are more.

    Empty where nothing was found.
    """
    found = [(point, words) for point in points if (words := proposed_comment(point))]
    if len(points) == 1:
        return "".join(words for _, words in found)
    return "\n".join(f"{point_label(point.point)}: {words}" for point, words in found)


def _flagged_with(
    points: Sequence[PointRecord], others: Sequence[PointRecord]
) -> tuple[PointRecord, ...]:
    names = {point.point.name for point in points}
    return tuple(other for other in others if other.point.name in names and _may_flag(other))


def decide(
    act: TakesAct, scan_id: str, takes: tuple[SeenTake, ...], reason: str, comment: str
) -> TakesCommand:
    """Make the command for an act; see ``decision_commands`` for what it carries."""
    return _COMMANDS[act](scan_id=scan_id, takes=takes, reason=reason, comment=comment)


_COMMANDS: MappingProxyType[TakesAct, type[TakesCommand]] = MappingProxyType(
    {
        TakesAct.FLAG: FlagTakes,
        TakesAct.ACCEPT: AcceptTakes,
        TakesAct.ACKNOWLEDGE: AcknowledgeTakes,
        TakesAct.RETAKE: RetakeTakes,
        TakesAct.UNFLAG: UnflagTakes,
        TakesAct.WITHDRAW: WithdrawDecisions,
    }
)


def _decision(point: PointRecord) -> DecisionKind | None:
    return point.decision.decision if point.decision is not None else None


def _has_ended(point: PointRecord) -> bool:
    return point.take is not None and point.state in (PointState.STORED, PointState.FAILED)


def _may_flag(point: PointRecord) -> bool:
    has_folder = _has_ended(point) and point.result_id is not None
    return has_folder and _decision(point) is not DecisionKind.FLAGGED


def _may_accept(point: PointRecord) -> bool:
    healthy = point.verdict is not None and point.verdict.verdict is Verdict.HEALTHY
    is_stored = point.state is PointState.STORED and point.result_id is not None
    return is_stored and _decision(point) is None and (not healthy or bool(point.error))


def _may_acknowledge(point: PointRecord) -> bool:
    return _has_ended(point) and _decision(point) is None and bool(point.error)


def _may_retake(point: PointRecord) -> bool:
    return _has_ended(point) and point.awaits_take is None


def _may_unflag(point: PointRecord) -> bool:
    return _decision(point) is DecisionKind.FLAGGED


def _may_withdraw(point: PointRecord) -> bool:
    decided = _decision(point) in (DecisionKind.ACCEPTED, DecisionKind.ACKNOWLEDGED)
    return decided or point.awaits_take is not None


_IS_OPEN: MappingProxyType[TakesAct, Callable[[PointRecord], bool]] = MappingProxyType(
    {
        TakesAct.FLAG: _may_flag,
        TakesAct.ACCEPT: _may_accept,
        TakesAct.ACKNOWLEDGE: _may_acknowledge,
        TakesAct.RETAKE: _may_retake,
        TakesAct.UNFLAG: _may_unflag,
        TakesAct.WITHDRAW: _may_withdraw,
    }
)
