"""How answers and pages name a scan."""

from background_executor.records import ScanRecord
from server_side.scan import ScanKind

NAME_OF_KIND = {ScanKind.POSITION: "scan", ScanKind.HV: "HV check"}


def scan_words(scan: ScanRecord) -> str:
    """Name a scan as answers do."""
    return f"{NAME_OF_KIND[scan.kind]} {scan.scan_id} of {scan.serial_number}"
