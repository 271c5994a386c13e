"""What may be decided about the points on a map, and the command that asks for it.

An act is offered for what the executor would not refuse it for, by the same rules
(``refusals``); why it is not offered for the rest is said in the same words. The command
carries what was seen, so that an act on something that has changed since can be refused.
"""

from collections.abc import Sequence
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
from background_executor.decisions.refusals import why_not
from background_executor.decisions.rules import proposed_comment
from background_executor.records import PointRecord, ScanRecord, ScanState
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
    left_out: tuple[str, ...]
    """Why it is not for the other selected points: what the executor would answer."""
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


@dataclass(frozen=True)
class ClosedAct:
    """An act that no point of a selection is open to, and why."""

    act: TakesAct
    why: tuple[str, ...]
    """Of each point, as the executor would refuse it."""

    @property
    def words(self) -> str:
        """Name and reasons."""
        return f"{ACT_WORDS[self.act].button}: {'; '.join(self.why)}"


def offers(points: Sequence[PointRecord], others: Sequence[PointRecord] = ()) -> tuple[Offer, ...]:
    """Return the acts that at least one of some points is open to.

    Parameters
    ----------
    others
        The takes of their scan that are not shown.
    """
    found = []
    for act in TakesAct:
        refusals = [why_not(_COMMANDS[act], point) for point in points]
        is_for = tuple(point for point, why in zip(points, refusals, strict=True) if not why)
        if is_for:
            older = _flagged_with(points, others) if act is TakesAct.FLAG else ()
            found.append(Offer(act, is_for, tuple(filter(None, refusals)), older))
    return tuple(found)


def closed_acts(points: Sequence[PointRecord]) -> tuple[ClosedAct, ...]:
    """Return the acts that none of some points is open to, with the executor's words for it."""
    found = []
    for act in TakesAct:
        refusals = tuple(why_not(_COMMANDS[act], point) for point in points)
        if refusals and all(refusals):
            found.append(ClosedAct(act, refusals))
    return tuple(found)


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
    return tuple(
        other for other in others if other.point.name in names and not why_not(FlagTakes, other)
    )


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
