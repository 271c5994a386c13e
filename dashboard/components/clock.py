"""The clock in the browser: ages, and the word that nothing is heard any more."""

from datetime import datetime
from functools import cache
from pathlib import Path

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

from background_executor import queries
from dashboard.site import OpenSite
from dashboard.views.status import SILENT_AFTER

FOLDER = Path(__file__).parent
LOST_AFTER_S = 6.0
"""The page is heard every second; six turns may be missed on a busy machine."""


@cache
def _component() -> ComponentRenderer:
    return st.components.v2.component(
        "pmt_clock",
        html='<div class="contact" role="alert"></div>',
        css=(FOLDER / "clock.css").read_text(),
        js=(FOLDER / "clock.js").read_text(),
    )


def page_clock(site: OpenSite, now: datetime) -> None:
    """Let a page without the line at the top keep its ages and notice a silence."""
    executor = queries.executor(site.store, site.name)
    clock(now, None if executor is None else executor.beat_at)


def clock(now: datetime, beat_at: datetime | None) -> None:
    """Tell the browser the time of the server and of the executor's last heartbeat."""
    _component()(
        key="clock",
        data={
            "now_s": now.timestamp(),
            "beat_s": None if beat_at is None else beat_at.timestamp(),
            "lost_after_s": LOST_AFTER_S,
            "silent_after_s": SILENT_AFTER.total_seconds(),
        },
    )
