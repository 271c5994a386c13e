"""What may be done with a whole scan: stop it, have it go on, archive it.

Keeping it aside and bringing it back stand on the page of scans.
"""

import streamlit as st

from background_executor.commands import ResumeScan, StopScan
from background_executor.decisions.decision_queries import seen_scan
from dashboard.asking import ask
from dashboard.components.archive_drawer import archive_drawer
from dashboard.components.drawers import open_drawer
from dashboard.components.markup import paragraph
from dashboard.site import OpenSite
from dashboard.views.live import SlotView
from dashboard.views.slots import ScanView


def scan_acts(site: OpenSite, view: SlotView, scan: ScanView, operator: str) -> None:
    """Offer what a scan is open to now."""
    slot = view.slot.value
    if view.awaits_operator and st.button(
        "Continue", key=f"continue{slot}", type="primary", disabled=not operator
    ):
        ask(site.store, site.name, ResumeScan(scan_id=scan.scan_id), operator)
    if scan.is_running:
        _stop(site, slot, scan, operator)
        return
    if st.button("Archive", key=f"archive{slot}", disabled=not operator):
        content = archive_drawer(scan.scan_id, seen_scan(site.store, scan.scan_id))
        open_drawer(f"Archive {scan.title} of {scan.serial_number}", content)


def _stop(site: OpenSite, slot: int, scan: ScanView, operator: str) -> None:
    with st.popover("Stop", key=f"stop{slot}", disabled=not operator):
        question = f"End the {scan.title} of {scan.serial_number}? What was measured stays."
        st.html(paragraph(question))
        reason = st.text_input("Reason", key=f"stop-reason{slot}", max_chars=200)
        if st.button("Stop it", key=f"stop-sure{slot}", type="primary"):
            command = StopScan(scan_id=scan.scan_id, reason=reason or "")
            ask(site.store, site.name, command, operator)
