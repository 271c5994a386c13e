"""The audit: every act leaves a line, no line is ever changed, and all of it can be taken away."""

import ast
import csv
import io
import json
import re
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from background_executor import queries, tables
from background_executor.audit import EventFilter, write_csv, write_json
from background_executor.audit_verb import read_moment, write_table
from background_executor.cli import main
from background_executor.commands import StopScan, SyncNow
from background_executor.errors import SettingsError, StoreError
from background_executor.records import EventRecord
from background_executor.store import Store
from tests.background_executor.bench import ENDS_EARLY, Bench
from tests.seed_store import RUNNING_SCAN, Seeded, seed_site

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 2, 20, 5, 41, 23, tzinfo=UTC)
TOKYO = ZoneInfo("Asia/Tokyo")
FORMULAS = ("=1+2", "+cmd", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1", "\N{FULLWIDTH EQUALS SIGN}1")


@pytest.fixture(scope="module")
def shift(tmp_path_factory: pytest.TempPathFactory) -> Seeded:
    """A site in the middle of a shift, with one line that would do harm elsewhere."""
    seeded = seed_site(tmp_path_factory.mktemp("shift"), NOW)
    store = seeded.config.open_store()
    with store.writing(NOW + timedelta(minutes=1)) as writer:
        writer.add_event("demo", "=HYPERLINK(1)", "site demo", "tested", reason="\x1b[2J\u202egpj")
    store.close()
    return seeded


def line(**words: str) -> EventRecord:
    given = {"actor": "me", "subject": "site", "act": "tested", "before": "", "after": ""} | words
    return EventRecord(event_id=1, site="demo", job=None, at=NOW, **({"reason": ""} | given))


def type_in(seeded: Seeded, *words: str) -> int:
    return main(["audit", *words, "--settings", str(seeded.config_path)])


@pytest.mark.parametrize("text", FORMULAS)
def test_a_text_that_a_spreadsheet_would_calculate_is_shown_and_does_nothing(text: str) -> None:
    _, row = csv.reader(io.StringIO(write_csv([line(reason=text)]), newline=""))
    assert row[-3] == f"'{text}"


@pytest.mark.parametrize("text", ["low gain", "", 'a "b", c\nd', "5 - 3", "1=1", "\u202egpj"])
def test_other_text_comes_back_from_csv_and_json_as_it_was(text: str) -> None:
    head, row = csv.reader(io.StringIO(write_csv([line(reason=text)]), newline=""))
    assert dict(zip(head, row, strict=True))["reason"] == text
    (entry,) = json.loads(write_json([line(reason=text)]))
    assert (entry["reason"], entry["actor"], entry["job"]) == (text, "me", None)
    assert entry["at"] == "2026-02-20T05:41:23Z"


def test_a_terminal_is_not_steered_by_what_somebody_wrote() -> None:
    written = write_table([line(actor="\x1b[2Jme", reason="\u202egpj\nnew")], TOKYO)
    assert written.count("\n") == 1
    assert "\x1b" not in written
    assert "\u202e" not in written
    assert "2026-02-20 14:41:23 JST | \\x1b[2Jme | site | tested |  | \\u202egpj\\nnew" in written


def test_the_audit_of_a_scan_holds_its_points_jobs_and_commands(shift: Seeded) -> None:
    store = shift.config.open_store()
    found = queries.events(store, "demo", EventFilter(scan=RUNNING_SCAN), limit=None)
    everything = queries.events(store, "demo", limit=None)
    store.close()
    kinds = {event.subject.split()[0] for event in found}
    assert kinds == {"scan", "point", "job", "command"}
    assert {event.job for event in found} - {None} == {"10b00000-0000-4000-8000-000000000001"}
    assert len(found) < len(everything)


@pytest.mark.parametrize(
    ("words", "acts"),
    [
        (("--actor", "night shift", "--act", "take 1 fl"), {"take 1 flagged"}),
        (("--search", "low GAIN"), {"take 1 flagged"}),
        (("--search", "hyperlink"), {"tested"}),
        (("--since", "2026-02-20T14:42"), {"tested"}),
        (("--until", "2026-02-19"), set()),
        (("--subject", "site demo", "--until", "2026-02-20"), {"tested"}),
    ],
)
def test_lines_are_chosen_by_the_command_line(
    shift: Seeded, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], acts: set[str]
) -> None:
    assert type_in(shift, *words, "--format", "json") == 0
    assert {entry["act"] for entry in json.loads(capsys.readouterr().out)} == acts


def test_a_table_is_short_and_says_so_and_an_export_is_whole(
    shift: Seeded, capsys: pytest.CaptureFixture[str]
) -> None:
    assert type_in(shift) == 0
    shown = capsys.readouterr()
    assert shown.out.count("\n") == 50
    assert "the newest 50 lines" in shown.err
    assert "14:42:23 JST | =HYPERLINK(1) | site demo | tested" in shown.out.splitlines()[0]
    assert type_in(shift, "--format", "csv") == 0
    head, *rows = csv.reader(io.StringIO(capsys.readouterr().out, newline=""))
    assert head[:4] == ["event_id", "site", "actor", "subject"]
    assert [int(row[0]) for row in rows] == list(range(len(rows), 0, -1))
    assert len(rows) > 100
    assert type_in(shift, "--limit", "3", "--format", "csv") == 0
    assert len(capsys.readouterr().out.splitlines()) == 4


@pytest.mark.parametrize("words", [("--since", "yesterday"), ("--limit", "0"), ("--until", "")])
def test_what_cannot_be_asked_is_said(
    shift: Seeded, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    assert type_in(shift, *words) == 1
    assert words[0] in capsys.readouterr().err


def test_a_site_without_a_store_has_no_audit_and_gets_none(
    settings_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", "--settings", str(settings_file)]) == 3
    assert "no store yet" in capsys.readouterr().err
    assert not (settings_file.parent / "state" / "store.sqlite").exists()


def test_a_day_is_one_of_the_sites_zone_unless_a_moment_names_its_own() -> None:
    assert read_moment("--since", "2026-02-20", TOKYO) == datetime(2026, 2, 19, 15, tzinfo=UTC)
    end = read_moment("--until", "2026-02-20", TOKYO, whole_day=True)
    assert end == datetime(2026, 2, 20, 15, tzinfo=UTC)
    named = read_moment("--until", "2026-02-20T00:00+00:00", TOKYO, whole_day=True)
    assert named == datetime(2026, 2, 20, tzinfo=UTC)
    with pytest.raises(SettingsError, match="write a day like"):
        read_moment("--until", "9999-12-31", TOKYO, whole_day=True)


def states_by_the_audit(store: Store) -> dict[str, str]:
    """Follow every subject through the lines of the audit, each from where it was."""
    now: dict[str, str] = {}
    for event in reversed(queries.events(store, "here", limit=None)):
        kind, _, rest = event.subject.partition(" ")
        if kind in ("scan", "point", "job", "command") and event.act == f"{kind} {event.after}":
            assert now.get(event.subject, event.before) == event.before, event
            now[event.subject] = event.after
        elif kind == "command" and event.before == "claimed":
            assert now[event.subject] == "claimed", rest
            now[event.subject] = event.after
        elif event.act == "job intent":
            now[event.subject] = event.after
    return now


def states_of_the_store(store: Store) -> dict[str, str]:
    """Return the same from the rows themselves."""
    now: dict[str, str] = {}
    for scan in queries.scans(store, "here"):
        now[f"scan {scan.scan_id}"] = scan.state
        now |= {
            f"point {scan.scan_id}/{p.point.name}": p.state
            for p in queries.points(store, scan.scan_id)
        }
        now |= {f"job {job.job}": job.state for job in queries.jobs(store, scan.scan_id)}
    return now | {f"command {c.command_id}": c.state for c in queries.commands(store, "here")}


def test_the_audit_explains_every_state_of_a_shift(bench: Bench) -> None:
    bench.behave(ENDS_EARLY)
    one = bench.start_scan("KQ0146", 1)
    two = bench.start_scan("KQ0151", 2)
    bench.ask(StopScan(scan_id=two.scan_id, reason="laser off"))
    bench.ask(SyncNow())
    bench.until(lambda: bench.is_complete(one))
    bench.ask(StopScan(scan_id="000000000000", reason="nobody"))
    told, found = states_by_the_audit(bench.store), states_of_the_store(bench.store)
    assert {subject: told.get(subject, "expected") for subject in found} == found
    acts: dict[str, set[str]] = defaultdict(set)
    for event in queries.events(bench.store, "here", limit=None):
        assert event.actor in ("executor", "tester")
        acts[event.actor].add(re.sub(r"\d+", "N", event.act))
    assert acts["tester"] >= {"start-scan asked", "stop-scan asked", "scan stopped", "scan started"}
    assert acts["executor"] >= {
        "executor started",
        "link connected",
        "command claimed",
        "stop-scan refused",
        "job intent",
        "job id known",
        "job completed",
        "take N seen",
        "folder announced",
        "result stored",
        "judged",
        "scan complete",
    }


@pytest.mark.parametrize("table", tables.APPEND_ONLY, ids=lambda table: table.name)
@pytest.mark.parametrize("keeps_number", [True, False])
def test_a_row_cannot_be_replaced_either(
    shift: Seeded, table: sa.Table, *, keeps_number: bool
) -> None:
    """SQLite asks no trigger for DELETE when a row is replaced by one with its key."""
    (number,) = table.primary_key.columns
    store = shift.config.open_store()
    with store.reading() as connection:
        before = connection.execute(sa.select(table).order_by(number)).all()
    if not before:
        store.close()
        pytest.skip("the shift has none")
    is_unique = any(isinstance(rule, sa.UniqueConstraint) for rule in table.constraints)
    values = {**before[0]._asdict(), "site": "demo"}
    if not keeps_number:
        values[number.name] = 10**6
    insert = sa.insert(table).prefix_with("OR REPLACE").values(**values)
    if keeps_number or is_unique:
        with pytest.raises(StoreError, match="append-only: REPLACE"), store.writing() as writer:
            writer.select(insert)
    with store.reading() as connection:
        assert connection.execute(sa.select(table).order_by(number)).all() == before
    store.close()


ONLY_PROGRESS = {
    "close_journal": "how far a journal was read",
    "set_cursor": "how far a journal was read",
    "hear_job": "a sign of life",
    "expect_job": "the scheduler's estimate of a start, which moves with the queue",
    "time_job": "the scheduler's clock of a running job; its change of state has a line",
    "note_run_time": "the scheduler's clock of an ended job; its end has a line",
    "replace_acquisitions": "a list of what lies on the server; asking for it is a command",
    "count_copies": "what a clean-up would take; asking for it is a command",
    "note_software": "which server_side a job runs; its submission has a line",
    "note_moved_parts": "which folders an act is about to rename; the act has its lines",
}


def calls_of_the_writer() -> dict[str, set[str]]:
    """Return which methods each method of the store's writer calls."""
    calls: dict[str, set[str]] = defaultdict(set)
    for path in (ROOT / "background_executor" / "writing").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            for method in node.body if isinstance(node, ast.ClassDef) else ():
                if isinstance(method, ast.FunctionDef):
                    called = (c.func for c in ast.walk(method) if isinstance(c, ast.Call))
                    names = (f.attr for f in called if isinstance(f, ast.Attribute))
                    calls[method.name] |= set(names)
    return calls


def reached_from(calls: dict[str, set[str]], method: str) -> set[str]:
    reached, open_ends = set(), [method]
    while open_ends:
        fresh = calls.get(open_ends.pop(), set()) - reached
        reached |= fresh
        open_ends += fresh
    return reached


def test_whatever_the_writer_changes_leaves_a_line() -> None:
    calls = calls_of_the_writer()
    silent = {
        method
        for method in calls
        if not method.startswith("_")
        and reached_from(calls, method) & {"insert", "update", "delete"}
        and not reached_from(calls, method) & {"add_event", "add_move"}
    }
    of_transactions = {"insert", "update", "delete", "add_event", "count_change"}
    assert silent - of_transactions == set(ONLY_PROGRESS)
    assert len(calls) > 60


GUARDED = {table.name for table in tables.APPEND_ONLY}
_REWRITES = re.compile(
    r"\b(update|delete\s+from|replace\s+into|or\s+replace|truncate|drop\s+table)\b[^;]*?\b("
    + "|".join(sorted(GUARDED))
    + r")\b",
    re.IGNORECASE,
)


def table_named_by(node: ast.expr) -> str:
    """Return the last name of what a statement works on, ``events`` of ``tables.events``."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def rewriting_statements(source: str) -> list[str]:
    """Find what would change or delete a row of a table that is only appended to."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
            act = table_named_by(node.func)
            if act in ("update", "delete", "drop") and node.args:
                name = table_named_by(node.args[0])
                if name in GUARDED:
                    found.append(f"line {node.lineno}: {act} of {name}")
            on = table_named_by(node.func.value) if isinstance(node.func, ast.Attribute) else ""
            if act in ("update", "delete", "drop") and on in GUARDED:
                found.append(f"line {node.lineno}: {on}.{act}")
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
            if "BEFORE" not in text and (match := _REWRITES.search(text)) and "\n" not in text:
                found.append(f"line {node.lineno}: {match[0]}")
    return found


def test_no_statement_of_the_program_changes_or_deletes_a_line_of_the_audit() -> None:
    assert {"events", "decisions", "verdicts", "results"} <= GUARDED
    found = {
        str(path.relative_to(ROOT)): statements
        for folder in ("background_executor", "dashboard", "server_side")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if (statements := rewriting_statements(path.read_text()))
    }
    assert found == {}


@pytest.mark.parametrize(
    "source",
    [
        "self.update(tables.events, key, values)",
        "self.delete(tables.decisions, key)",
        "sa.update(events).where(x)",
        "tables.verdicts.delete()",
        "connection.execute('UPDATE results SET site = 1')",
        "op.execute('INSERT OR REPLACE INTO events VALUES (1)')",
        "sa.text('delete from events')",
    ],
)
def test_the_search_for_such_statements_finds_them(source: str) -> None:
    assert len(rewriting_statements(source)) == 1
