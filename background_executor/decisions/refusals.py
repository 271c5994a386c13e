"""Why an act about a take is refused, in words, before anything is done: pure functions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from background_executor.decisions.decision_commands import (
    AcceptTakes,
    AcknowledgeTakes,
    FlagTakes,
    RetakeTakes,
    TakesCommand,
    UnflagTakes,
    WithdrawDecisions,
)
from background_executor.decisions.decision_queries import TakeRecord
from background_executor.decisions.decision_records import DecisionKind
from background_executor.records import PointRecord, PointState, Verdict

_AT_WORK = (PointState.ACQUIRING, PointState.PROCESSING, PointState.PUBLISHED)
_MEASURED = (PointState.STORED, PointState.FAILED)


@dataclass(frozen=True)
class TakeInHand:
    """A take that is to be decided about, with its point."""

    take: TakeRecord
    point: PointRecord

    @property
    def name(self) -> str:
        """Name for answers."""
        return f"{self.take.point.name} take {self.take.take}"

    @property
    def is_newest(self) -> bool:
        """Whether its point shows it."""
        return self.take.take == self.point.take

    @property
    def decision(self) -> DecisionKind | None:
        """The decision in force."""
        return self.take.decision.decision if self.take.decision else None


def why_not(act: type[TakesCommand], each: TakeInHand) -> str:
    """Say why a take is not open to an act; empty when it is."""
    return _WHY_NOT[act](each)


def _why_not_flag(each: TakeInHand) -> str:
    if each.decision is DecisionKind.FLAGGED:
        return f"{each.name} is flagged already"
    if each.take.is_coming:
        return f"a result of {each.name} is on its way here: wait until it is stored"
    if each.take.result_id is None:
        return f"{each.name} has no published folder that could move: acknowledge its failure"
    if each.is_newest and each.point.awaits_take is None and each.point.state in _AT_WORK:
        return f"{each.name} is being measured right now ({each.point.state.value}): wait"
    return ""


def _why_not_unflag(each: TakeInHand) -> str:
    return "" if each.decision is DecisionKind.FLAGGED else f"{each.name} is not flagged"


def _why_not_accept(each: TakeInHand) -> str:
    if each.decision in (DecisionKind.FLAGGED, DecisionKind.ACCEPTED):
        advice = ": un-flag it first" if each.decision is DecisionKind.FLAGGED else " already"
        return f"{each.name} is {each.decision.value}{advice}"
    if each.take.result_id is None:
        return f"{each.name} has no result to accept"
    verdict = each.take.verdict
    is_troubled = each.is_newest and bool(each.point.error)
    if verdict is not None and verdict.verdict is Verdict.HEALTHY and not is_troubled:
        return f"{each.name} is healthy: there is nothing to accept"
    return ""


def _why_not_acknowledge(each: TakeInHand) -> str:
    if each.decision is DecisionKind.ACKNOWLEDGED:
        return f"{each.name} is acknowledged already"
    if each.decision is DecisionKind.FLAGGED:
        return f"{each.name} is flagged: un-flag it first"
    has_failed = each.is_newest and each.point.state is PointState.FAILED
    is_troubled = each.is_newest and each.point.state is PointState.STORED and each.point.error
    was_given_up = not each.is_newest and each.take.result_id is None and not each.take.is_coming
    if has_failed or is_troubled or was_given_up:
        return ""
    return f"{each.name} has not failed: there is nothing to acknowledge"


def _why_not_withdraw(each: TakeInHand) -> str:
    if each.is_newest and is_waiting_for_retake(each.point):
        return ""
    if each.decision is None:
        return f"there is no decision about {each.name} to take back"
    if each.decision is DecisionKind.FLAGGED:
        return f"{each.name} is flagged: un-flag it, which also brings its folder back"
    return ""


def is_waiting_for_retake(point: PointRecord) -> bool:
    """Tell whether a retake was asked for and has no data yet."""
    return point.awaits_take is not None and point.state is PointState.EXPECTED


def _why_not_retake(each: TakeInHand) -> str:
    name = each.point.point.name
    if each.point.awaits_take is not None:
        return f"a retake of {name} was asked for already: take {each.point.awaits_take} is awaited"
    if each.point.state not in _MEASURED:
        return f"{name} is {each.point.state.value}: it can be taken again once that has ended"
    return ""


_WHY_NOT: Mapping[type[TakesCommand], Callable[[TakeInHand], str]] = MappingProxyType(
    {
        FlagTakes: _why_not_flag,
        UnflagTakes: _why_not_unflag,
        AcceptTakes: _why_not_accept,
        AcknowledgeTakes: _why_not_acknowledge,
        WithdrawDecisions: _why_not_withdraw,
        RetakeTakes: _why_not_retake,
    }
)
