"""Decide about scans: archive, restore, keep aside and back; and make way for the next one."""

from pathlib import PurePosixPath

from background_executor.commanding import Act, Outcome
from background_executor.commands import PreviousScan
from background_executor.decisions import decision_queries
from background_executor.decisions.decision_commands import (
    ArchiveScan,
    KeepAside,
    NoLongerAside,
    RestoreScan,
    ScanCommand,
    SeenPrevious,
    SeenScan,
)
from background_executor.decisions.decision_records import MoveAct, MovedPart
from background_executor.decisions.intents import Journey, intend, refuse_while_moving
from background_executor.decisions.offers import archive_offer, why_not_archived
from background_executor.decisions.refusals import why_not_scan, why_untouched
from background_executor.errors import CommandError
from background_executor.records import ScanRecord
from background_executor.scan_words import scan_words
from background_executor.scans_here import scan_here


def decide_scan(act: Act, command: ScanCommand) -> Outcome:
    """Commit to a decision about a whole scan.

    Raises
    ------
    CommandError
        When it has changed since its asker looked, or cannot be decided so.
    """
    scan = scan_here(act, command.scan_id)
    _refuse(why_untouched(scan))
    refuse_while_moving(act.site, scan)
    _refuse_unless_seen(act, scan, command.seen)
    if isinstance(command, ArchiveScan):
        return _archive(act, scan, command.reason, override=command.override)
    if isinstance(command, RestoreScan):
        return _restore(act, scan, command.reason)
    if isinstance(command, NoLongerAside):
        return _no_longer_aside(act, scan, command.reason)
    return _keep_aside(act, scan, command.reason)


def make_way(act: Act, previous: ScanRecord, choice: PreviousScan, reason: str) -> Outcome:
    """Archive the previous scan of a PMT, or keep it aside, before the next one begins.

    Raises
    ------
    CommandError
        When somebody must choose first; then nothing moves and nothing begins.
    """
    refuse_while_moving(act.site, previous)
    try:
        if choice is PreviousScan.KEEP_ASIDE:
            return _keep_aside(act, previous, reason)
        return _archive(act, previous, reason, override=choice is PreviousScan.ARCHIVE)
    except CommandError as error:
        raise CommandError(
            f"the previous {scan_words(previous)} is in the way: {error}. Settle its points, "
            "archive it with a reason, or keep it aside; nothing moved and nothing began"
        ) from error


def refuse_unless_seen_before(
    act: Act, previous: ScanRecord | None, seen: SeenPrevious | None
) -> None:
    """Let nobody send away another previous scan than the one that was looked at, or one changed.

    Raises
    ------
    CommandError
        When it is not what its asker saw; nothing is done then.
    """
    if seen is None:
        return
    if previous is None or previous.scan_id != seen.scan_id:
        became = "is in nobody's way" if previous is None else f"is followed by {previous.scan_id}"
        raise CommandError(f"this has just changed: scan {seen.scan_id} {became}. Nothing was done")
    _refuse_unless_seen(act, previous, SeenScan(**seen.model_dump(exclude={"scan_id"})))


def _refuse_unless_seen(act: Act, scan: ScanRecord, seen: SeenScan) -> None:
    now = decision_queries.seen_scan(act.site.store, scan.scan_id)
    if now == seen or now is None:
        return
    if now.state != seen.state:
        change = f"it is {now.state} now"
    elif now.decision_id != seen.decision_id:
        change = "somebody has decided about one of its takes"
    elif now.result_id != seen.result_id:
        change = "a new result has come"
    else:
        change = "its points are judged otherwise, or one has failed"
    raise CommandError(f"{scan_words(scan)} has just changed: {change}. Nothing was done")


def _archive(act: Act, scan: ScanRecord, reason: str, *, override: bool) -> Outcome:
    offer = archive_offer(act.site.store, scan.scan_id)
    if offer is None:
        raise CommandError(f"there is no scan {scan.scan_id} any more")
    _refuse(why_not_archived(offer, reason, override=override))
    base, archive = _folders(act)
    name = act.site.layout(scan.scan_id).scan_name
    journey = Journey(base, archive, (MovedPart(name, ""),))
    return intend(act, scan, MoveAct.ARCHIVE, journey, reason=reason)


def _refuse(fault: str) -> None:
    if fault:
        raise CommandError(fault)


def _restore(act: Act, scan: ScanRecord, reason: str) -> Outcome:
    _refuse(why_not_scan(RestoreScan, scan))
    base, archive = _folders(act)
    name = act.site.layout(scan.scan_id).scan_name
    journey = Journey(archive, base, (MovedPart(name, ""),))
    return intend(act, scan, MoveAct.RESTORE, journey, reason=reason)


def _keep_aside(act: Act, scan: ScanRecord, reason: str) -> Outcome:
    _refuse(why_not_scan(KeepAside, scan))
    if not reason.strip():
        raise CommandError(f"say why {scan_words(scan)} is kept aside")
    base, _ = _folders(act)
    return intend(act, scan, MoveAct.KEEP_ASIDE, Journey(None, base), reason=reason)


def _no_longer_aside(act: Act, scan: ScanRecord, reason: str) -> Outcome:
    _refuse(why_not_scan(NoLongerAside, scan))
    base, _ = _folders(act)
    return intend(act, scan, MoveAct.NO_LONGER_ASIDE, Journey(None, base), reason=reason)


def _folders(act: Act) -> tuple[PurePosixPath, PurePosixPath]:
    section = act.site.config.site
    return section.base_folder, section.base_folder / section.archive_folder
