"""The drawers about judging: make a scan a reference, and judge stored results again."""

from enum import StrEnum

import streamlit as st

from background_executor.judging.quality_commands import JudgeAgain, MakeReference
from background_executor.judging.reference import ReferenceKind
from background_executor.records import ScanRecord
from dashboard.asking import ask
from dashboard.components.archive_drawer import NO_REASON, ask_reason
from dashboard.components.drawers import Content
from dashboard.components.markup import paragraph
from dashboard.components.plain import plain
from dashboard.site import OpenSite


class ReferenceSource(StrEnum):
    """Whose spectra become the reference."""

    SCAN = "this scan, position by position"
    """Complete and without poor points."""
    TEMPLATE = "the shipped template, one spectrum for all positions"
    """Until a scan is certified good."""


def reference_drawer(scan: ScanRecord) -> Content:
    """Return the drawer that makes a scan, or the template, the reference of a PMT or a type."""

    def content(site: OpenSite, operator: str) -> None:
        pmt_type = plain(site.config.health.pmt_type)
        words = {
            ReferenceKind.PMT: f"of {plain(scan.serial_number)} alone",
            ReferenceKind.TYPE: f"of every {pmt_type} without one of its own",
        }
        st.html(
            paragraph(
                "Spectra measured from now on are compared to it. A scan must be complete and "
                "without poor points. Earlier versions stay on record."
            )
        )
        source = st.radio("Spectra", list(ReferenceSource), key="reference-source")
        kinds = list(ReferenceKind)
        of = st.radio("Reference", kinds, format_func=words.__getitem__, key="reference-of")
        comment = ask_reason("reference-comment", is_needed=False)
        if st.button("Make it the reference", key="reference-sure", type="primary"):
            chosen = ReferenceKind(str(of)), ReferenceSource(str(source))
            command = reference_command(scan, *chosen, comment)
            ask(site.store, site.name, command, operator)
            st.rerun()

    return content


def reference_command(
    scan: ScanRecord, of: ReferenceKind, source: ReferenceSource, comment: str
) -> MakeReference:
    """Return what is asked for: the template belongs to no PMT, so the scan's is named."""
    if source is ReferenceSource.SCAN:
        return MakeReference(of=of, scan_id=scan.scan_id, comment=comment)
    serial_number = scan.serial_number if of is ReferenceKind.PMT else None
    return MakeReference(of=of, serial_number=serial_number, comment=comment)


def judge_again_drawer(scan: ScanRecord) -> Content:
    """Return the drawer that judges the results of a scan by the limits of now."""

    def content(site: OpenSite, operator: str) -> None:
        st.html(
            paragraph(
                "Every stored result of this scan is judged by the limits and the reference that "
                "hold now. What people decided stays as it is; the verdicts of before stay on "
                "record."
            )
        )
        reason = ask_reason("judge-reason", is_needed=True)
        if st.button("Judge again", key="judge-sure", type="primary"):
            if not reason:
                st.error(NO_REASON)
                return
            ask(site.store, site.name, JudgeAgain(scan_id=scan.scan_id, reason=reason), operator)
            st.rerun()

    return content
