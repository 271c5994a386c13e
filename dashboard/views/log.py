"""Jobs, commands and audit lines as rows of text."""

import json
from dataclasses import dataclass, replace

from background_executor.records import EventRecord, JobRecord
from dashboard.theme import JOB_LOOKS, Look
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
    change = " → ".join(readable(text) for text in (event.before, event.after) if text)
    when = local_time(event.at, zone)
    return (when, event.actor, event.act, event.subject, change, event.reason)


def readable(text: str) -> str:
    """Write the arguments of a command as words; any other text as it stands."""
    if not text.startswith("{"):
        return text
    try:
        arguments = json.loads(text)
    except ValueError:
        return text
    words = (f"{name.replace('_', ' ')}: {_value(value)}" for name, value in arguments.items())
    return "; ".join(word for word in words if not word.startswith("kind: "))


def _value(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(_value(each) for each in value)
    if isinstance(value, dict):
        return " ".join(f"{name} {_value(each)}" for name, each in value.items() if name != "kind")
    return str(value)
