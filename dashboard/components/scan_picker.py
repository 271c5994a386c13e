"""Which scan a page shows; the choice lives in the address."""

import streamlit as st

from background_executor.imported import Provenance
from background_executor.records import ScanRecord
from dashboard.views.wording import kind_label, local_time


def pick_scan(scans: tuple[ScanRecord, ...], zone: str) -> ScanRecord | None:
    """Let a scan be chosen; the one in the address first, else the newest."""
    if not scans:
        return None
    ids = [scan.scan_id for scan in scans]
    wanted = st.query_params.get("scan")
    labels = {scan.scan_id: _describe(scan, zone) for scan in scans}
    chosen = st.selectbox(
        "Scan",
        ids,
        index=ids.index(wanted) if wanted in ids else 0,
        format_func=labels.__getitem__,
        label_visibility="collapsed",
    )
    if chosen != wanted:
        st.query_params["scan"] = chosen
    return next(scan for scan in scans if scan.scan_id == chosen)


def _describe(scan: ScanRecord, zone: str) -> str:
    place = f"PMT {scan.slot}, " if scan.slot else ""
    is_imported = scan.provenance is Provenance.IMPORTED
    state = "imported" if is_imported else scan.state.value
    aside = ", kept aside" if scan.is_kept_aside else ""
    return (
        f"{scan.serial_number}, {place}{kind_label(scan.kind)}, "
        f"{local_time(scan.started_at, zone)}, {state}{aside}"
    )
