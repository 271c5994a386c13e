"""Ask the executor for something and wait for its answer or for its scans."""

import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

from background_executor import queries
from background_executor.commands import Command
from background_executor.errors import CommandError
from background_executor.records import CommandState, ScanRecord, ScanState
from background_executor.store import Store

OPERATOR = "demo"
_LOOK_EVERY_S = 0.2


def ask(store: Store, site: str, command: Command, timeout_s: float = 60.0) -> str:
    """Enqueue a command and return the executor's answer.

    Raises
    ------
    CommandError
        When it was refused or not answered in time.
    """
    number = store.enqueue(site, command, OPERATOR, str(uuid.uuid4()), now=datetime.now(UTC))

    def answered() -> bool:
        record = queries.command(store, number)
        return record is not None and record.state in (CommandState.DONE, CommandState.REFUSED)

    if not wait_until(answered, timeout_s):
        raise CommandError(f"{command.kind} was not answered in {timeout_s:.0f} s")
    record = queries.command(store, number)
    if record is None or record.state is CommandState.REFUSED:
        raise CommandError(f"{command.kind} was refused: {record.answer if record else 'no row'}")
    return record.answer


def wait_until(is_so: Callable[[], bool], timeout_s: float) -> bool:
    """Look again and again until something is so; tell whether it became so in time."""
    deadline = time.monotonic() + timeout_s
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(_LOOK_EVERY_S)
    return True


def have_ended(store: Store, scans: tuple[ScanRecord, ...]) -> bool:
    """Tell whether none of the scans waits for points any more."""
    records = [queries.scan(store, scan.scan_id) for scan in scans]
    return all(record is not None and record.state is not ScanState.RUNNING for record in records)


def wait_while_points_come(store: Store, scans: tuple[ScanRecord, ...], patience_s: float) -> bool:
    """Wait for the end of scans however long it takes; False when nothing came for too long."""
    give_up, settled = time.monotonic() + patience_s, _settled_points(store, scans)
    while not have_ended(store, scans):
        if (count := _settled_points(store, scans)) != settled:
            give_up, settled = time.monotonic() + patience_s, count
        if time.monotonic() > give_up:
            return False
        time.sleep(_LOOK_EVERY_S)
    return True


def _settled_points(store: Store, scans: tuple[ScanRecord, ...]) -> int:
    records = [queries.scan(store, scan.scan_id) for scan in scans]
    return sum(record.points_stored + record.points_failed for record in records if record)
