"""Jobs, commands and audit lines as rows of text."""

from dataclasses import dataclass, replace

from background_executor.records import EventRecord, JobRecord
from dashboard.theme import JOB_LOOKS, Look
from dashboard.views.command_words import whole_command
from dashboard.views.wording import local_time


@dataclass(frozen=True)
class JobView:
    """One attempt at a piece of work."""

    look: Look
    cells: tuple[str, ...]
    """Job, scheduler with its id, node, made, ended, message."""
    log_tail: str


def show_job(job: JobRecord, zone: str) -> JobView:
    """Show a job."""
    where = f"{job.scheduler} {job.scheduler_id or ''}".strip()
    return JobView(
        look=replace(JOB_LOOKS[job.state], word=job.state.value.replace("_", " ")),
        cells=(
            job.job,
            where,
            job.node,
            local_time(job.created_at, zone),
            local_time(job.ended_at, zone),
            job.message,
        ),
        log_tail=job.log_tail,
    )


def show_event(event: EventRecord, zone: str) -> tuple[str, ...]:
    """Show a line of the audit: when, who, what, of what, from where to where, why."""
    change = " → ".join(whole_command(text) for text in (event.before, event.after) if text)
    when = local_time(event.at, zone)
    return (when, event.actor, event.act, event.subject, change, event.reason)
