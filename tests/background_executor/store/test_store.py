"""The store as a file among processes: made once, whole or not at all, never rewritten."""

import signal
import sqlite3
import subprocess
import sys
import textwrap
from datetime import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from background_executor import queries, tables
from background_executor.commands import StartScan, SyncNow
from background_executor.errors import StoreError
from background_executor.store import Store
from server_side.scan import ScanPlan, Slot
from tests.seed_store import Seeded

SETTLE_S = 60


def _run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-c", textwrap.dedent(code), *arguments]
    return subprocess.run(argv, capture_output=True, text=True, timeout=SETTLE_S, check=False)


def _sqlite(url: str) -> sqlite3.Connection:
    return sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)


def test_the_migrations_make_exactly_the_tables(store: Store, store_url: str) -> None:
    engine = sa.create_engine(store_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.METADATA) == []
    engine.dispose()


def test_opening_twice_changes_nothing(store: Store, store_url: str, tmp_path: Path) -> None:
    connection = _sqlite(store_url)
    before = connection.execute("SELECT sql FROM sqlite_master ORDER BY name").fetchall()
    Store.open(store_url, tmp_path).close()
    assert connection.execute("SELECT sql FROM sqlite_master ORDER BY name").fetchall() == before
    connection.close()


def test_several_processes_may_open_a_new_store_at_once(store_url: str, tmp_path: Path) -> None:
    code = """
        import sys
        from pathlib import Path
        from background_executor.store import Store
        Store.open(sys.argv[1], Path("results")).close()
    """
    argv = [sys.executable, "-c", textwrap.dedent(code), store_url]
    openers = [subprocess.Popen(argv, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    outcomes = [(opener.communicate(timeout=SETTLE_S)[1], opener.returncode) for opener in openers]
    assert outcomes == [("", 0)] * 4
    connection = _sqlite(store_url)
    assert connection.execute("SELECT count(*) FROM alembic_version").fetchone() == (1,)
    assert connection.execute("SELECT count(*) FROM changes").fetchone() == (1,)
    connection.close()


def test_a_step_that_fails_leaves_nothing_behind(store_url: str, tmp_path: Path) -> None:
    connection = _sqlite(store_url)
    # The last table of the first step is in the way: all the others were made before it.
    connection.execute("CREATE TABLE acquisitions (something TEXT)")
    with pytest.raises(StoreError, match="already exists"):
        Store.open(store_url, tmp_path)
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    assert names == [("acquisitions",)]
    connection.close()


def test_a_store_of_a_newer_version_is_refused(
    store: Store, store_url: str, tmp_path: Path
) -> None:
    connection = _sqlite(store_url)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(StoreError, match=r"newer version \(step '9999'"):
        Store.open(store_url, tmp_path)


def test_a_store_that_cannot_be_opened_says_which_and_hides_the_password(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"store sqlite:///.*nowhere.* cannot be opened"):
        Store.open(f"sqlite:///{tmp_path}/nowhere/store.sqlite", tmp_path)
    (tmp_path / "broken.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreError, match="not a database"):
        Store.open(f"sqlite:///{tmp_path}/broken.sqlite", tmp_path)


def test_the_writer_is_durable_and_checks_references(store: Store) -> None:
    with store.writing() as writer:
        pragmas = {
            name: writer.select(sa.text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert pragmas == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 30_000,
    }


def test_a_reader_cannot_write(store: Store) -> None:
    with pytest.raises(StoreError, match="readonly"), store.reading() as connection:
        connection.execute(sa.update(tables.changes).values(counter=99))


@pytest.mark.parametrize("table", tables.APPEND_ONLY, ids=lambda table: table.name)
@pytest.mark.parametrize("act", ["UPDATE {} SET site = 'other'", "DELETE FROM {}"])
def test_the_database_itself_refuses_to_rewrite_what_was_judged_decided_or_done(
    seeded_store: Store, table: sa.Table, act: str
) -> None:
    with seeded_store.reading() as connection:
        before = connection.execute(sa.select(table)).all()
    assert before
    refused = pytest.raises(StoreError, match=f"{table.name} is append-only")
    with refused, seeded_store.writing() as writer:
        writer.select(sa.text(act.format(table.name)))
    with seeded_store.reading() as connection:
        assert connection.execute(sa.select(table)).all() == before


def test_an_error_in_a_transaction_takes_everything_back(
    store: Store, plan: ScanPlan, now: datetime
) -> None:
    def fail_in_the_middle() -> None:
        with store.writing(now) as writer:
            writer.add_scan(plan, "me")
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        fail_in_the_middle()
    assert queries.scan(store, plan.scan_id) is None
    assert queries.events(store, plan.site) == ()
    assert queries.change_counter(store) == 0


@pytest.mark.parametrize("is_committed", [False, True])
def test_a_process_killed_in_a_transaction_leaves_it_whole_or_undone(
    store: Store, store_url: str, plan: ScanPlan, *, is_committed: bool
) -> None:
    code = """
        import os, signal, sys
        from pathlib import Path
        from background_executor.store import Store
        from server_side.scan import ScanPlan
        plan = ScanPlan.model_validate_json(sys.argv[2])
        store = Store.open(sys.argv[1], Path("results"))
        with store.writing() as writer:
            writer.add_scan(plan, "me")
            if sys.argv[3] == "False":
                os.kill(os.getpid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    killed = _run(code, store_url, plan.model_dump_json(), str(is_committed))
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert len(queries.points(store, plan.scan_id)) == (21 if is_committed else 0)
    assert (queries.scan(store, plan.scan_id) is not None) is is_committed
    connection = _sqlite(store_url)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_a_reader_in_another_process_sees_only_whole_transactions(
    store: Store, store_url: str, plan: ScanPlan, tmp_path: Path
) -> None:
    code = """
        import sys
        from pathlib import Path
        from background_executor import queries
        from background_executor.store import Store
        store, looks, seen = Store.open(sys.argv[1], Path("results")), 0, 0
        while seen < 30:
            scans = queries.scans(store, "demo", limit=100)
            assert all(scan.points_planned == 21 for scan in scans), scans
            looks, seen = looks + 1, len(scans)
        print(looks)
    """
    argv = [sys.executable, "-c", textwrap.dedent(code), store_url]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(argv, text=True, **pipes) as reader:
        for number in range(30):
            with store.writing() as writer:
                writer.add_scan(plan.model_copy(update={"scan_id": f"{number:012x}"}), "me")
        looks, errors = reader.communicate(timeout=SETTLE_S)
    assert (reader.returncode, errors) == (0, "")
    assert int(looks) >= 1


def test_two_writers_wait_for_each_other_and_lose_nothing(store: Store, store_url: str) -> None:
    code = """
        import sys
        from pathlib import Path
        from background_executor.commands import SyncNow
        from background_executor.store import Store
        store = Store.open(sys.argv[1], Path("results"))
        for number in range(40):
            store.enqueue("demo", SyncNow(), "page", f"{sys.argv[2]}-{number}")
    """
    argv = [sys.executable, "-c", textwrap.dedent(code), store_url]
    pages = [subprocess.Popen([*argv, name]) for name in ("left", "right")]
    assert [page.wait(timeout=SETTLE_S) for page in pages] == [0, 0]
    assert len(queries.commands(store, "demo", limit=100)) == 80
    assert queries.change_counter(store) == 80


def test_the_same_wish_asked_twice_is_one_command(store: Store) -> None:
    command = StartScan(serial_number="KQ0146", slot=Slot.ONE)
    first = store.enqueue("demo", command, "me", "click-1")
    assert store.enqueue("demo", command, "me", "click-1") == first
    assert store.enqueue("demo", command, "me", "click-2") != first
    assert len(queries.commands(store, "demo")) == 2


def test_a_key_cannot_stand_for_two_wishes(store: Store) -> None:
    store.enqueue("demo", SyncNow(), "me", "click-1")
    with pytest.raises(StoreError, match="key 'click-1' was used for sync-now"):
        store.enqueue("demo", StartScan(serial_number="KQ0146", slot=Slot.ONE), "me", "click-1")


def test_the_counter_moves_with_news_and_not_with_looking(
    store: Store, plan: ScanPlan, now: datetime
) -> None:
    assert queries.change_counter(store) == 0
    with store.writing(now) as writer:
        writer.add_scan(plan, "me")
    assert queries.change_counter(store) == 1
    with store.writing(now) as writer:
        writer.add_scan(plan, "me")
    queries.scans(store, plan.site)
    assert queries.change_counter(store) == 1


def test_everything_is_readable_while_a_transaction_is_open(
    store: Store, plan: ScanPlan, now: datetime
) -> None:
    with store.writing(now) as writer:
        writer.add_scan(plan, "me")
        assert queries.scan(store, plan.scan_id) is None
    assert queries.scan(store, plan.scan_id) is not None


def test_results_and_store_may_be_moved_together(
    seeded_store: Store, seeded: Seeded, tmp_path: Path
) -> None:
    result_id = queries.points(seeded_store, "5ca100000002")[0].result_id
    assert result_id is not None
    before = queries.result(seeded_store, result_id)
    moved = Store.open(seeded.config.store_url, tmp_path / "elsewhere")
    after = queries.result(moved, result_id)
    moved.close()
    assert before is not None
    assert after is not None
    assert before.folder.name == after.folder.name
    assert after.folder.is_relative_to(tmp_path / "elsewhere")
