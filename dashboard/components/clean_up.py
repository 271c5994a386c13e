"""Local copies that may go to the trash: counted first, moved only as counted."""

import streamlit as st

from background_executor.decisions import decision_queries
from background_executor.decisions.decision_commands import CleanUp, PlanCleanUp
from background_executor.decisions.decision_queries import CleanUpRecord
from dashboard.asking import ask
from dashboard.components.markup import paragraph
from dashboard.components.tables import table
from dashboard.site import OpenSite
from dashboard.views.scans import show_clean_up
from dashboard.views.wording import count, file_size

HEADS = ("counted", "by", "which", "how much", "what stays, and why", "what became of it")
DEFAULT_AGE_DAYS = 30


def clean_up(site: OpenSite, operator: str) -> None:
    """Let local copies be counted, and the newest count be carried out."""
    days = site.config.decisions.trash_days
    st.html(
        paragraph(
            "Only copies that are verified on the server go; they stay in the trash for "
            f"{days:g} days. Nothing on the server is touched."
        )
    )
    counts = decision_queries.clean_ups(site.store, site.name)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        _count(site, operator)
        if counts:
            _carry_out(site, counts[0], operator)
    if counts:
        st.html(table(HEADS, [show_clean_up(record, site.zone) for record in counts]))


def _count(site: OpenSite, operator: str) -> None:
    is_all = st.checkbox("All ended scans", key="clean-all")
    age = st.number_input(
        "Ended at least so many days ago",
        min_value=0,
        max_value=36_500,
        value=DEFAULT_AGE_DAYS,
        key="clean-age",
        disabled=is_all,
        width=240,
    )
    if st.button("Count", key="clean-count", disabled=not operator):
        plan = PlanCleanUp(older_than_days=None if is_all else int(age))
        ask(site.store, site.name, plan, operator)


def _carry_out(site: OpenSite, record: CleanUpRecord, operator: str) -> None:
    if record.trashed_at is not None or not record.folders:
        return
    what = f"{count(record.folders, 'folder', 'folders')}, {file_size(record.size_bytes)}"
    if st.button(f"Move {what} to the trash", key="clean-sure", disabled=not operator):
        command = CleanUp(
            plan=record.command_id, folders=record.folders, size_bytes=record.size_bytes
        )
        ask(site.store, site.name, command, operator)
