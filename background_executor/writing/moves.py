"""Acts on the server and what they decide: intended, moved on, concluded; retakes and clean-ups."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter

from background_executor import tables
from background_executor.decisions.decision_records import (
    FINISHED_MOVE_STATES,
    DecidedTake,
    DecisionKind,
    MovedPart,
    MoveState,
    NewMove,
)
from background_executor.records import PointState, ScanState
from background_executor.states import MOVE_TRANSITIONS, check_transition
from background_executor.writing.results import ResultWriting
from background_executor.writing.scans import scan_subject
from background_executor.writing.transaction import point_subject
from server_side.scan import Point

PARTS: TypeAdapter[tuple[MovedPart, ...]] = TypeAdapter(tuple[MovedPart, ...])
TAKES: TypeAdapter[tuple[DecidedTake, ...]] = TypeAdapter(tuple[DecidedTake, ...])

_MEASURED = (PointState.STORED, PointState.FAILED)
_ENDS = (ScanState.COMPLETE, ScanState.STOPPED)
_BACK_IN_FORCE = "back in force"


@dataclass(frozen=True)
class CountedCopies:
    """How many local copies a clean-up would take, and which scans keep theirs and why."""

    older_than_days: int | None
    folders: int
    size_bytes: int
    kept: str


class MoveWriting(ResultWriting):
    """Changes of acts on the server, of retakes and of clean-ups."""

    def intend_move(self, move: NewMove) -> int:
        """Commit to an act before the server is touched, and return its number."""
        values = {
            "site": move.site,
            "scan_id": move.scan_id,
            "command_id": move.command_id,
            "act": move.act,
            "state": MoveState.INTENDED,
            "source": move.source,
            "target": move.target,
            "parts": PARTS.dump_json(move.parts).decode(),
            "takes": TAKES.dump_json(move.takes).decode(),
            "reason": move.reason,
            "comment": move.comment,
            "operator": move.operator,
            "receipt": move.receipt,
            "message": "",
            "intended_at": self.now,
        }
        number = self.insert(tables.moves, values)
        self.add_event(
            move.site,
            move.operator,
            scan_subject(move.scan_id),
            f"{move.act.value} intended",
            after=f"move {number}: {_in_words(move)}",
            reason=_why(move.reason, move.comment),
        )
        return number

    def advance_move(self, move_id: int, state: MoveState, message: str = "") -> None:
        """Move an act to a state, with what it waits for or how it ended.

        Raises
        ------
        StoreError
            When it is unknown, or may not go there.
        """
        key = {"move_id": move_id}
        row = self.get(tables.moves, key)
        moved = check_transition(f"move {move_id}", MOVE_TRANSITIONS, row.state, state)
        if not moved and row.message == message:
            return
        finished_at = self.now if state in FINISHED_MOVE_STATES else None
        values = {"state": state, "message": message, "finished_at": finished_at}
        self.update(tables.moves, key, values)
        if moved:
            subject = f"move {move_id} of {scan_subject(row.scan_id)}"
            self.add_move(row.site, subject, row.state, state, reason=message)

    def note_moved_parts(self, move_id: int, parts: tuple[MovedPart, ...]) -> None:
        """Note before the first rename which parts of an act lie where it takes them from."""
        self.update(tables.moves, {"move_id": move_id}, {"parts": PARTS.dump_json(parts).decode()})

    def take_flag_back(
        self, scan_id: str, point: Point, take: int, *, reason: str, comment: str, operator: str
    ) -> None:
        """Take a flag back; what was decided about the take before it is in force again."""
        former = self._before_flag(scan_id, point, take)
        words = {"reason": reason, "comment": comment, "operator": operator}
        self.add_decision(scan_id, point, take, None, **words)
        if former is None or former.decision is None:
            return
        # By whom and when it was decided stays: who takes the flag back decides nothing else.
        values = {name: value for name, value in former._asdict().items() if name != "decision_id"}
        if not former.comment.startswith(_BACK_IN_FORCE):
            values["comment"] = ": ".join(filter(None, (_BACK_IN_FORCE, former.comment)))
        self.insert(tables.decisions, values)
        subject, decision = point_subject(scan_id, point.name), former.decision.value
        why = f"{_BACK_IN_FORCE}, as {former.operator} decided: {former.reason}"
        act = f"take {take} {decision}"
        self.add_event(former.site, operator, subject, act, after=decision, reason=why)

    def _before_flag(self, scan_id: str, point: Point, take: int) -> sa.Row[Any] | None:
        """Return the newest step in the history of a take that is no flag."""
        columns = tables.decisions.c
        statement = sa.select(tables.decisions).where(
            columns.scan_id == scan_id, columns.point == point.name, columns.take == take
        )
        for row in self.select(statement.order_by(columns.decision_id.desc())):
            if row.decision is not DecisionKind.FLAGGED:
                return row
        return None

    def ask_retake(self, scan_id: str, point: Point, take: int, operator: str, reason: str) -> bool:
        """Open a measured point again for the take after this one; False when it is open."""
        key = {"scan_id": scan_id, "point": point.name}
        row = self.get(tables.points, key)
        if row.take != take or row.awaits_take is not None or row.state not in _MEASURED:
            return False
        awaits = {"awaits_take": take + 1, "awaits_since": self.now, "updated_at": self.now}
        self.update(tables.points, key, awaits)
        self.advance_point(scan_id, point, PointState.EXPECTED)
        subject, after = point_subject(scan_id, point.name), f"take {take + 1} is waited for"
        self.add_event(row.site, operator, subject, "retake asked", after=after, reason=reason)
        return True

    def withdraw_retake(self, scan_id: str, point: Point, operator: str, reason: str) -> bool:
        """Close a point again whose retake has no data yet; False when there is none."""
        key = {"scan_id": scan_id, "point": point.name}
        row = self.get(tables.points, key)
        if row.awaits_take is None or row.state is not PointState.EXPECTED:
            return False
        awaits = {"awaits_take": None, "awaits_since": None, "updated_at": self.now}
        self.update(tables.points, key, awaits)
        result = self.find(tables.results, key | {"take": row.take})
        if result is not None:
            self.advance_point(scan_id, point, PointState.PUBLISHED)
        self.advance_point(scan_id, point, PointState.STORED if result else PointState.FAILED)
        subject, before = point_subject(scan_id, point.name), f"take {row.awaits_take} waited for"
        self.add_event(
            row.site, operator, subject, "retake withdrawn", before=before, reason=reason
        )
        return True

    def open_scan(self, scan_id: str, operator: str, reason: str) -> None:
        """Let a finished scan wait for points again."""
        state = self.get(tables.scans, {"scan_id": scan_id}).state
        if state in (ScanState.COMPLETE, ScanState.STOPPED):
            self.set_scan_state(scan_id, ScanState.RUNNING, operator, reason)

    def close_again(self, scan_id: str, operator: str, reason: str) -> None:
        """Bring a scan that a retake had opened back to what it was, once nothing is open any more.

        What it was stands in the audit, which holds every state with its reason and time.
        """
        key = {"scan_id": scan_id}
        row, opened = self.get(tables.scans, key), self._last_event(scan_id, tuple(ScanState))
        if row.state is not ScanState.RUNNING or opened is None or self._is_at_work(scan_id):
            return
        before = ScanState(opened.before) if opened.before else ScanState.RUNNING
        # Not where it came back from the archive, which was not its end.
        ended = self._last_event(scan_id, _ENDS, before=ScanState.RUNNING)
        if before is ScanState.RUNNING or ended is None:
            return
        values = {"state": before, "message": ended.reason, "ended_at": ended.at}
        self.update(tables.scans, key, values | {"updated_at": self.now})
        words = {"before": row.state.value, "after": before.value, "reason": reason}
        # No end of its own: that stays the one it had, however often a retake is taken back.
        act = f"scan {before.value} again"
        self.add_event(row.site, operator, scan_subject(scan_id), act, **words)

    def _last_event(
        self, scan_id: str, states: Sequence[ScanState], *, before: ScanState | None = None
    ) -> sa.Row[Any] | None:
        """Return the newest line of the audit that tells of a scan going to one of these states."""
        events, acts = tables.events.c, [f"scan {state.value}" for state in states]
        of_scan = [events.subject == scan_subject(scan_id), events.act.in_(acts)]
        if before is not None:
            of_scan.append(events.before == before.value)
        statement = sa.select(tables.events).where(*of_scan).order_by(events.event_id.desc())
        return self.select(statement.limit(1)).first()

    def _is_at_work(self, scan_id: str) -> bool:
        """Tell whether a retake of a scan is waited for or has data in hand."""
        points = tables.points.c
        in_hand = sa.and_(points.take.is_not(None), points.state.not_in(_MEASURED))
        statement = sa.select(points.point).where(
            points.scan_id == scan_id, points.awaits_take.is_not(None) | in_hand
        )
        return self.select(statement.limit(1)).first() is not None

    def keep_aside(self, scan_id: str, operator: str, reason: str, *, is_aside: bool) -> None:
        """Put a scan out of the way of the next one of its PMT, or back."""
        key = {"scan_id": scan_id}
        row = self.get(tables.scans, key)
        if row.is_kept_aside == is_aside:
            return
        self.update(tables.scans, key, {"is_kept_aside": is_aside, "updated_at": self.now})
        act = "scan kept aside" if is_aside else "scan no longer kept aside"
        self.add_event(row.site, operator, scan_subject(scan_id), act, reason=reason)

    def count_copies(
        self, site: str, command_id: int, operator: str, counted: CountedCopies
    ) -> None:
        """Note what a clean-up would take."""
        values = {
            "site": site,
            "command_id": command_id,
            "older_than_days": counted.older_than_days,
            "folders": counted.folders,
            "size_bytes": counted.size_bytes,
            "kept": counted.kept,
            "operator": operator,
            "counted_at": self.now,
        }
        self.insert(tables.clean_ups, values)

    def note_trashed(self, site: str, command_id: int, operator: str, folders: int) -> None:
        """Note that the copies of a count are in the trash."""
        self.update(tables.clean_ups, {"command_id": command_id}, {"trashed_at": self.now})
        subject, after = f"clean-up {command_id}", f"{folders} local copies"
        self.add_event(site, operator, subject, "local copies to trash", after=after)

    def note_trash_emptied(self, site: str, command_id: int) -> None:
        """Note that the time of the copies in the trash was over."""
        self.update(tables.clean_ups, {"command_id": command_id}, {"deleted_at": self.now})
        self.add_event(site, "executor", f"clean-up {command_id}", "trash emptied")


def take_words(takes: Sequence[DecidedTake]) -> str:
    """Name the takes that an act is about."""
    return ", ".join(f"{each.point.name} take {each.take}" for each in takes)


def _in_words(move: NewMove) -> str:
    what = take_words(move.takes) or f"scan {move.scan_id}"
    if not move.parts:
        return what
    folders = ", ".join(part.folder for part in move.parts)
    return f"{what}: {folders} from {move.source} to {move.target}"


def _why(reason: str, comment: str) -> str:
    return f"{reason}: {comment}" if comment else reason
