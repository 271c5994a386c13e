"""Both PMTs as large as the screen allows, for a wall: nothing to press."""

from datetime import UTC, datetime

import streamlit as st

from dashboard.components.clock import page_clock
from dashboard.components.markup import paragraph
from dashboard.components.slot_card import scan_head, tile_map
from dashboard.site import open_site
from dashboard.views import live
from server_side.scan import Slot

site = open_site()


@st.fragment(run_every=1)
def wall() -> None:
    now = datetime.now(UTC)
    page_clock(site, now)
    for column, slot in zip(st.columns(2, gap="medium"), Slot, strict=True):
        with column:
            kind = live.newest_kind(site.store, site.config, slot)
            view = live.read_slot(site.store, site.config, slot, kind=kind, picked=None, now=now)
            if view.scan is None:
                st.html(paragraph(f"PMT {slot.value}: nothing was started yet."))
                continue
            scan_head(view.scan, now)
            tile_map(view.scan, None, f"wall-map{slot.value}", now, lambda _name: None)


wall()
