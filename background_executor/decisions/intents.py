"""Commit to an act on the server; until it is finished its command stays in hand."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath

from background_executor.commanding import Act, Outcome
from background_executor.decisions import decision_queries
from background_executor.decisions.decision_records import (
    DecidedTake,
    MoveAct,
    MovedPart,
    NewMove,
)
from background_executor.decisions.receipt import receipt_name
from background_executor.errors import CommandError
from background_executor.records import ScanRecord
from background_executor.scan_words import scan_words
from background_executor.site import Site
from background_executor.writing import StoreWriter
from server_side.scan import zone_stamp


@dataclass(frozen=True)
class Journey:
    """What moves from where to where; without parts, only a receipt is written to the target."""

    source: PurePosixPath | None
    target: PurePosixPath
    parts: tuple[MovedPart, ...] = ()


@dataclass(frozen=True)
class Asked:
    """Who asked for an act, by which command, and when."""

    command_id: int
    """0 where nobody asked."""
    operator: str
    now: datetime


def intend(
    act: Act,
    scan: ScanRecord,
    what: MoveAct,
    journey: Journey,
    *,
    takes: tuple[DecidedTake, ...] = (),
    reason: str,
    comment: str = "",
) -> Outcome:
    """Return the outcome that commits to an act; it is carried out in the same turn."""
    asked = Asked(act.record.command_id, act.record.operator, act.now)
    words = {"reason": reason, "comment": comment}
    move = new_move(act.site, asked, scan, what, journey, takes=takes, **words)

    def change(writer: StoreWriter) -> None:
        writer.intend_move(move)

    return Outcome(f"{what.value} is being done", change, is_answered=False)


def new_move(
    site: Site,
    asked: Asked,
    scan: ScanRecord,
    what: MoveAct,
    journey: Journey,
    *,
    takes: tuple[DecidedTake, ...],
    reason: str,
    comment: str,
) -> NewMove:
    """Describe an act on the server, with the path of its receipt."""
    stamp = zone_stamp(asked.now, site.config.site.zone)
    return NewMove(
        site=site.name,
        scan_id=scan.scan_id,
        command_id=asked.command_id,
        act=what,
        source=str(journey.source) if journey.parts else "",
        target=str(journey.target) if journey.parts else "",
        parts=journey.parts,
        takes=takes,
        reason=reason,
        comment=comment,
        operator=asked.operator,
        receipt=str(journey.target / receipt_name(what, stamp, secrets.token_hex(4))),
    )


def refuse_while_moving(site: Site, scan: ScanRecord) -> None:
    """Let no two acts meet on one scan.

    Raises
    ------
    CommandError
        When one is being carried out.
    """
    for move in decision_queries.moves_in_progress(site.store, site.name):
        if move.scan_id == scan.scan_id:
            waits = f" ({move.message})" if move.message else ""
            raise CommandError(
                f"{scan_words(scan)} is in hand: {move.act.value} by {move.operator} since "
                f"{move.intended_at:%H:%M:%S} UTC{waits}; nothing was done, ask again after it"
            )
