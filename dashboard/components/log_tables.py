"""Jobs, commands and audit lines as tables."""

from datetime import datetime

import streamlit as st

from background_executor.new_site.job_preview import JobPreview
from background_executor.records import CommandRecord, EventRecord, JobRecord
from dashboard.components.tables import table
from dashboard.views.log import show_event, show_job
from dashboard.views.status import show_command
from dashboard.views.wording import local_time

EVENTS_HEIGHT = 640


def job_table(jobs: tuple[JobRecord, ...], zone: str, now: datetime) -> None:
    """Show the jobs of a scan, each with what it printed last."""
    views = [show_job(job, zone, now) for job in jobs]
    heads = ("", "job", "scheduler", "node", "made", "run time", "ended", "message")
    st.html(table(heads, [(view.look, *view.cells) for view in views]))
    for view in views:
        if view.log_tail:
            with st.expander(f"Last lines of job {view.cells[0]}"):
                st.code(view.log_tail, language=None, wrap_lines=True)


def job_script(preview: JobPreview) -> None:
    """Show what the batch system would be given for the next job, before it is used."""
    with st.expander("The script of the next job, as it would be made now"):
        st.code(preview.command, language=None, wrap_lines=True)
        st.code(preview.script, language="bash", wrap_lines=True)


def command_table(commands: tuple[CommandRecord, ...], zone: str) -> None:
    """Show commands and their answers."""
    views = [show_command(command) for command in commands]
    heads = ("", "command", "answer", "by", "asked")
    st.html(
        table(
            heads,
            [(v.look, v.text, v.answer, v.operator, local_time(v.asked_at, zone)) for v in views],
        )
    )


def event_table(events: tuple[EventRecord, ...], zone: str) -> None:
    """Show lines of the audit."""
    heads = ("when", "who", "did", "of what", "change", "why")
    with st.container(height=EVENTS_HEIGHT):
        st.html(table(heads, [show_event(event, zone) for event in events]))
