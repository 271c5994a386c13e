"""Decide about takes: each command becomes an act on the server, or is refused with words."""

from collections.abc import Sequence
from dataclasses import dataclass

from background_executor import queries
from background_executor.commanding import Act, Outcome
from background_executor.decisions import decision_queries
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
from background_executor.decisions.decision_queries import TakeRecord
from background_executor.decisions.decision_records import (
    DecidedTake,
    DecisionKind,
    MoveAct,
    MovedPart,
)
from background_executor.decisions.decision_settings import OTHER
from background_executor.decisions.intents import (
    Journey,
    intend,
    refuse_imported,
    refuse_while_moving,
)
from background_executor.decisions.rules import at_take, seen
from background_executor.errors import CommandError
from background_executor.records import PointRecord, PointState, ScanRecord, ScanState, Verdict
from background_executor.scan_words import refuse_when_busy, scan_here, scan_words
from background_executor.site import Site
from server_side.scan import Slot

_AT_WORK = (PointState.ACQUIRING, PointState.PROCESSING, PointState.PUBLISHED)
_MEASURED = (PointState.STORED, PointState.FAILED)


@dataclass(frozen=True)
class _InHand:
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


def decide_takes(act: Act, command: TakesCommand) -> Outcome:
    """Commit to a decision about takes of one scan: all of them, or none.

    Raises
    ------
    CommandError
        When one of them has changed since its asker looked, or cannot be decided so.
    """
    scan = scan_here(act, command.scan_id)
    refuse_imported(scan)
    refuse_while_moving(act.site, scan)
    if scan.state is ScanState.ARCHIVED:
        raise CommandError(f"{scan_words(scan)} is in the archive: restore it first")
    takes = _as_seen(act, scan, command.takes)
    match command:
        case FlagTakes() | UnflagTakes():
            return _flag_or_unflag(act, scan, command, takes)
        case AcceptTakes():
            faults, what = [_why_not_accept(each) for each in takes], MoveAct.ACCEPT
        case AcknowledgeTakes():
            faults, what = [_why_not_acknowledge(each) for each in takes], MoveAct.ACKNOWLEDGE
        case WithdrawDecisions():
            faults, what = [_why_not_withdraw(each) for each in takes], MoveAct.WITHDRAW
        case RetakeTakes():
            _refuse_when_busy(act, scan)
            faults, what = [_why_not_retake(each) for each in takes], MoveAct.RETAKE
    _refuse(faults)
    journey = Journey(None, act.site.layout(scan.scan_id).results_folder)
    words = {"reason": command.reason, "comment": command.comment}
    return intend(act, scan, what, journey, takes=_decided(takes, what), **words)


def _refuse_when_busy(act: Act, scan: ScanRecord) -> None:
    """Let no retake open a scan whose place another one has taken."""
    if scan.state is not ScanState.RUNNING and scan.slot is not None:
        refuse_when_busy(act.site, scan.kind, scan.serial_number, Slot(scan.slot))


def _flag_or_unflag(
    act: Act, scan: ScanRecord, command: FlagTakes | UnflagTakes, takes: Sequence[_InHand]
) -> Outcome:
    layout = act.site.layout(scan.scan_id)
    here, there = (
        layout.results_folder,
        layout.flagged_folder(act.site.config.site.flag_folder),
    )
    parts = parts_of(act.site, scan, [each.take for each in takes])
    if isinstance(command, FlagTakes):
        _check_reason(act, command)
        _refuse([_why_not_flag(each) for each in takes])
        what, journey = MoveAct.FLAG, Journey(here, there, parts)
    else:
        _refuse([_why_not_unflag(each) for each in takes])
        what, journey = MoveAct.UNFLAG, Journey(there, here, parts)
    words = {"reason": command.reason, "comment": command.comment}
    return intend(act, scan, what, journey, takes=_decided(takes, what), **words)


def parts_of(site: Site, scan: ScanRecord, takes: Sequence[TakeRecord]) -> tuple[MovedPart, ...]:
    """Return the folders of takes, those of all their revisions."""
    wanted = {(take.point.name, take.take) for take in takes}
    return tuple(
        MovedPart(stored.folder, stored.manifest_sha256)
        for stored in decision_queries.stored_folders(site.store, scan.scan_id)
        if (stored.take.point.name, stored.take.take) in wanted
    )


def _as_seen(act: Act, scan: ScanRecord, asked: Sequence[SeenTake]) -> list[_InHand]:
    """Return the takes as they are, once they are what the asker saw."""
    store = act.site.store
    points = {point.point.name: point for point in queries.points(store, scan.scan_id)}
    takes = {
        (take.point.name, take.take): take
        for take in decision_queries.takes_of_scan(store, scan.scan_id)
    }
    if len({(each.point.name, each.take) for each in asked}) != len(asked):
        raise CommandError("a take stands in the list twice; nothing was done")
    found, faults = [], []
    for each in asked:
        take = takes.get((each.point.name, each.take))
        if take is None:
            raise CommandError(
                f"{scan_words(scan)} has no take {each.take} of {each.point.name}; nothing was done"
            )
        in_hand = _InHand(take, points[each.point.name])
        found.append(in_hand)
        faults.append(_what_changed(act.site, in_hand, each))
    if changes := [fault for fault in faults if fault]:
        raise CommandError(f"this has just changed: {'; '.join(changes)}. Nothing was done")
    return found


def _what_changed(site: Site, in_hand: _InHand, asked: SeenTake) -> str:
    """Say what is not any more as the asker saw it; empty when all is."""
    point = at_take(in_hand.point, in_hand.take)
    now = seen(point)
    return "" if now is None or now == asked else _in_words(site, in_hand, now, asked)


def _in_words(site: Site, in_hand: _InHand, now: SeenTake, asked: SeenTake) -> str:
    """Say what is different, the weightiest first."""
    point = in_hand.point
    if now.newest_take != asked.newest_take:
        return f"{point.point.name} has take {now.newest_take} now"
    if now.awaits_take != asked.awaits_take:
        return _what_became_of_retake(point)
    if now.decision_id != asked.decision_id:
        return _last_decision(site, point)
    if now.result_id != asked.result_id:
        return f"{in_hand.name} has a newer result, revision {in_hand.take.revision}"
    if now.verdict == asked.verdict:
        return f"{in_hand.name}: {now.error or 'what had failed has not failed any more'}"
    judged = "not judged" if now.verdict is None else now.verdict.value.replace("_", " ")
    return f"{in_hand.name} is {judged} now"


def _what_became_of_retake(point: PointRecord) -> str:
    name = point.point.name
    if point.awaits_take is None:
        return f"the retake of {name} was taken back, or its data have come"
    return f"a retake of {name} was asked for already: take {point.awaits_take} is awaited"


def _last_decision(site: Site, point: PointRecord) -> str:
    """Say what was decided last about any take of a point."""
    last = decision_queries.decisions_of_point(site.store, point.scan_id, point.point)[0]
    name, by = (
        f"{point.point.name} take {last.take}",
        f"{last.operator} at {last.decided_at:%H:%M:%S} UTC",
    )
    if last.decision is None:
        return f"the decision about {name} was taken back by {by}"
    return f"{name} was {last.decision.value} by {by}: {last.reason}"


def _check_reason(act: Act, command: FlagTakes) -> None:
    reasons = act.site.config.decisions.defect_reasons
    if command.reason not in reasons:
        raise CommandError(
            f"no defect {command.reason[:60]!r}: expected one of {', '.join(reasons)}"
        )
    if command.reason == OTHER and not command.comment.strip():
        raise CommandError(f"a flag for {OTHER!r} needs a comment that says what is wrong")


def _why_not_flag(each: _InHand) -> str:
    if each.decision is DecisionKind.FLAGGED:
        return f"{each.name} is flagged already"
    if each.take.is_coming:
        return f"a result of {each.name} is on its way here: wait until it is stored"
    if each.take.result_id is None:
        return f"{each.name} has no published folder that could move: acknowledge its failure"
    if each.is_newest and each.point.awaits_take is None and each.point.state in _AT_WORK:
        return f"{each.name} is being measured right now ({each.point.state.value}): wait"
    return ""


def _why_not_unflag(each: _InHand) -> str:
    return "" if each.decision is DecisionKind.FLAGGED else f"{each.name} is not flagged"


def _why_not_accept(each: _InHand) -> str:
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


def _why_not_acknowledge(each: _InHand) -> str:
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


def _why_not_withdraw(each: _InHand) -> str:
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


def _why_not_retake(each: _InHand) -> str:
    name = each.point.point.name
    if each.point.awaits_take is not None:
        return f"a retake of {name} was asked for already: take {each.point.awaits_take} is awaited"
    if each.point.state not in _MEASURED:
        return f"{name} is {each.point.state.value}: it can be taken again once that has ended"
    return ""


def _refuse(faults: Sequence[str]) -> None:
    if found := [fault for fault in faults if fault]:
        raise CommandError(f"{'; '.join(found)}. Nothing was done")


def _decided(takes: Sequence[_InHand], what: MoveAct) -> tuple[DecidedTake, ...]:
    return tuple(dict.fromkeys(_decided_take(each, what) for each in takes))


def _decided_take(each: _InHand, what: MoveAct) -> DecidedTake:
    """Name a take, with the retake that an act asks for or takes back: these are of the point."""
    point, newest = each.take.point, each.point.take
    if what is MoveAct.RETAKE and newest is not None:
        return DecidedTake(point, newest, newest + 1)
    is_retake = each.is_newest and is_waiting_for_retake(each.point)
    if what is MoveAct.WITHDRAW and is_retake:
        return DecidedTake(point, each.take.take, each.point.awaits_take)
    return DecidedTake(point, each.take.take)
