"""Both PMTs as large as the screen allows, for a wall: nothing to press."""

from datetime import UTC, datetime

import streamlit as st

from dashboard.components.clock import clock
from dashboard.components.markup import paragraph
from dashboard.components.slot_card import map_legend, scan_head, tile_map
from dashboard.components.status_line import executor_state
from dashboard.fresh import fresh_newest, fresh_slot
from dashboard.site import open_site
from dashboard.views import live
from server_side.scan import ScanKind, Slot

site = open_site()


@st.fragment(run_every=1)
def wall() -> None:
    now = datetime.now(UTC)
    head = live.read_head(site.store, site.config, now)
    clock(now, head.status.beat_at, head.status.silent_after)
    st.html(executor_state(head))
    for column, slot in zip(st.columns(2, gap="medium"), Slot, strict=True):
        with column:
            newest = fresh_newest(site, slot)
            kind = ScanKind.POSITION if newest is None else newest.kind
            view = fresh_slot(site, slot, kind, None, now)
            if view.scan is None:
                st.html(paragraph(f"PMT {slot.value}: nothing was started yet."))
                continue
            scan_head(view.scan)
            tile_map(view.scan, None, f"wall-map{slot.value}", lambda _name: None)
            map_legend(view.scan)


with st.container(key="wall"):
    wall()
