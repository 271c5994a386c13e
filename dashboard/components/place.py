"""One place of the bench on the operator's page: what stands in it, and all that can be asked."""

from datetime import datetime

import streamlit as st

from dashboard.components.markup import paragraph
from dashboard.components.scan_acts import scan_acts
from dashboard.components.scan_controls import choose_kind, scan_controls
from dashboard.components.slot_card import scan_head, slot_body
from dashboard.fresh import fresh_newest, fresh_slot
from dashboard.site import OpenSite
from dashboard.views.wording import kind_label
from server_side.scan import Slot

HOW_TO_BEGIN = "Give your name, start the executor, enter a serial number, start one."


def show_place(site: OpenSite, slot: Slot, operator: str, now: datetime) -> None:
    """Draw controls, progress, map and point of a place; the picked point lives in the address."""
    address = f"p{slot.value}"
    with st.container(
        horizontal=True, vertical_alignment="center", gap="xsmall", key=f"controls{slot.value}"
    ):
        kind = choose_kind(slot, fresh_newest(site, slot))
        view = fresh_slot(site, slot, kind, st.query_params.get(address), now)
        scan_controls(site, slot, view.scan, operator)
        if view.scan is not None:
            scan_acts(site, view, view.scan, operator)
    if view.scan is None:
        st.html(paragraph(f"No {kind_label(kind)} yet. {HOW_TO_BEGIN}"))
        return
    scan_head(view.scan)
    slot_body(view, view.scan, operator, lambda name: st.query_params.update({address: name}))
