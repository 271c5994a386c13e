"""What happened: jobs of a scan, commands, and every line of the audit."""

from datetime import UTC, datetime

import streamlit as st

from background_executor import queries
from background_executor.audit import EventFilter
from dashboard.components.clock import page_clock
from dashboard.components.log_tables import command_table, event_table, job_table
from dashboard.components.scan_picker import pick_scan
from dashboard.site import open_site

site = open_site()


@st.fragment(run_every=1)
def commands_and_events() -> None:
    page_clock(site, datetime.now(UTC))
    st.subheader("Commands")
    command_table(queries.commands(site.store, site.name, limit=20), site.zone)
    st.subheader("Audit")
    text = st.text_input("Only lines with", key="text", bind="query-params", max_chars=80)
    wanted = EventFilter(text=(text or "").strip())
    event_table(queries.events(site.store, site.name, wanted), site.zone)


st.subheader("Jobs")
scan = pick_scan(queries.scans(site.store, site.name), site.zone)
if scan is not None:
    job_table(queries.jobs(site.store, scan.scan_id), site.zone)
commands_and_events()
