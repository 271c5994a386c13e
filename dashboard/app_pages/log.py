"""What happened: every line of the audit, commands and their answers, jobs of a scan."""

from datetime import UTC, datetime

import streamlit as st

from background_executor import queries
from background_executor.audit import EventFilter
from background_executor.new_site.job_preview import preview_job
from dashboard.components.audit_filter import audit_downloads, audit_filter
from dashboard.components.clock import page_clock
from dashboard.components.log_tables import command_table, event_table, job_script, job_table
from dashboard.components.scan_picker import pick_scan
from dashboard.site import open_site

site = open_site()


@st.fragment(run_every=1)
def events(wanted: EventFilter) -> None:
    page_clock(site, datetime.now(UTC))
    event_table(queries.events(site.store, site.name, wanted), site.zone)


@st.fragment(run_every=1)
def commands() -> None:
    command_table(queries.commands(site.store, site.name, limit=20), site.zone)


# Every part has its place before any is drawn: a run that is cut short leaves no part without one.
choice, audit, asked, jobs = st.container(), st.container(), st.container(), st.container()
with choice:
    scan = pick_scan(site)
with audit:
    st.subheader("Audit")
    chosen = audit_filter(site, scan)
    lines, files = st.container(), st.container()
with lines:
    events(chosen)
with files:
    audit_downloads(site, chosen)
with asked:
    st.subheader("Commands")
    commands()
with jobs:
    st.subheader("Jobs of this scan")
    now = datetime.now(UTC)
    if scan is not None:
        job_table(queries.jobs(site.store, scan.scan_id), site.zone, now)
    job_script(preview_job(site.config, now))
