"""Decide about takes: each command becomes an act on the server, or is refused with words."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

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
from background_executor.decisions.decision_records import (
    DecidedTake,
    MoveAct,
    MovedPart,
)
from background_executor.decisions.intents import (
    Journey,
    intend,
    refuse_while_moving,
)
from background_executor.decisions.refusals import (
    is_waiting_for_retake,
    take_name,
    why_no_defect,
    why_no_take,
    why_not,
)
from background_executor.decisions.rules import at_take, seen
from background_executor.errors import CommandError
from background_executor.records import PointRecord, ScanRecord, ScanState
from background_executor.scan_words import scan_words
from background_executor.scans_here import refuse_when_busy, scan_here
from background_executor.site import Site
from server_side.scan import Slot

_ACTS: Mapping[type[TakesCommand], MoveAct] = MappingProxyType(
    {
        FlagTakes: MoveAct.FLAG,
        UnflagTakes: MoveAct.UNFLAG,
        AcceptTakes: MoveAct.ACCEPT,
        AcknowledgeTakes: MoveAct.ACKNOWLEDGE,
        WithdrawDecisions: MoveAct.WITHDRAW,
        RetakeTakes: MoveAct.RETAKE,
    }
)


def decide_takes(act: Act, command: TakesCommand) -> Outcome:
    """Commit to a decision about takes of one scan: all of them, or none.

    Raises
    ------
    CommandError
        When one of them has changed since its asker looked, or cannot be decided so.
    """
    scan = scan_here(act, command.scan_id)
    refuse_while_moving(act.site, scan)
    if fault := why_no_take(scan):
        raise CommandError(fault)
    takes = _as_seen(act, scan, command.takes)
    if isinstance(command, RetakeTakes):
        _refuse_when_busy(act, scan)
    if isinstance(command, FlagTakes):
        _refuse_defect(act, command)
    if faults := [fault for each in takes if (fault := why_not(type(command), each))]:
        raise CommandError(f"{'; '.join(faults)}. Nothing was done")
    what = _ACTS[type(command)]
    words = {"reason": command.reason, "comment": command.comment}
    journey = _journey(act, scan, what, takes)
    decided = _decided(takes, command.takes, what)
    return intend(act, scan, what, journey, takes=decided, **words)


def _refuse_when_busy(act: Act, scan: ScanRecord) -> None:
    """Let no retake open a scan whose place another one has taken."""
    if scan.state is not ScanState.RUNNING and scan.slot is not None:
        refuse_when_busy(act.site, scan.kind, scan.serial_number, Slot(scan.slot))


def _journey(act: Act, scan: ScanRecord, what: MoveAct, takes: Sequence[PointRecord]) -> Journey:
    """Return which folders an act moves from where to where: only a flag and its undoing do."""
    layout = act.site.layout(scan.scan_id)
    here = layout.results_folder
    if what not in (MoveAct.FLAG, MoveAct.UNFLAG):
        return Journey(None, here)
    there = layout.flagged_folder(act.site.config.site.flag_folder)
    parts = _parts_of(act.site, scan, takes)
    return Journey(here, there, parts) if what is MoveAct.FLAG else Journey(there, here, parts)


def _parts_of(site: Site, scan: ScanRecord, takes: Sequence[PointRecord]) -> tuple[MovedPart, ...]:
    """Return the folders of takes, those of all their revisions."""
    wanted = {(take.point.name, take.take) for take in takes}
    return tuple(
        MovedPart(stored.folder, stored.manifest_sha256)
        for stored in decision_queries.stored_folders(site.store, scan.scan_id)
        if (stored.take.point.name, stored.take.take) in wanted
    )


def _as_seen(act: Act, scan: ScanRecord, asked: Sequence[SeenTake]) -> list[PointRecord]:
    """Return the points as they stand at the takes, once these are what the asker saw."""
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
        point = at_take(points[each.point.name], take)
        found.append(point)
        faults.append(_what_changed(act.site, point, each))
    if changes := [fault for fault in faults if fault]:
        raise CommandError(f"this has just changed: {'; '.join(changes)}. Nothing was done")
    return found


def _what_changed(site: Site, point: PointRecord, asked: SeenTake) -> str:
    """Say what is not any more as the asker saw it; empty when all is."""
    now = seen(point)
    return "" if now is None or now == asked else _in_words(site, point, now, asked)


def _in_words(site: Site, point: PointRecord, now: SeenTake, asked: SeenTake) -> str:
    """Say what is different, the weightiest first."""
    name = take_name(point)
    if now.newest_take != asked.newest_take:
        return f"{point.point.name} has take {now.newest_take} now"
    if now.awaits_take != asked.awaits_take:
        return _what_became_of_retake(point)
    if now.decision_id != asked.decision_id:
        return _last_decision(site, point)
    if now.result_id != asked.result_id:
        return f"{name} has a newer result, revision {point.revision}"
    if now.verdict == asked.verdict:
        return f"{name}: {now.error or 'what had failed has not failed any more'}"
    judged = "not judged" if now.verdict is None else now.verdict.value.replace("_", " ")
    return f"{name} is {judged} now"


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


def _refuse_defect(act: Act, command: FlagTakes) -> None:
    defects = act.site.config.decisions.defect_reasons
    if fault := why_no_defect(command.reason, command.comment, defects):
        raise CommandError(fault)


def _decided(
    takes: Sequence[PointRecord], asked: Sequence[SeenTake], what: MoveAct
) -> tuple[DecidedTake, ...]:
    both = zip(takes, asked, strict=True)
    return tuple(dict.fromkeys(_decided_take(point, seen_as, what) for point, seen_as in both))


def _decided_take(at: PointRecord, asked: SeenTake, what: MoveAct) -> DecidedTake:
    """Name a take, with the retake that an act asks for or takes back: these are of the point."""
    if what is MoveAct.RETAKE:
        return DecidedTake(at.point, asked.newest_take, asked.newest_take + 1)
    if what is MoveAct.WITHDRAW and is_waiting_for_retake(at):
        return DecidedTake(at.point, asked.take, at.awaits_take)
    return DecidedTake(at.point, asked.take)
