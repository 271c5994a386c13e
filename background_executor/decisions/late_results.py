"""Results that come of a take after it was flagged: a flag is about the take, so they follow it."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

from background_executor import queries
from background_executor.decisions import decision_queries
from background_executor.decisions.decision_queries import FlaggedFolder, TakeRecord
from background_executor.decisions.decision_records import (
    DecidedTake,
    MoveAct,
    MovedPart,
    MoveRecord,
    MoveState,
)
from background_executor.decisions.intents import Asked, Journey, new_move
from background_executor.site import Site
from background_executor.store import Store

EXECUTOR = "executor"
"""Who acts where nobody asked."""
_SIDES = (MoveAct.FLAG, MoveAct.UNFLAG)
_NOT_DONE = (MoveState.ROLLED_BACK, MoveState.FAILED)

TakeKey = tuple[str, str, int]
"""Scan, point and number of a take."""


def intend_late_flags(site: Site, now: datetime) -> None:
    """Let results follow that were made of a take after it was flagged: a flag is about all."""
    for (scan_id, point, number), parts in late_parts(site.store, site.name).items():
        takes = decision_queries.takes_of_scan(site.store, scan_id)
        (take,) = (each for each in takes if (each.point.name, each.take) == (point, number))
        moving = decision_queries.moves_in_progress(site.store, site.name)
        if not take.is_coming and not any(move.scan_id == scan_id for move in moving):
            _intend(site, take, parts, now)


def late_parts(store: Store, site: str) -> Mapping[TakeKey, tuple[MovedPart, ...]]:
    """Return the folders of flagged takes that no act has brought to the flag folder.

    Not by time, which a result that is stored while its take is being flagged has on
    neither side, and which a store that was made again does not have. What could not
    be moved once is left to people: its act says why.
    """
    late: dict[TakeKey, list[MovedPart]] = defaultdict(list)
    history: dict[str, tuple[MoveRecord, ...]] = {}
    for folder in decision_queries.flagged_folders(store, site):
        if folder.scan_id not in history:
            history[folder.scan_id] = decision_queries.moves_of_scan(store, folder.scan_id)
        if not _was_brought_away(folder, history[folder.scan_id]):
            key = (folder.scan_id, folder.point, folder.take)
            late[key].append(MovedPart(folder.folder, folder.manifest_sha256))
    return {
        key: tuple(parts)
        for key, parts in late.items()
        if not _could_not_be_done(parts, history[key[0]])
    }


def _was_brought_away(folder: FlaggedFolder, newest_first: tuple[MoveRecord, ...]) -> bool:
    for move in newest_first:
        is_about = any(part.folder == folder.folder for part in move.parts)
        if is_about and move.act in _SIDES and move.state is MoveState.VERIFIED:
            return move.act is MoveAct.FLAG
    return False


def _could_not_be_done(parts: list[MovedPart], newest_first: tuple[MoveRecord, ...]) -> bool:
    """Tell whether the last try with the same folders was in vain: it would be every time."""
    names = {part.folder for part in parts}
    for move in newest_first:
        if move.act in _SIDES and names & {part.folder for part in move.parts}:
            is_same = move.act is MoveAct.FLAG and names == {part.folder for part in move.parts}
            return is_same and move.state in _NOT_DONE
    return False


def _intend(site: Site, take: TakeRecord, parts: tuple[MovedPart, ...], now: datetime) -> None:
    scan, decision = queries.scan(site.store, take.scan_id), take.decision
    if scan is None or decision is None:
        return
    layout = site.layout(take.scan_id)
    there = layout.flagged_folder(site.config.site.flag_folder)
    move = new_move(
        site,
        Asked(0, EXECUTOR, now),
        scan,
        MoveAct.FLAG,
        Journey(layout.results_folder, there, parts),
        takes=(DecidedTake(take.point, take.take),),
        reason=decision.reason,
        comment=f"revision {take.revision} came after {decision.operator} flagged the take",
    )
    with site.store.writing(now) as writer:
        writer.intend_move(move)
