"""HV checks: the gain curve with its answer, or the reason for none, and its points."""

from datetime import UTC, datetime

import streamlit as st

from background_executor.records import ScanRecord
from dashboard.components.charts import WHOLE_WIDTH, curve_chart
from dashboard.components.clock import page_clock
from dashboard.components.scan_picker import pick_scan
from dashboard.components.slot_card import map_legend, point_panel, scan_head, tile_map
from dashboard.site import open_site
from dashboard.views.detail import read_curve, read_point
from server_side.scan import ScanKind

site = open_site()


@st.fragment(run_every=1)
def check(scan: ScanRecord) -> None:
    now = datetime.now(UTC)
    page_clock(site, now)
    name = st.query_params.get("point")
    view = read_point(site.store, site.config, scan, name=name, result_id=None, now=now)
    curve = read_curve(site.store, site.config, scan.scan_id)
    scan_head(view.scan)
    left, right = st.columns([1.6, 1.0], gap="medium")
    with left:
        tile_map(view.scan, view.point.panel.name, "map", pick)
        map_legend(view.scan)
        if curve is not None:
            curve_chart(curve, "curve", WHOLE_WIDTH)
    with right:
        point_panel(view.point.panel, "spectrum")


def pick(name: str) -> None:
    st.query_params["point"] = name


chosen = pick_scan(site, ScanKind.HV)
if chosen is not None:
    check(chosen)
