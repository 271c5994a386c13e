"""The operator's page: both PMTs live, the executor, and everything that can be asked for."""

from datetime import UTC, datetime

import streamlit as st

from dashboard.components.drawers import show_drawer
from dashboard.components.operator_name import operator_name
from dashboard.components.place import show_place
from dashboard.components.status_line import status_line
from dashboard.site import open_site
from dashboard.views import live
from server_side.scan import Slot

site = open_site()


@st.fragment(run_every=1)
def head() -> None:
    now = datetime.now(UTC)
    with st.container(gap="xxsmall"):
        status_line(site, live.read_head(site.store, site.config, now), operator, now)


@st.fragment(run_every=1)
def place(slot: Slot) -> None:
    with st.container(gap="xsmall"):
        show_place(site, slot, operator, datetime.now(UTC))


# Every part has its place before any is drawn: a run that is cut short leaves no part without one.
top, places = st.container(), st.container(key="places")
left, right = top.columns([1, 6], gap="small", vertical_alignment="center")
columns = places.columns(2, gap="small", border=True)
with left:
    operator = operator_name()
with right:
    head()
for column, slot in zip(columns, Slot, strict=True):
    with column:
        place(slot)
show_drawer(site, operator)
