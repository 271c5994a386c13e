"""One point: its spectrum, verdict, takes, and where its numbers came from."""

from datetime import UTC, datetime

import streamlit as st

from background_executor.records import ScanRecord
from dashboard.components.clock import page_clock
from dashboard.components.drawers import show_drawer
from dashboard.components.operator_name import operator_name
from dashboard.components.point_detail import point_columns
from dashboard.components.scan_picker import pick_scan
from dashboard.site import open_site
from dashboard.views.detail import read_point

site = open_site()


@st.fragment(run_every=1)
def point(scan: ScanRecord) -> None:
    now = datetime.now(UTC)
    page_clock(site, now)
    address = st.query_params
    view = read_point(
        site.store,
        site.config,
        scan,
        name=address.get("point"),
        result_id=address.get("result"),
        now=now,
    )
    with st.container():
        point_columns(view, operator, pick)


def pick(name: str) -> None:
    st.query_params.pop("result", None)
    st.query_params["point"] = name


# Every part has its place before any is drawn: a run that is cut short leaves no part without one.
top, shown = st.container(), st.container()
left, right = top.columns([1, 6], gap="small", vertical_alignment="center")
with left:
    operator = operator_name()
with right:
    chosen = pick_scan(site)
with shown:
    if chosen is not None:
        point(chosen)
show_drawer(site, operator)
