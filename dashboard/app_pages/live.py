"""The operator's page: both PMTs live, the executor, and everything that can be asked for."""

from datetime import UTC, datetime

import streamlit as st

from dashboard.components.markup import paragraph
from dashboard.components.operator_name import operator_name
from dashboard.components.scan_controls import choose_kind, scan_controls
from dashboard.components.slot_card import scan_head, slot_body
from dashboard.components.status_line import status_line
from dashboard.fresh import fresh_newest, fresh_slot
from dashboard.site import open_site
from dashboard.views import live
from dashboard.views.wording import kind_label
from server_side.scan import Slot

HOW_TO_BEGIN = "Give your name, start the executor, enter a serial number, start one."

site = open_site()


@st.fragment(run_every=1)
def head() -> None:
    now = datetime.now(UTC)
    with st.container(gap="xxsmall"):
        status_line(site, live.read_head(site.store, site.config, now), operator, now)


@st.fragment(run_every=1)
def place(slot: Slot) -> None:
    with st.container(gap="xsmall"):
        show_place(slot, datetime.now(UTC))


def show_place(slot: Slot, now: datetime) -> None:
    address = f"p{slot.value}"
    with st.container(horizontal=True, vertical_alignment="center", key=f"controls{slot.value}"):
        kind = choose_kind(slot, fresh_newest(site, slot))
        view = fresh_slot(site, slot, kind, st.query_params.get(address), now)
        scan_controls(site, slot, view.scan, operator)
    if view.scan is None:
        st.html(paragraph(f"No {kind_label(kind)} yet. {HOW_TO_BEGIN}"))
        return
    scan_head(view.scan)
    slot_body(view, lambda name: st.query_params.update({address: name}))


left, right = st.columns([1, 6], gap="small", vertical_alignment="center")
with left:
    operator = operator_name()
with right:
    head()
with st.container(key="places"):
    for column, slot in zip(st.columns(2, gap="small", border=True), Slot, strict=True):
        with column:
            place(slot)
