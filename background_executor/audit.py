"""The audit as it is asked for and as it leaves: which lines, and written as CSV or JSON.

``queries.events`` reads the lines; pages and command line hand them to
``write_csv`` or ``write_json``.
"""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter

from background_executor import tables
from background_executor.records import EventRecord

FORMULA_STARTS = tuple("=+-@\t\r\n\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}") + tuple(
    "\N{FULLWIDTH HYPHEN-MINUS}\N{FULLWIDTH COMMERCIAL AT}"
)
"""A cell that begins so is a formula to a spreadsheet, whatever quotes stand around it."""

_COLUMNS = tuple(field.name for field in fields(EventRecord))
_EVENTS = TypeAdapter(tuple[EventRecord, ...])
_events, _jobs = tables.events.c, tables.jobs.c


@dataclass(frozen=True)
class EventFilter:
    """Which lines of the audit are wanted; an empty field asks for nothing."""

    actor: str = ""
    subject: str = ""
    """Beginning of the subject, like ``scan 0123456789ab``."""
    act: str = ""
    """Beginning of the act, like ``take 1 flagged``."""
    scan: str = ""
    """Id of a scan: lines of the scan, its points, its jobs, and of commands that name it."""
    text: str = ""
    """Anywhere in actor, subject, act, before, after or reason."""
    since: datetime | None = None
    until: datetime | None = None
    """Only lines before this moment."""


def event_select(site: str, wanted: EventFilter) -> sa.Select[Any]:
    """Select the lines of a site that a filter lets through, newest first."""
    statement = sa.select(tables.events).where(_events.site == site, *_conditions(wanted))
    return statement.order_by(_events.event_id.desc())


def _conditions(wanted: EventFilter) -> Iterable[sa.ColumnElement[bool]]:
    if wanted.actor:
        yield _events.actor == wanted.actor
    if wanted.subject:
        yield _events.subject.startswith(wanted.subject, autoescape=True)
    if wanted.act:
        yield _events.act.startswith(wanted.act, autoescape=True)
    if wanted.scan:
        yield _is_of_scan(wanted.scan)
    if wanted.since is not None:
        yield _events.at >= wanted.since
    if wanted.until is not None:
        yield _events.at < wanted.until
    if wanted.text:
        columns = ("actor", "subject", "act", "before", "after", "reason")
        yield sa.or_(*(_events[name].icontains(wanted.text, autoescape=True) for name in columns))


def _is_of_scan(scan_id: str) -> sa.ColumnElement[bool]:
    names_it = (_events[name].contains(scan_id, autoescape=True) for name in ("after", "reason"))
    return sa.or_(
        _events.subject == f"scan {scan_id}",
        _events.subject.startswith(f"point {scan_id}/", autoescape=True),
        _events.job.in_(sa.select(_jobs.job).where(_jobs.scan_id == scan_id)),
        sa.and_(_events.subject.startswith("command "), sa.or_(*names_it)),
    )


def write_csv(events: Iterable[EventRecord]) -> str:
    """Write lines as CSV, a head line first, times in UTC.

    A text that a spreadsheet would take for a formula gets an apostrophe in
    front: it is shown as it is and does nothing.
    """
    written = io.StringIO()
    writer = csv.writer(written, quoting=csv.QUOTE_ALL)
    writer.writerow(_COLUMNS)
    for event in events:
        writer.writerow([_cell(getattr(event, name)) for name in _COLUMNS])
    return written.getvalue()


def _cell(value: datetime | str | int | None) -> str:
    if value is None:
        return ""
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    # Some spreadsheets drop blanks before they look for a formula.
    is_formula = text.startswith(FORMULA_STARTS) or text.lstrip().startswith(FORMULA_STARTS)
    return f"'{text}" if is_formula else text


def write_json(events: Iterable[EventRecord]) -> str:
    """Write lines as a JSON list of objects, times in UTC."""
    return _EVENTS.dump_json(tuple(events), indent=1).decode()
