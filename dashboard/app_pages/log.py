"""What happened: every line of the audit, commands and their answers, jobs of a scan."""

from datetime import UTC, datetime

import streamlit as st

from background_executor import queries
from background_executor.audit import EventFilter
from background_executor.job_preview import preview_job
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


scan = pick_scan(queries.scans(site.store, site.name), site.zone)
st.subheader("Audit")
chosen = audit_filter(site, scan)
events(chosen)
audit_downloads(site, chosen)
st.subheader("Commands")
commands()
st.subheader("Jobs of this scan")
if scan is not None:
    job_table(queries.jobs(site.store, scan.scan_id), site.zone)
job_script(preview_job(site.config, datetime.now(UTC)))
