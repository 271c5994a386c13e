"""Scans and their points: made from the plan, moved on by what is heard."""

from typing import Any

import sqlalchemy as sa

from background_executor import tables
from background_executor.records import PointState, ScanState
from background_executor.states import POINT_TRANSITIONS, SCAN_TRANSITIONS, check_transition
from background_executor.writing.transaction import Transaction, point_subject
from server_side.scan import Point, ScanPlan

RESUMED = "scan resumed"
"""Act of the event by which an operator's word to go on is found again."""

ARCHIVED = f"scan {ScanState.ARCHIVED.value}"
"""Act of the event that says what a scan was before it was archived."""


def scan_subject(scan_id: str) -> str:
    """Name a scan as the audit does."""
    return f"scan {scan_id}"


def is_in_hand(point: sa.Row[Any], take: int) -> bool:
    """Tell whether a take is what its point shows: its newest, with no retake asked for since."""
    return take == point.take and point.awaits_take is None


class ScanWriting(Transaction):
    """Changes of scans, points and takes."""

    def add_scan(self, plan: ScanPlan, actor: str) -> None:
        """Add a scan with all its points expected; its plan never changes after."""
        key = {"scan_id": plan.scan_id}
        if self.find(tables.scans, key) is not None:
            return
        values = {
            "site": plan.site,
            "kind": plan.kind,
            "serial_number": plan.serial_number,
            "slot": int(plan.slot),
            "state": ScanState.RUNNING,
            "started_at": plan.started_at,
            "updated_at": self.now,
            "plan": plan.model_dump_json(),
        }
        self.insert(tables.scans, key | values)
        for ordinal, point in enumerate(plan.points):
            place = {"point": point.name, "site": plan.site, "ordinal": ordinal}
            state = {"state": PointState.EXPECTED, "updated_at": self.now}
            self.insert(tables.points, key | place | state)
        what = f"{plan.kind} scan of {plan.serial_number} in slot {plan.slot.value}"
        self.add_event(plan.site, actor, scan_subject(plan.scan_id), "scan started", after=what)

    def set_scan_state(self, scan_id: str, state: ScanState, actor: str, reason: str = "") -> None:
        """Move a scan to a state; the reason becomes its message.

        To the archive and back it keeps its message: where it lies says nothing of how it ended.

        Raises
        ------
        StoreError
            When the scan is unknown, or may not move there.
        """
        key = {"scan_id": scan_id}
        row = self.get(tables.scans, key)
        if not check_transition(scan_subject(scan_id), SCAN_TRANSITIONS, row.state, state):
            return
        is_open = state is ScanState.RUNNING
        ended_at = None if is_open else (row.ended_at or self.now)
        message = row.message if ScanState.ARCHIVED in (row.state, state) else reason
        values = {"state": state, "message": message, "ended_at": ended_at, "updated_at": self.now}
        self.update(tables.scans, key, values)
        self.add_move(row.site, scan_subject(scan_id), row.state, state, actor=actor, reason=reason)

    def note_resumed(self, scan_id: str, operator: str, reason: str) -> None:
        """Write into the audit that an operator asked to go on with a scan that lost its job."""
        row = self.get(tables.scans, {"scan_id": scan_id})
        subject = scan_subject(scan_id)
        self.add_event(row.site, operator, subject, RESUMED, before=row.message, reason=reason)

    def set_scan_message(self, scan_id: str, message: str) -> None:
        """Put a question or remark beside a scan's state."""
        row = self.get(tables.scans, {"scan_id": scan_id})
        if row.message == message:
            return
        values = {"message": message, "updated_at": self.now}
        self.update(tables.scans, {"scan_id": scan_id}, values)
        words = {"before": row.message, "after": message}
        self.add_event(row.site, "executor", scan_subject(scan_id), "scan message", **words)

    def upsert_take(
        self, scan_id: str, point: Point, take: int, folder: str = "", generation: str = ""
    ) -> None:
        """Note that a take of a point exists; a newer one becomes the point's own."""
        row = self.get(tables.points, {"scan_id": scan_id, "point": point.name})
        key = {"scan_id": scan_id, "point": point.name, "take": take}
        origin = {"folder": folder, "generation": generation}
        known = self.find(tables.takes, key)
        if known is None:
            self.insert(tables.takes, key | origin | {"site": row.site, "seen_at": self.now})
            subject = point_subject(scan_id, point.name)
            self.add_event(row.site, "executor", subject, f"take {take} seen", after=folder)
        elif folder and not known.folder:
            self.update(tables.takes, key, origin)
        if row.take is None or take > row.take:
            fresh = {"take": take, "tries": 0, "error": "", "updated_at": self.now}
            if row.awaits_take is not None and take >= row.awaits_take:
                fresh |= {"awaits_take": None, "awaits_since": None}
            self.update(tables.points, {"scan_id": scan_id, "point": point.name}, fresh)

    def advance_point(
        self,
        scan_id: str,
        point: Point,
        state: PointState,
        *,
        error: str | None = None,
        tries: int | None = None,
        job: str | None = None,
    ) -> None:
        """Move a point to a state, and note its error and tries where given.

        Raises
        ------
        StoreError
            When the point is unknown, or may not move there.
        """
        key = {"scan_id": scan_id, "point": point.name}
        row = self.get(tables.points, key)
        subject = point_subject(scan_id, point.name)
        moved = check_transition(subject, POINT_TRANSITIONS, row.state, state)
        values = {
            "state": state,
            "error": row.error if error is None else error,
            "tries": row.tries if tries is None else tries,
        }
        if not moved and (values["error"], values["tries"]) == (row.error, row.tries):
            return
        self.update(tables.points, key, values | {"updated_at": self.now})
        if moved:
            self.add_move(row.site, subject, row.state, state, reason=error or "", job=job)
