"""Jobs, commands and audit lines as rows of text."""

from dataclasses import dataclass, replace
from datetime import datetime

from background_executor.records import EventRecord, JobRecord
from dashboard.theme import JOB_LOOKS, Look
from dashboard.views.command_words import whole_command
from dashboard.views.wording import NO_NUMBER, duration, job_news, local_time


@dataclass(frozen=True)
class JobView:
    """One attempt at a piece of work."""

    look: Look
    cells: tuple[str, ...]
    """Job, scheduler with its id, node, made, run time, ended, message."""
    log_tail: str


def show_job(job: JobRecord, zone: str, now: datetime) -> JobView:
    """Show a job."""
    ran = job.run_time(now)
    where = f"{job.scheduler} {job.scheduler_id or ''}".strip()
    return JobView(
        look=replace(JOB_LOOKS[job.state], word=job.state.value.replace("_", " ")),
        cells=(
            job.job,
            where,
            job.node,
            local_time(job.created_at, zone),
            NO_NUMBER if ran is None else duration(ran.total_seconds()),
            local_time(job.ended_at, zone),
            job_news(job, zone),
        ),
        log_tail=job.log_tail,
    )


def show_event(event: EventRecord, zone: str) -> tuple[str, ...]:
    """Show a line of the audit: when, who, what, of what, from where to where, why."""
    change = " → ".join(whole_command(text) for text in (event.before, event.after) if text)
    when = local_time(event.at, zone)
    return (when, event.actor, event.act, event.subject, change, event.reason)
