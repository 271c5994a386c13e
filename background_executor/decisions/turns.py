"""Whose turn it is: decisions about one scan are carried out one after the other."""

from pydantic import ValidationError

from background_executor import queries
from background_executor.commands import (
    COMMAND,
    Command,
    ProcessExisting,
    StartHvCheck,
    StartScan,
)
from background_executor.decisions import decision_queries
from background_executor.decisions.decision_commands import ScanCommand, TakesCommand
from background_executor.records import CommandRecord, ScanRecord
from background_executor.site import Site
from server_side.scan import ScanKind


def waiting_their_turn(site: Site) -> frozenset[int]:
    """Return the open commands that are about a scan at which an act is under way.

    Only while that act goes on: behind one that waits for something itself they are
    claimed, and refused with what it waits for.
    """
    moving = decision_queries.moves_in_progress(site.store, site.name)
    found = (queries.scan(site.store, move.scan_id) for move in moving if not move.message)
    scans = [scan for scan in found if scan is not None]
    if not scans:
        return frozenset()
    return frozenset(
        record.command_id
        for record in queries.open_commands(site.store, site.name)
        if any(_is_about(record, scan) for scan in scans)
    )


def _is_about(record: CommandRecord, scan: ScanRecord) -> bool:
    try:
        command: Command = COMMAND.validate_json(record.arguments)
    except ValidationError:
        return False  # it is refused when it is claimed
    if isinstance(command, TakesCommand | ScanCommand):
        return command.scan_id == scan.scan_id
    if isinstance(command, StartScan | StartHvCheck | ProcessExisting):
        # It sends the one before away.
        is_same_pmt = command.serial_number == scan.serial_number
        return is_same_pmt and _kind_of(command) is scan.kind
    return False


def _kind_of(command: StartScan | StartHvCheck | ProcessExisting) -> ScanKind:
    if isinstance(command, ProcessExisting):
        return ScanKind(command.scan_kind)
    return ScanKind.POSITION if isinstance(command, StartScan) else ScanKind.HV
