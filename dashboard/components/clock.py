"""The clock in the browser: ages, and the word that nothing is heard any more."""

from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

from background_executor import queries
from background_executor.silence import SILENT_AFTER, allowed_silence
from dashboard.site import OpenSite

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
    if executor is None:
        clock(now, None, SILENT_AFTER)
    else:
        clock(now, executor.beat_at, allowed_silence(site.config, executor).allowed)


def clock(now: datetime, beat_at: datetime | None, silent_after: timedelta) -> None:
    """Tell the browser the server's time, the executor's last heartbeat, and how long it lasts."""
    _component()(
        key="clock",
        data={
            "now_s": now.timestamp(),
            "beat_s": None if beat_at is None else beat_at.timestamp(),
            "lost_after_s": LOST_AFTER_S,
            "silent_after_s": silent_after.total_seconds(),
        },
    )
