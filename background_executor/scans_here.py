"""Which scan of this site a command is about, and whether another one has its place."""

from background_executor import queries
from background_executor.commanding import Act
from background_executor.errors import CommandError
from background_executor.records import ScanRecord
from background_executor.scan_words import scan_words
from background_executor.site import Site
from server_side.scan import ScanKind, Slot


def scan_here(act: Act, scan_id: str) -> ScanRecord:
    """Return a scan of this site.

    Raises
    ------
    CommandError
        When there is none.
    """
    scan = queries.scan(act.site.store, scan_id)
    if scan is None or scan.site != act.site.name:
        raise CommandError(f"no scan {scan_id} at site {act.site.name}")
    return scan


def refuse_when_busy(site: Site, kind: ScanKind, serial_number: str, slot: Slot) -> None:
    """Refuse to begin where another scan stands in the way.

    Raises
    ------
    CommandError
        When one runs in the slot, or of that PMT and kind.
    """
    for running in queries.running_scans(site.store, site.name):
        what = scan_words(running)
        place = f"runs in slot {running.slot} since {running.started_at:%Y-%m-%d %H:%M} UTC"
        if running.serial_number == serial_number and running.kind is kind:
            raise CommandError(f"{what} {place}: stop it first, or wait until it is complete")
        if running.slot == slot and running.serial_number != serial_number:
            raise CommandError(f"slot {slot.value} is taken: {what} {place}")
        if running.serial_number == serial_number and running.slot != slot:
            raise CommandError(f"{serial_number} cannot stand in slot {slot.value}: {what} {place}")
