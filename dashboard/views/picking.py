"""Which scans a page lets be chosen, and which one it shows."""

from dataclasses import dataclass

from background_executor import queries
from background_executor.imported import Provenance
from background_executor.records import ScanRecord
from background_executor.scan_filter import ScanFilter
from background_executor.store import Store
from dashboard.views.wording import kind_label, local_time

LISTED = 50
"""So many scans are listed until all are asked for."""


@dataclass(frozen=True)
class Choice:
    """The scans of a list, and the one of them that is shown."""

    scans: tuple[ScanRecord, ...]
    chosen: ScanRecord | None
    """The one that the address names, whatever its age, else the newest."""
    found: int
    """How many scans fit what is searched for; more than are listed, or fewer."""
    word: str
    """Why none is shown, or that none was found; empty otherwise."""


def read_choice(
    store: Store, site: str, filters: ScanFilter, *, address: str | None, is_all: bool
) -> Choice:
    """Read the scans to choose from; the shown one is among them.

    Parameters
    ----------
    address
        Id that the page's address names. Another scan is never shown in its place.
    is_all
        List all that fit, not only the newest.
    """
    listed = queries.scans(store, site, None if is_all else LISTED, wanted=filters)
    found = queries.count_scans(store, site, filters)
    word = "" if found else _none_found(filters)
    if not address:
        return Choice(listed, next(iter(listed), None), found, word)
    wanted = queries.scan(store, address)
    if fault := _why_not(wanted, address, site, filters):
        return Choice(listed, None, found, fault)
    if wanted is not None and all(scan.scan_id != address for scan in listed):
        listed = (wanted, *listed)
    return Choice(listed, wanted, found, word)


def describe_scan(scan: ScanRecord, zone: str) -> str:
    """Write a scan as a list of scans has it."""
    place = f"PMT {scan.slot}, " if scan.slot else ""
    state = "imported" if scan.provenance is Provenance.IMPORTED else scan.state.value
    aside = ", kept aside" if scan.is_kept_aside else ""
    return (
        f"{scan.serial_number}, {place}{kind_label(scan.kind)}, "
        f"{local_time(scan.started_at, zone)}, {state}{aside}, {scan.scan_id}"
    )


def _none_found(filters: ScanFilter) -> str:
    if filters.text:
        return f"No serial number has '{filters.text}' in it, and no id begins so."
    what = "scan" if filters.kind is None else kind_label(filters.kind)
    return f"No {what} yet: start one on the live page."


def _why_not(wanted: ScanRecord | None, address: str, site: str, filters: ScanFilter) -> str:
    """Say why the scan that an address names cannot be shown; empty when it can."""
    if wanted is None or wanted.site != site:
        return f"Site {site} knows no scan '{address[:40]}': choose one of the list."
    if filters.kind is not None and wanted.kind is not filters.kind:
        what, other = kind_label(wanted.kind), kind_label(filters.kind)
        return f"Scan {address} is a {what}, no {other}: the page of scans shows it."
    return ""
