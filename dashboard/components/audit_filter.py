"""Which lines of the audit are shown, kept in the address; and the same lines as a file."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import streamlit as st

from background_executor import queries
from background_executor.audit import EventFilter, write_csv, write_json
from background_executor.records import ScanRecord
from dashboard.site import OpenSite


def audit_filter(site: OpenSite, scan: ScanRecord | None) -> EventFilter:
    """Let lines be searched, and return what is wanted.

    Parameters
    ----------
    scan
        The scan that the page shows: its lines alone can be asked for.
    """
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        text = st.text_input("Search in all", key="text", bind="query-params", max_chars=80)
        actor = st.text_input("Who", key="who", bind="query-params", max_chars=60, width=170)
        act = st.text_input(
            "What (beginning)", key="what", bind="query-params", max_chars=60, width=170
        )
        first = st.date_input("From", value=None, key="from", format="YYYY-MM-DD", width=150)
        last = st.date_input("To", value=None, key="to", format="YYYY-MM-DD", width=150)
        is_of_scan = st.checkbox("Only this scan", key="of-scan", bind="query-params")
    return EventFilter(
        actor=(actor or "").strip(),
        act=(act or "").strip(),
        scan=scan.scan_id if is_of_scan and scan is not None else "",
        text=(text or "").strip(),
        since=day_begins(first, site.zone),
        until=day_begins(last + timedelta(days=1) if last else None, site.zone),
    )


def audit_downloads(site: OpenSite, wanted: EventFilter) -> None:
    """Offer all lines that a filter lets through, not only those that are shown, as files."""

    def as_csv() -> str:
        return write_csv(queries.events(site.store, site.name, wanted, limit=None))

    def as_json() -> str:
        return write_json(queries.events(site.store, site.name, wanted, limit=None))

    name = f"audit-{site.name}"
    with st.container(horizontal=True, gap="xsmall"):
        st.download_button(
            "All of these lines as CSV",
            as_csv,
            file_name=f"{name}.csv",
            mime="text/csv",
            key="audit-csv",
            on_click="ignore",
        )
        st.download_button(
            "as JSON",
            as_json,
            file_name=f"{name}.json",
            mime="application/json",
            key="audit-json",
            on_click="ignore",
        )


def day_begins(day: date | None, zone: str) -> datetime | None:
    """Return the moment at which a day begins in the site's zone."""
    return None if day is None else datetime.combine(day, time(), ZoneInfo(zone))
