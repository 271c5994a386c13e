"""Scans as wholes: archive and restore, what was decided with its receipts, local clean-up."""

from datetime import UTC, datetime

import streamlit as st

from background_executor import queries
from background_executor.decisions import decision_queries
from background_executor.records import ScanRecord
from dashboard.components.clean_up import clean_up
from dashboard.components.drawers import show_drawer
from dashboard.components.operator_name import operator_name
from dashboard.components.scan_picker import pick_scan
from dashboard.components.scan_sheet import receipts, scan_points, scan_sheet
from dashboard.components.status_line import status_line
from dashboard.site import open_site
from dashboard.views import live

site = open_site()


@st.fragment(run_every=1)
def head() -> None:
    now = datetime.now(UTC)
    with st.container(gap="xxsmall"):
        status_line(site, live.read_head(site.store, site.config, now), operator, now)


@st.fragment(run_every=1)
def sheet(scan: ScanRecord) -> None:
    newest = queries.scan(site.store, scan.scan_id) or scan
    scan_sheet(site, newest, operator)
    receipts(decision_queries.moves_of_scan(site.store, scan.scan_id), site.zone)
    scan_points(queries.points(site.store, scan.scan_id))


@st.fragment(run_every=1)
def trash() -> None:
    clean_up(site, operator)


# Every part has its place before any is drawn: a run that is cut short leaves no part without one.
top, choice, shown, below = st.container(), st.container(), st.container(), st.container()
left, right = top.columns([1, 6], gap="small", vertical_alignment="center")
with left:
    operator = operator_name()
with right:
    head()
with choice:
    chosen = pick_scan(site)
with shown:
    if chosen is not None:
        sheet(chosen)
with below:
    st.subheader("Local clean-up")
    trash()
show_drawer(site, operator)
