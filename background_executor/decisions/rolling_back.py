"""Take acts on the server back that cannot be done: what they renamed, and nothing else.

After a call without an answer nobody knows what the server did. So it is looked at
before anything is said: an act that may have renamed something ends only when
its folders were found, and one whose receipt may count only when that is marked.
"""

import logging
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import PurePosixPath

from background_executor.crash_points import MoveCrashPoint, reach
from background_executor.decisions import decision_queries
from background_executor.decisions.decision_records import MoveRecord, MoveState
from background_executor.decisions.receipts import mark_rolled_back
from background_executor.decisions.whereabouts import find_parts
from background_executor.errors import NoAnswerError, RemoteFileError
from background_executor.records import CommandState
from background_executor.site import Site

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Ending:
    """What is known of the folders of an act that was not done."""

    state: MoveState
    words: str

    def adding(self, remark: str) -> "_Ending":
        """Say something more."""
        return replace(self, words=f"{self.words}{remark}")


def begin_roll_back(site: Site, move: MoveRecord, why: str, now: datetime) -> None:
    """Commit to taking an act back, and do it.

    Raises
    ------
    TransportError
        When the server could not be asked: the roll-back waits.
    """
    _commit(site, move, why, now)
    roll_back(site, move, why, now)


def roll_back(site: Site, move: MoveRecord, why: str, now: datetime) -> None:
    """Bring back what an act renamed; answer that nothing was done.

    Raises
    ------
    TransportError
        When the server could not be asked: the roll-back waits.
    """
    ending = _bring_back(site, move)
    _end(site, move, why, ending.adding(mark_rolled_back(site, move, why)), now)


def give_up(site: Site, move_id: int, why: str, now: datetime) -> bool:
    """Roll an act back that has renamed nothing yet; False where it is too late for that.

    Its receipt, if there is one, says that it was intended and so counts for nothing:
    without an answer it may stay unmarked. A rename without an answer may have been done,
    and is never given up: what an act renames is committed before. Nor is a flag of the
    executor's own, of what came late for a flagged take: nobody would ask for it again,
    and the late result would stay among the good ones.

    Raises
    ------
    TransportError
        When the server could not be asked: the roll-back waits.
    """
    move = decision_queries.unfinished_move(site.store, site.name, move_id)
    may_be_renamed = any(part.lay_at_source is not None for part in move.parts)
    if move.state is not MoveState.INTENDED or may_be_renamed or not move.command_id:
        return False
    _commit(site, move, why, now)
    ending = _bring_back(site, move)
    try:
        remark = mark_rolled_back(site, move, why)
    except NoAnswerError as error:
        remark = f" (whether its receipt says so is not known: {error})"
    _end(site, move, why, ending.adding(remark), now)
    return True


def _commit(site: Site, move: MoveRecord, why: str, now: datetime) -> None:
    with site.store.writing(now) as writer:
        writer.advance_move(move.move_id, MoveState.ROLLING_BACK, why)
    reach(MoveCrashPoint.ROLL_BACK_COMMITTED)


def _bring_back(site: Site, move: MoveRecord) -> _Ending:
    """Rename back what this act renamed; where that is nothing, nobody need say where it lies."""
    now = decision_queries.unfinished_move(site.store, site.name, move.move_id)
    ours = {part.folder for part in now.parts if part.lay_at_source}
    try:
        where = find_parts(site, move)
    except (RemoteFileError, NoAnswerError) as error:
        if ours:
            raise
        words = f"it renamed nothing; where its folders lie could not be looked at: {error}"
        return _Ending(MoveState.ROLLED_BACK, words)
    source, target = PurePosixPath(move.source), PurePosixPath(move.target)
    for name in sorted((where.at_target & ours) - where.at_source):
        site.transport.rename(target / name, source / name)
        reach(MoveCrashPoint.PART_RENAMED_BACK)
    if lost := where.lacks(move):
        return _Ending(MoveState.FAILED, f"look for {', '.join(lost)}")
    return _Ending(MoveState.ROLLED_BACK, "everything lies where it lay")


def _end(site: Site, move: MoveRecord, why: str, ending: _Ending, now: datetime) -> None:
    answer = f"{move.act.value} was not done: {why}; {ending.words}"
    with site.store.writing(now) as writer:
        writer.advance_move(move.move_id, ending.state, answer)
        if move.command_id:
            writer.answer_command(move.command_id, CommandState.REFUSED, answer)
    log.warning("Move %d, %s", move.move_id, answer)
