"""A scan that was kept aside by mistake is had back: the next start sees to it again."""

from background_executor.commands import StartScan
from background_executor.decisions.decision_commands import KeepAside, NoLongerAside
from background_executor.records import ScanRecord, ScanState
from server_side.scan import Slot
from tests.background_executor.decisions.shift import Shift

START = StartScan(serial_number="KQ0146", slot=Slot.ONE)


def keep_aside(shift: Shift, scan: ScanRecord) -> None:
    seen = shift.seen_scan(scan)
    shift.done(KeepAside(scan_id=scan.scan_id, seen=seen, reason="for the experts"))


def no_longer_aside(shift: Shift, scan: ScanRecord) -> NoLongerAside:
    return NoLongerAside(scan_id=scan.scan_id, seen=shift.seen_scan(scan), reason="wrong scan")


def test_a_scan_that_was_kept_aside_by_mistake_is_archived_by_the_next_start(shift: Shift) -> None:
    scan = shift.complete_scan()
    keep_aside(shift, scan)
    assert "is no longer kept aside" in shift.done(no_longer_aside(shift, scan))
    assert not shift.bench.scan(scan).is_kept_aside
    receipt = shift.receipt()
    assert (receipt.act.value, receipt.reason) == ("no_longer_aside", "wrong scan")
    shift.done(START)
    assert shift.bench.scan(scan).state is ScanState.ARCHIVED
    aside = [act for act in shift.acts(scan) if "kept aside" in act]
    assert aside == ["scan kept aside", "scan no longer kept aside"]


def test_what_is_not_kept_aside_cannot_be_had_back(shift: Shift) -> None:
    scan = shift.complete_scan()
    assert "is not kept aside" in shift.refused(no_longer_aside(shift, scan))
