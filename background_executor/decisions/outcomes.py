"""What a finished act changes in the store, and what its command is answered."""

import uuid
from datetime import datetime

from background_executor import queries
from background_executor.audit import EventFilter
from background_executor.commanding import Act, Outcome
from background_executor.commands import COMMAND, ProcessExisting, StartHvCheck, StartScan
from background_executor.decisions import decision_queries
from background_executor.decisions.decision_records import DecisionKind, MoveAct, MoveRecord
from background_executor.errors import CommandError, RemoteFileError, StoreError
from background_executor.records import ScanState
from background_executor.scan_words import scan_words
from background_executor.site import Site
from background_executor.starts import start_after
from background_executor.writing import StoreWriter
from background_executor.writing.moves import take_words
from background_executor.writing.scans import ARCHIVED, scan_subject

_DECISIONS = {
    MoveAct.FLAG: DecisionKind.FLAGGED,
    MoveAct.ACCEPT: DecisionKind.ACCEPTED,
    MoveAct.ACKNOWLEDGE: DecisionKind.ACKNOWLEDGED,
}
_WORDS = {
    MoveAct.FLAG: "flagged",
    MoveAct.UNFLAG: "back in use",
    MoveAct.ACCEPT: "accepted",
    MoveAct.ACKNOWLEDGE: "acknowledged",
}

_ASIDE = (MoveAct.KEEP_ASIDE, MoveAct.NO_LONGER_ASIDE)


def conclude(site: Site, move: MoveRecord, now: datetime) -> Outcome:
    """Return what a verified act changes, and the answer; what it did is kept in any case."""
    match move.act:
        case MoveAct.RETAKE:
            return _retake(site, move)
        case MoveAct.WITHDRAW:
            return _withdraw(site, move)
        case MoveAct.ARCHIVE | MoveAct.RESTORE | MoveAct.KEEP_ASIDE | MoveAct.NO_LONGER_ASIDE:
            return _scan_outcome(site, move, now)
        case _:
            return _decide(site, move)


def _decide(site: Site, move: MoveRecord) -> Outcome:
    flagged = decision_queries.flagged_takes(site.store, move.scan_id)
    words = {"reason": move.reason, "comment": move.comment, "operator": move.operator}

    def change(writer: StoreWriter) -> None:
        for each in move.takes:
            if move.act is MoveAct.UNFLAG:
                writer.take_flag_back(move.scan_id, each.point, each.take, **words)
            elif move.act is not MoveAct.FLAG or (each.point.name, each.take) not in flagged:
                # A late result follows a flag that is in force and stays that of its operator.
                kind = _DECISIONS[move.act]
                writer.add_decision(move.scan_id, each.point, each.take, kind, **words)

    moved = f"; moved to {move.target} and verified: {_folders(move)}" if move.parts else ""
    return Outcome(f"{take_words(move.takes)}: {_WORDS[move.act]}{moved}", change)


def _folders(move: MoveRecord) -> str:
    return ", ".join(part.folder for part in move.parts)


def _withdraw(site: Site, move: MoveRecord) -> Outcome:
    retakes = [each for each in move.takes if each.retake is not None]
    decided = [each for each in move.takes if each.retake is None]
    points = {point.point.name: point for point in queries.points(site.store, move.scan_id)}
    awaited = [each for each in retakes if points[each.point.name].awaits_take == each.retake]
    come = [each.point.name for each in retakes if each not in awaited]

    def change(writer: StoreWriter) -> None:
        words = {"reason": move.reason, "comment": move.comment, "operator": move.operator}
        for each in decided:
            writer.add_decision(move.scan_id, each.point, each.take, None, **words)
        for each in awaited:
            writer.withdraw_retake(move.scan_id, each.point, move.operator, move.reason)
        if awaited:
            writer.close_again(move.scan_id, move.operator, move.reason)

    remark = f"; the data of the retake of {', '.join(come)} have come, and stay" if come else ""
    return Outcome(f"{take_words(move.takes)}: taken back{remark}", change)


def _retake(site: Site, move: MoveRecord) -> Outcome:
    has_jobs = bool(queries.jobs(site.store, move.scan_id))

    def change(writer: StoreWriter) -> None:
        for each in move.takes:
            writer.ask_retake(move.scan_id, each.point, each.take, move.operator, move.reason)
        writer.open_scan(move.scan_id, move.operator, "")
        if not has_jobs:
            job = str(uuid.uuid4())
            writer.add_job(job, move.scan_id, job, site.scheduler.name, "a retake was asked for")

    raw = site.plan(move.scan_id).raw
    remark = ""
    if raw.source == "existing":
        remark = f"; this scan reads acquisition {raw.folder} alone: take the data there again"
    names = ", ".join(each.point.name for each in move.takes)
    return Outcome(f"{names}: open again, the next acquisition is the next take{remark}", change)


def _scan_outcome(site: Site, move: MoveRecord, now: datetime) -> Outcome:
    next_scan, obstacle = _next_scan(site, move, now)
    scan = queries.scan(site.store, move.scan_id)
    if scan is None:
        raise StoreError(f"no scan {move.scan_id} in the store of site {site.name}")
    state = _state_after(site, move)

    def change(writer: StoreWriter) -> None:
        if state is not None:
            writer.set_scan_state(move.scan_id, state, move.operator, move.reason)
        if move.act in _ASIDE:
            is_aside = move.act is MoveAct.KEEP_ASIDE
            writer.keep_aside(move.scan_id, move.operator, move.reason, is_aside=is_aside)
        if next_scan is not None:
            next_scan.change(writer)

    words = {
        MoveAct.ARCHIVE: f"is archived in {move.target}, verified",
        MoveAct.RESTORE: f"is restored to {move.target}, verified",
        MoveAct.KEEP_ASIDE: "is kept aside",
        MoveAct.NO_LONGER_ASIDE: "is no longer kept aside",
    }
    following = f"; {next_scan.answer}" if next_scan is not None else ""
    if obstacle:
        following = f", but the next scan did not begin: {obstacle}"
    answer = f"{scan_words(scan)} {words[move.act]}{following}"
    return Outcome(answer, change, is_refused=bool(obstacle))


def _state_after(site: Site, move: MoveRecord) -> ScanState | None:
    if move.act is MoveAct.ARCHIVE:
        return ScanState.ARCHIVED
    if move.act in _ASIDE:
        return None
    return _state_before_archive(site, move.scan_id)


def _state_before_archive(site: Site, scan_id: str) -> ScanState:
    """Return what a scan was before: what came of its points since the end says nothing of it."""
    wanted = EventFilter(subject=scan_subject(scan_id), act=ARCHIVED)
    archived = queries.events(site.store, site.name, wanted, limit=1)
    if not archived:
        raise StoreError(f"the audit of site {site.name} does not say when {scan_id} was archived")
    return ScanState(archived[0].before)


def _next_scan(site: Site, move: MoveRecord, now: datetime) -> tuple[Outcome | None, str]:
    """Return the beginning of the scan that waited for this one to make way, or what is in its way.

    The folder has moved by now, so that an obstacle must not undo what the store says of it.
    """
    record = queries.command(site.store, move.command_id)
    if record is None:
        return None, ""
    command = COMMAND.validate_json(record.arguments)
    if not isinstance(command, StartScan | StartHvCheck | ProcessExisting):
        return None, ""
    try:
        return start_after(Act(site, record, now, now), command), ""
    except (CommandError, RemoteFileError) as error:
        return None, str(error)
