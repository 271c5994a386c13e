"""The verb ``audit``: who did what when, as a table to read or as CSV or JSON to keep."""

import argparse
import contextlib
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from types import MappingProxyType
from zoneinfo import ZoneInfo

from background_executor import queries
from background_executor.asking import EXIT_DONE, EXIT_REFUSED, Arguments
from background_executor.audit import EventFilter, write_csv, write_json
from background_executor.config import load_config
from background_executor.errors import SettingsError
from background_executor.records import EventRecord
from background_executor.terminal import say, visible

TABLE_LINES = 50


class AuditFormat(StrEnum):
    """How the audit is written."""

    TABLE = "table"
    """Lines for a terminal, times in the site's zone; the newest 50."""
    CSV = "csv"
    """For a spreadsheet, times in UTC; all of them."""
    JSON = "json"
    """For a program, times in UTC; all of them."""


def audit_arguments(parser: argparse.ArgumentParser) -> None:
    """Add which lines, and how they are written."""
    parser.add_argument("--scan", default="", help="id of a scan: its points, jobs and commands")
    parser.add_argument("--actor", default="", help="name of an operator, or 'executor'")
    # ``act`` itself is what the command line does with the verb.
    done = "beginning of what was done, like 'scan stopped'"
    parser.add_argument("--act", dest="done", default="", metavar="ACT", help=done)
    parser.add_argument("--subject", default="", help="beginning of what it was done to")
    parser.add_argument("--search", default="", help="text anywhere in a line")
    moment = "2026-02-20 or 2026-02-20T14:41, in the site's zone unless it names one"
    parser.add_argument("--since", help=f"{moment}; from then on")
    parser.add_argument("--until", help=f"{moment}; before then, of a day the whole day")
    formats = [member.value for member in AuditFormat]
    parser.add_argument("--format", choices=formats, default=AuditFormat.TABLE.value)
    limit = f"newest lines only; {TABLE_LINES} for a table and all otherwise if not given"
    parser.add_argument("--limit", type=int, help=limit)


def show_audit(given: Arguments) -> int:
    """Print the audit of a site."""
    config = load_config(given.settings)
    zone, form = ZoneInfo(config.site.zone), AuditFormat(given.format)
    if given.limit is not None and given.limit < 1:
        raise SettingsError(f"--limit {given.limit} asks for no line: give 1 or more")
    wanted = EventFilter(
        actor=given.actor,
        subject=given.subject,
        act=given.done,
        scan=given.scan,
        text=given.search,
        since=read_moment("--since", given.since, zone),
        until=read_moment("--until", given.until, zone, whole_day=True),
    )
    if not config.has_store:
        where = f"site {config.site.name} has no store yet, below {config.site.state_dir}"
        say(f"{where}: nothing was ever done with {given.settings}", is_error=True)
        return EXIT_REFUSED
    is_table = form is AuditFormat.TABLE
    limit = given.limit or (TABLE_LINES if is_table else None)
    with contextlib.closing(config.open_store()) as store:
        events = queries.events(store, config.site.name, wanted, limit)
    sys.stdout.write(_WRITERS[form](events, zone))
    if is_table and len(events) == limit:
        say(f"the newest {limit} lines; --limit shows more", is_error=True)
    return EXIT_DONE


def read_moment(
    option: str, text: str | None, zone: ZoneInfo, *, whole_day: bool = False
) -> datetime | None:
    """Read a moment or a day as somebody types it; None when nothing was given.

    Parameters
    ----------
    whole_day
        A day alone means its end instead of its begin.

    Raises
    ------
    SettingsError
        When it is neither.
    """
    if text is None:
        return None
    try:
        moment = _read_day_or_moment(text, whole_day=whole_day)
    except (ValueError, OverflowError) as error:
        raise SettingsError(
            f"{option} {text[:60]!r} is no moment: write a day like 2026-02-20, or 2026-02-20T14:41"
        ) from error
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)


def _read_day_or_moment(text: str, *, whole_day: bool) -> datetime:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return datetime.fromisoformat(text)
    return datetime.combine(day + timedelta(days=1 if whole_day else 0), time())


def write_table(events: Iterable[EventRecord], zone: ZoneInfo) -> str:
    """Write lines for a terminal; what would steer it is shown as an escape."""
    return "".join(f"{_line(event, zone)}\n" for event in events)


def _line(event: EventRecord, zone: ZoneInfo) -> str:
    when = event.at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S %Z")
    change = " -> ".join(text for text in (event.before, event.after) if text)
    words = (when, event.actor, event.subject, event.act, change, event.reason)
    return " | ".join(visible(word) for word in words)


_WRITERS: Mapping[AuditFormat, Callable[[Iterable[EventRecord], ZoneInfo], str]] = MappingProxyType(
    {
        AuditFormat.TABLE: write_table,
        AuditFormat.CSV: lambda events, _zone: write_csv(events),
        AuditFormat.JSON: lambda events, _zone: write_json(events) + "\n",
    }
)
