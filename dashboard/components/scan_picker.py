"""Which scan a page shows; the choice lives in the address."""

import streamlit as st

from background_executor.records import ScanRecord
from background_executor.scan_filter import ScanFilter
from dashboard.components.markup import paragraph
from dashboard.site import OpenSite
from dashboard.views.picking import LISTED, Choice, describe_scan, read_choice
from server_side.scan import ScanKind

ALL_KEY = "all-scans"


def pick_scan(site: OpenSite, kind: ScanKind | None = None) -> ScanRecord | None:
    """Let any scan of the site be chosen; the one in the address first, else the newest.

    Parameters
    ----------
    kind
        Scans of this kind alone.

    Returns
    -------
    None, and the page says why, when there is none or the address names one that is unknown.
    """
    with st.container(
        horizontal=True, vertical_alignment="center", gap="xsmall", key="scan-picker"
    ):
        text = _search()
        is_all = bool(st.session_state.get(ALL_KEY))
        address = st.query_params.get("scan")
        choice = read_choice(
            site.store, site.name, ScanFilter(text, kind), address=address, is_all=is_all
        )
        picked = _select(choice, site.zone)
        if choice.found > LISTED:
            st.toggle(
                f"All {choice.found}", key=ALL_KEY, help=f"Else the newest {LISTED} are listed."
            )
    if picked is not None and picked.scan_id != address:
        st.query_params["scan"] = picked.scan_id
    if choice.word and (picked is None or not choice.found):
        st.html(paragraph(choice.word, "fault"))
    return picked


def _search() -> str:
    text = st.text_input(
        "Search scans",
        key="find",
        bind="query-params",
        max_chars=40,
        placeholder="serial number or id",
        icon=":material/search:",
        label_visibility="collapsed",
        width=230,
    )
    return (text or "").strip()


def _select(choice: Choice, zone: str) -> ScanRecord | None:
    scans = {scan.scan_id: scan for scan in choice.scans}
    chosen = choice.chosen
    if not scans:
        return chosen
    picked = st.selectbox(
        "Scan",
        list(scans),
        index=None if chosen is None else list(scans).index(chosen.scan_id),
        format_func=lambda scan_id: describe_scan(scans[scan_id], zone),
        placeholder="choose a scan",
        label_visibility="collapsed",
    )
    return None if picked is None else scans[picked]
