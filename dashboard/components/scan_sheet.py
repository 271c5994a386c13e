"""One scan as a whole: its state, where it came from, its points and its receipts."""

import streamlit as st

from background_executor.decisions.decision_queries import seen_scan
from background_executor.decisions.decision_records import MoveRecord
from background_executor.imported import ImportedPlan
from background_executor.records import PointRecord, ScanRecord
from dashboard.components.archive_drawer import (
    archive_drawer,
    keep_aside_drawer,
    no_longer_aside_drawer,
    restore_drawer,
)
from dashboard.components.drawers import open_drawer
from dashboard.components.markup import age_of, chip, facts, paragraph, row
from dashboard.components.quality_drawers import judge_again_drawer, reference_drawer
from dashboard.components.tables import table
from dashboard.site import OpenSite
from dashboard.theme import LOOKS, SCAN_LOOKS, Face, Look
from dashboard.views.scans import scan_offers, show_move, show_points
from dashboard.views.wording import count, kind_label, local_time

POINT_HEADS = ("point", "", "gain", "take", "decision", "left to do")
MOVE_HEADS = ("", "what", "why", "by", "when", "from → to", "receipt on the server")


def scan_sheet(site: OpenSite, scan: ScanRecord, operator: str) -> None:
    """Draw state, origin and acts of a scan."""
    title = f"{kind_label(scan.kind)} of {scan.serial_number}"
    look = LOOKS[Face.IMPORTED] if isinstance(scan.plan, ImportedPlan) else SCAN_LOOKS[scan.state]
    pieces = [f'<p class="pmt-heading">{title}</p>', chip(look)]
    if scan.is_kept_aside:
        pieces.append(paragraph("kept aside", "strong"))
    pieces.append(age_of(scan.ended_at or scan.started_at, "ended " if scan.ended_at else "begun "))
    with st.container(horizontal=True, vertical_alignment="center", key="scan-acts"):
        st.html(row(*pieces), width="stretch")
        _acts(site, scan, operator)
    if scan.message:
        st.html(paragraph(scan.message, "fault"))
    st.html(facts(_origin(scan, site.zone)))


def receipts(moves: tuple[MoveRecord, ...], zone: str) -> None:
    """Draw everything that people had done on the server, each with its receipt."""
    st.subheader("Decided about it")
    if not moves:
        st.html(paragraph("Nothing was decided about this scan yet."))
        return
    rows: list[tuple[str | Look, ...]] = [show_move(move, zone) for move in moves]
    st.html(table(MOVE_HEADS, rows))


def scan_points(points: tuple[PointRecord, ...]) -> None:
    """Draw the points of a scan with what is left to do."""
    st.subheader("Points")
    st.html(table(POINT_HEADS, show_points(points)))


def _acts(site: OpenSite, scan: ScanRecord, operator: str) -> None:
    offered, scan_id = scan_offers(scan), scan.scan_id
    seen = seen_scan(site.store, scan_id)
    if offered.may_archive and st.button("Archive", key="archive", disabled=not operator):
        open_drawer(f"Archive scan {scan_id}", archive_drawer(scan_id, seen))
    if offered.may_keep_aside and st.button("Keep aside", key="aside", disabled=not operator):
        open_drawer(f"Keep scan {scan_id} aside", keep_aside_drawer(scan_id, seen))
    if offered.may_end_aside and st.button(
        "No longer aside", key="no-longer-aside", disabled=not operator
    ):
        open_drawer(f"Scan {scan_id} no longer aside", no_longer_aside_drawer(scan_id, seen))
    if offered.may_restore and st.button("Restore", key="restore", disabled=not operator):
        open_drawer(f"Restore scan {scan_id}", restore_drawer(scan_id, seen))
    if offered.may_judge and st.button("Judge again", key="judge", disabled=not operator):
        open_drawer(f"Judge scan {scan_id} again", judge_again_drawer(scan))
    if offered.may_be_reference and st.button(
        "Make reference", key="reference", disabled=not operator
    ):
        open_drawer(f"Make scan {scan_id} a reference", reference_drawer(scan))


def _origin(scan: ScanRecord, zone: str) -> tuple[tuple[str, str], ...]:
    """Say where a scan came from; of an imported one, that nothing of it was judged here."""
    planned = count(scan.points_planned, "point", "points")
    common = (
        ("scan", scan.scan_id),
        ("begun", local_time(scan.started_at, zone)),
        ("ended", local_time(scan.ended_at, zone) if scan.ended_at else ""),
        ("points", f"{scan.points_stored} of {planned} stored, {scan.points_failed} failed"),
    )
    if isinstance(scan.plan, ImportedPlan):
        return (*common, ("provenance", "imported from an old tree; never judged here"))
    return (*common, ("provenance", f"measured at site {scan.site}"))
