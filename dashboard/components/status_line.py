"""The line at the top: executor, link, ages, start and stop, the last commands."""

from datetime import datetime

import streamlit as st

from background_executor import instance
from background_executor.commands import StopExecutor, SyncNow
from background_executor.errors import ExecutorError
from dashboard.asking import ask
from dashboard.components.answers import answer_lines
from dashboard.components.clock import clock
from dashboard.components.markup import age_of, chip, paragraph, row
from dashboard.components.plain import plain
from dashboard.site import OpenSite
from dashboard.views.live import HeadView

SYNC_OLD_AFTER_S = 120


def status_line(site: OpenSite, view: HeadView, operator: str, now: datetime) -> None:
    """Show whether anything happens in the background, and let it be started or stopped."""
    status = view.status
    clock(now, status.beat_at, status.silent_after)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="status"):
        st.html(executor_state(view), width="stretch")
        if status.is_running:
            sync = st.button("Sync now", key="sync-now", disabled=not operator)
            if sync:
                ask(site.store, site.name, SyncNow(), operator)
            with st.popover("Stop executor", key="stop-executor", disabled=not operator):
                st.write("Jobs on the server go on; nothing is fetched until it is started again.")
                if st.button("Stop it", key="stop-executor-sure", type="primary"):
                    ask(site.store, site.name, StopExecutor(), operator)
        elif st.button("Start executor", key="start-executor", type="primary"):
            _start(site)
    answer_lines(site, view, operator, now)


def executor_state(view: HeadView) -> str:
    """Write executor, link and their ages."""
    status = view.status
    pieces = [chip(status.executor)]
    if status.link is not None:
        pieces.append(chip(status.link, status.link_message))
    limit = round(status.silent_after.total_seconds())
    pieces.append(age_of(status.beat_at, "heartbeat ", limit))
    pieces.append(age_of(status.synced_at, "server heard ", SYNC_OLD_AFTER_S))
    if status.message:
        pieces.append(paragraph(status.message, "strong"))
    return row(*pieces)


def _start(site: OpenSite) -> None:
    with st.spinner("The executor is being started"):
        try:
            instance.start_detached(site.config_path)
        except ExecutorError as error:
            st.error(f"The executor did not start: {plain(str(error), 2000)}")
            return
    st.rerun(scope="fragment")
