"""The drawers in which a whole scan is put away: archived, kept aside, or had back.

Each gets the scan as it was when the drawer was opened, and asks with that: what
has changed while somebody wrote a reason is refused, however often the drawer
was drawn anew meanwhile.
"""

from dataclasses import dataclass

import streamlit as st

from background_executor.decisions.decision_commands import (
    ArchiveScan,
    KeepAside,
    NoLongerAside,
    RestoreScan,
    SeenScan,
)
from background_executor.decisions.offers import (
    ArchiveOffer,
    archive_offer,
    where_archived,
    why_not_archived,
)
from background_executor.decisions.refusals import why_no_take
from background_executor.imported import ImportedPlan
from dashboard.asking import ask
from dashboard.components.drawers import Content, open_drawer
from dashboard.components.markup import paragraph
from dashboard.components.moves import planned_moves
from dashboard.components.plain import plain
from dashboard.components.selection import read_selection
from dashboard.components.tables import table
from dashboard.components.takes_drawer import REASON_LIMIT, takes_drawer
from dashboard.site import OpenSite
from dashboard.theme import LOOKS, face_of
from dashboard.views.deciding import offers
from dashboard.views.wording import count, point_label

NO_REASON = "Give a reason: it stands on the receipt."


def archive_drawer(scan_id: str, seen: SeenScan | None) -> Content:
    """Return the drawer that archives a scan as it was seen, or says what stands in the way."""

    def content(site: OpenSite, operator: str) -> None:
        offer = archive_offer(site.store, scan_id)
        if offer is None or seen is None:
            st.error(f"There is no scan {plain(scan_id)} any more.")
            return
        show_offer(site, offer, operator)
        is_forced = bool(offer.unsettled) and st.checkbox(
            "Archive it although these points are not settled", key="archive-override"
        )
        reason = ask_reason("archive-reason", is_needed=offer.needs_reason or is_forced)
        if not st.button("Archive it", key="archive-sure", type="primary"):
            return
        fault = why_not_archived(offer, reason, override=is_forced)
        if fault:
            st.error(fault)
            return
        command = ArchiveScan(scan_id=scan_id, seen=seen, reason=reason, override=is_forced)
        ask(site.store, site.name, command, operator)
        st.rerun()

    return content


def keep_aside_drawer(scan_id: str, seen: SeenScan | None) -> Content:
    """Return the drawer that takes a scan out of the way of the next one."""
    explanation = (
        "Nothing moves. The scan stays in its folder and on these pages, and the next one "
        "of this PMT starts beside it."
    )
    words = _Words("aside", explanation, "Keep it aside", is_reason_needed=True)
    return _plain_drawer(words, KeepAside, scan_id, seen)


def no_longer_aside_drawer(scan_id: str, seen: SeenScan | None) -> Content:
    """Return the drawer that puts a scan into the way of the next one again."""
    explanation = (
        "Nothing moves. The next start for this PMT sees to the scan again: it is archived when "
        "all its points are settled, else somebody is asked. A newer scan of this PMT that has "
        "ended comes first."
    )
    words = _Words("no-longer-aside", explanation, "No longer aside", is_reason_needed=False)
    return _plain_drawer(words, NoLongerAside, scan_id, seen)


def restore_drawer(scan_id: str, seen: SeenScan | None) -> Content:
    """Return the drawer that brings a scan back from the archive."""
    explanation = (
        "The scan's folder comes back from the archive to where it was. Archive and "
        "return both stay on record."
    )
    words = _Words("restore", explanation, "Restore it", is_reason_needed=False)
    return _plain_drawer(words, RestoreScan, scan_id, seen)


@dataclass(frozen=True)
class _Words:
    """What a drawer with nothing but a reason says."""

    key: str
    explanation: str
    button: str
    is_reason_needed: bool


def _plain_drawer(
    words: _Words,
    kind: type[KeepAside | NoLongerAside | RestoreScan],
    scan_id: str,
    seen: SeenScan | None,
) -> Content:
    def content(site: OpenSite, operator: str) -> None:
        st.html(paragraph(words.explanation))
        reason = ask_reason(f"{words.key}-reason", is_needed=words.is_reason_needed)
        if not st.button(words.button, key=f"{words.key}-sure", type="primary") or seen is None:
            return
        if words.is_reason_needed and not reason:
            st.error(NO_REASON)
            return
        ask(site.store, site.name, kind(scan_id=scan_id, seen=seen, reason=reason), operator)
        st.rerun()

    return content


def show_offer(site: OpenSite, offer: ArchiveOffer, operator: str) -> None:
    """Say what would move where, or what stands in the way, with the buttons to settle it."""
    for obstacle in offer.obstacles:
        st.html(paragraph(obstacle, "fault"))
    if offer.unsettled and not why_no_take(offer.scan):
        _show_unsettled(offer, operator)
    if isinstance(offer.scan.plan, ImportedPlan):
        return
    st.html(planned_moves([where_archived(site.config, offer.scan.plan)]))


def ask_reason(key: str, *, is_needed: bool) -> str:
    """Ask for a reason."""
    label = "Reason" if is_needed else "Reason (may be empty)"
    return (st.text_input(label, key=key, max_chars=REASON_LIMIT) or "").strip()


def _show_unsettled(offer: ArchiveOffer, operator: str) -> None:
    number = count(len(offer.unsettled), "point is", "points are")
    st.html(paragraph(f"{number} not settled:", "strong"))
    rows = [
        (point_label(each.point.point), LOOKS[face_of(each.point)], each.why)
        for each in offer.unsettled
    ]
    st.html(table(("point", "", "why"), rows))
    selection = read_selection(f"map{offer.scan.slot}", offer.scan.scan_id)
    with st.container(horizontal=True, gap="xsmall"):
        for each in offers(tuple(each.point for each in offer.unsettled)):
            key = f"settle-{each.act.value}"
            if st.button(each.label, key=key, disabled=not operator):
                open_drawer(each.label, takes_drawer(each, offer.scan.scan_id, selection))
