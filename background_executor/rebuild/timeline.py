"""What people did with a scan, done again in its order: stopped, decided, moved, restored."""

import logging
from collections.abc import Sequence
from datetime import datetime

from background_executor import queries
from background_executor.decisions.decision_records import (
    DecidedTake,
    MoveAct,
    MovedPart,
    MoveRecord,
    MoveState,
)
from background_executor.decisions.outcomes import conclude
from background_executor.decisions.receipt import Receipt, ReceiptOutcome
from background_executor.decisions.stop_records import StopRecord
from background_executor.errors import CommandError, StoreError
from background_executor.jobs.successors import settle_scans
from background_executor.rebuild.server_scans import FoundReceipt
from background_executor.records import ENDED_JOB_STATES, JobState, ScanState
from background_executor.site import Site
from server_side.layout import MANIFEST_FILE

log = logging.getLogger(__name__)

NO_COMMAND = 0
"""Commands are not on the server; none has this number."""


def retell(
    site: Site,
    scan_id: str,
    stops: Sequence[StopRecord],
    receipts: Sequence[FoundReceipt],
    now: datetime,
) -> list[str]:
    """Do again what was done with a scan, each at its own time; returns what is to be looked at."""
    done = [found for found in receipts if found.receipt.outcome is ReceiptOutcome.DONE]
    notes = [
        f"{found.path} says that an act was intended and never completed: look where its folders "
        "lie"
        for found in receipts
        if found.receipt.outcome is ReceiptOutcome.INTENDED
    ]
    steps: list[tuple[datetime, StopRecord | FoundReceipt]] = [
        *((stop.stopped_at, stop) for stop in stops),
        *((found.receipt.decided_at, found) for found in done),
    ]
    for at, step in sorted(steps, key=lambda each: each[0]):
        try:
            if isinstance(step, StopRecord):
                _stop(site, step)
            else:
                _conclude(site, step, now)
        except (StoreError, CommandError) as error:
            notes.append(f"scan {scan_id}, {at:%Y-%m-%d %H:%M:%S} UTC: {error}")
    settle_scans(site, now, {})
    return notes


def _stop(site: Site, stop: StopRecord) -> None:
    with site.store.writing(stop.stopped_at) as writer:
        writer.set_scan_state(stop.scan_id, ScanState.STOPPED, stop.operator, stop.reason)


def _conclude(site: Site, found: FoundReceipt, now: datetime) -> None:
    """Put a completed act into the store as its executor did."""
    receipt = found.receipt
    if receipt.act is MoveAct.ARCHIVE:
        _close(site, receipt, now)
    move = _move_of(found)
    outcome = conclude(site, move, receipt.decided_at)
    with site.store.writing(receipt.decided_at) as writer:
        number = writer.intend_move(move)
        writer.advance_move(number, MoveState.MOVED)
        writer.advance_move(number, MoveState.VERIFIED)
        outcome.change(writer)


def _close(site: Site, receipt: Receipt, now: datetime) -> None:
    """Bring a scan that was archived to its end before: nothing of it can run any more."""
    jobs = queries.jobs(site.store, receipt.scan_id)
    with site.store.writing(now) as writer:
        for job in jobs:
            if job.state not in ENDED_JOB_STATES:
                writer.advance_job(job.job, JobState.LOST, message="its scan was archived")
                writer.close_journal(job.job)
    settle_scans(site, now, {})
    scan = queries.scan(site.store, receipt.scan_id)
    if scan is not None and scan.state is ScanState.RUNNING:
        with site.store.writing(receipt.decided_at) as writer:
            reason = "it was archived before all its points were done"
            writer.set_scan_state(scan.scan_id, ScanState.STOPPED, receipt.operator, reason)


def _move_of(found: FoundReceipt) -> MoveRecord:
    receipt = found.receipt
    return MoveRecord(
        move_id=0,
        site=receipt.site,
        scan_id=receipt.scan_id,
        command_id=NO_COMMAND,
        act=receipt.act,
        state=MoveState.MOVED,
        source=receipt.source,
        target=receipt.target,
        parts=_parts_of(receipt),
        takes=tuple(DecidedTake(e.point, e.take, e.retake) for e in receipt.takes),
        reason=receipt.reason,
        comment=receipt.comment,
        operator=receipt.operator,
        receipt=str(found.path),
        message="",
        intended_at=receipt.decided_at,
        finished_at=None,
    )


def _parts_of(receipt: Receipt) -> tuple[MovedPart, ...]:
    return tuple(
        MovedPart(
            folder=part.folder,
            manifest_sha256=next((f.sha256 for f in part.files if f.path == MANIFEST_FILE), ""),
            files=len(part.files),
            size_bytes=part.size_bytes,
        )
        for part in receipt.parts
    )
