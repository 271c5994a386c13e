"""Carry out acts on the server: each is finished or rolled back, whatever dies when.

An act is committed before the server is touched. Then, in this order: its
folders are found and verified where they lie, the receipt is written, each folder
is renamed, the other side is verified, the receipt is completed; and in one
transaction the decisions come into force and the command is answered. After a
death every step is decided anew from where the folders lie: what was not renamed
is verified again and renamed, what was renamed is verified on the other side.
What cannot be done is undone by the same renames, backwards; which folders those
are is committed before the first one, so that nobody else's are touched
(``rolling_back``).
``pending_moves`` has who goes on with which act, and when.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import PurePosixPath

from background_executor import queries
from background_executor.commanding import Outcome
from background_executor.crash_points import MoveCrashPoint, reach
from background_executor.decisions import decision_queries
from background_executor.decisions.contents import (
    ExpectedTake,
    check_takes,
    compare_parts,
    hash_folders,
    part_of,
    size_of,
)
from background_executor.decisions.decision_records import MoveAct, MoveRecord, MoveState
from background_executor.decisions.receipt import ReceiptOutcome, ReceiptPart
from background_executor.decisions.receipts import read_receipt, write_receipt
from background_executor.decisions.rolling_back import begin_roll_back, roll_back
from background_executor.decisions.stop_records import write_stop_record
from background_executor.decisions.whereabouts import (
    Whereabouts,
    find_parts,
    refuse_astray,
)
from background_executor.errors import (
    RefusedError,
    RemoteFileError,
    UnreachableError,
    UntrustedFileError,
)
from background_executor.records import CommandState
from background_executor.site import Site

log = logging.getLogger(__name__)

Conclude = Callable[[Site, MoveRecord, datetime], Outcome]
"""Says what a verified act changes in the store, and the answer of its command."""

_WHOLE_SCANS = (MoveAct.ARCHIVE, MoveAct.RESTORE)


def carry_on(site: Site, move: MoveRecord, conclude: Conclude, now: datetime) -> None:
    """Finish an act, or roll it back.

    Raises
    ------
    TransportError
        When the server could not be asked: the act waits, and its row says so.
    """
    try:
        _carry_on(site, move, conclude, now)
    except (UnreachableError, RefusedError, RemoteFileError) as error:
        _note(site, move.move_id, f"it waits: {error}", now)
        raise


def _carry_on(site: Site, move: MoveRecord, conclude: Conclude, now: datetime) -> None:
    if move.state is MoveState.ROLLING_BACK:
        roll_back(site, move, move.message, now)
        return
    reach(MoveCrashPoint.INTENT_COMMITTED)
    try:
        if move.state is MoveState.INTENDED:
            _move(site, move, now)
            with site.store.writing(now) as writer:
                writer.advance_move(move.move_id, MoveState.MOVED)
            reach(MoveCrashPoint.MOVED_COMMITTED)
        _verify_target(site, move)
    except (RemoteFileError, UntrustedFileError) as error:
        begin_roll_back(site, move, str(error), now)
        return
    reach(MoveCrashPoint.TARGET_VERIFIED)
    _conclude(site, move, conclude, now)
    reach(MoveCrashPoint.ACT_COMMITTED)


def _move(site: Site, move: MoveRecord, now: datetime) -> None:
    """Verify the parts where they lie, write the receipt, and rename what is not renamed yet."""
    where = find_parts(site, move)
    if move.act is MoveAct.ARCHIVE and not (where.at_source or where.at_target):
        where = _make_folder(site, move)
    if move.act is MoveAct.ARCHIVE and where.at_source:
        _write_why_it_ended(site, move)
    refuse_astray(move, where)
    parts = _verify(site, move, where)
    reach(MoveCrashPoint.SOURCE_VERIFIED)
    write_receipt(site, move, ReceiptOutcome.INTENDED, parts)
    reach(MoveCrashPoint.RECEIPT_WRITTEN)
    _note_what_is_renamed(site, move, where, parts, now)
    source, target = PurePosixPath(move.source), PurePosixPath(move.target)
    for part in move.parts:
        if part.folder in where.at_source:
            site.transport.rename(source / part.folder, target / part.folder)
            reach(MoveCrashPoint.PART_RENAMED)
    reach(MoveCrashPoint.ALL_RENAMED)


def _note_what_is_renamed(
    site: Site,
    move: MoveRecord,
    where: Whereabouts,
    found: tuple[ReceiptPart, ...],
    now: datetime,
) -> None:
    """Commit to what this act renames, once: of that alone a roll-back may bring anything back."""
    if not move.parts or any(part.lay_at_source is not None for part in move.parts):
        return
    held = {part.folder: part for part in found}
    parts = tuple(
        replace(
            part,
            files=len(held[part.folder].files),
            size_bytes=held[part.folder].size_bytes,
            lay_at_source=part.folder in where.at_source,
        )
        for part in move.parts
    )
    with site.store.writing(now) as writer:
        writer.note_moved_parts(move.move_id, parts)


def _make_folder(site: Site, move: MoveRecord) -> Whereabouts:
    """Give a scan that ended before any job was asked for the folder that it never had."""
    if not decision_queries.stored_folders(site.store, move.scan_id):
        plan, layout = site.plan(move.scan_id), site.layout(move.scan_id)
        site.transport.write(layout.plan_file, plan.model_dump_json(indent=1).encode())
    return find_parts(site, move)


def _write_why_it_ended(site: Site, move: MoveRecord) -> None:
    """Put beside a stopped scan who stopped it and why: once it is archived nobody does."""
    scan = queries.scan(site.store, move.scan_id)
    if scan is not None:
        write_stop_record(site, scan)


def _verify(site: Site, move: MoveRecord, where: Whereabouts) -> tuple[ReceiptPart, ...]:
    """Check all parts, each on the side where it lies, and return what they hold."""
    parts: list[ReceiptPart] = []
    for side, names in ((move.source, where.at_source), (move.target, where.at_target)):
        base = PurePosixPath(side)
        present = [part for part in move.parts if part.folder in names]
        hashes = hash_folders(site, [base / part.folder for part in present])
        for part in present:
            held = hashes[base / part.folder]
            expected = _expected(site, move, part.folder, part.manifest_sha256)
            whole = {PurePosixPath(part.folder, path): digest for path, digest in held.items()}
            size = check_takes(site, base, whole, expected)
            if move.act in _WHOLE_SCANS:
                size = size_of(site, base / part.folder)
            parts.append(part_of(part.folder, held, size))
    return tuple(sorted(parts, key=lambda part: part.folder))


def _expected(site: Site, move: MoveRecord, folder: str, sha256: str) -> tuple[ExpectedTake, ...]:
    """Return what a part must hold: itself, or all takes of a scan that were not flagged."""
    if move.act not in _WHOLE_SCANS:
        return (ExpectedTake(PurePosixPath(folder), sha256),)
    flagged = decision_queries.flagged_takes(site.store, move.scan_id)
    serial_number = site.plan(move.scan_id).serial_number
    return tuple(
        ExpectedTake(PurePosixPath(folder, serial_number, stored.folder), stored.manifest_sha256)
        for stored in decision_queries.stored_folders(site.store, move.scan_id)
        if (stored.take.point.name, stored.take.take) not in flagged
    )


def _verify_target(site: Site, move: MoveRecord) -> None:
    """Check that all parts lie on the other side alone, and hold what they held; complete."""
    if not move.parts:
        write_receipt(site, move, ReceiptOutcome.DONE, ())
        return
    where = find_parts(site, move)
    refuse_astray(move, where)
    if where.at_source:
        raise UntrustedFileError(
            f"{', '.join(sorted(where.at_source))} is in {move.source} again: somebody moved it"
        )
    base = PurePosixPath(move.target)
    hashes = hash_folders(site, [base / part.folder for part in move.parts])
    before = read_receipt(site, move).parts
    sizes = {part.folder: part.size_bytes for part in before}
    after = tuple(
        part_of(part.folder, hashes[base / part.folder], sizes.get(part.folder, 0))
        for part in move.parts
    )
    if fault := compare_parts(before, after):
        raise UntrustedFileError(f"changed while it was moved: {fault}")
    write_receipt(site, move, ReceiptOutcome.DONE, before)


def _conclude(site: Site, move: MoveRecord, conclude: Conclude, now: datetime) -> None:
    """Bring the decisions into force and answer the command, in one transaction."""
    outcome = conclude(site, move, now)
    state = CommandState.REFUSED if outcome.is_refused else CommandState.DONE
    with site.store.writing(now) as writer:
        writer.advance_move(move.move_id, MoveState.VERIFIED, outcome.answer)
        outcome.change(writer)
        if move.command_id:
            writer.answer_command(move.command_id, state, outcome.answer)
    log.info("Move %d, %s: %s", move.move_id, move.act.value, outcome.answer)


def _note(site: Site, move_id: int, message: str, now: datetime) -> None:
    """Put beside an act what it waits for."""
    move = decision_queries.unfinished_move(site.store, site.name, move_id)
    if move.state is not MoveState.ROLLING_BACK:  # whose message says why
        with site.store.writing(now) as writer:
            writer.advance_move(move_id, move.state, message)
