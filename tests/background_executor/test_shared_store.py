"""A store that several machines may reach: one executor works on it, and outlives its outages."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from background_executor import instance, queries
from background_executor.audit import EventFilter
from background_executor.commands import StartScan
from background_executor.config import load_config
from background_executor.logs import LOG_FILE
from server_side.scan import Slot
from tests.background_executor.bench import WAITS, Bench, make_site_folder
from tests.background_executor.postgresql_server import PostgresqlServer

PATIENCE_S = 120.0
RUN = [sys.executable, "-m", "background_executor", "run", "--settings"]


def wait_until(condition: Callable[[], bool], what: str) -> None:
    give_up = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < give_up, what
        time.sleep(0.05)


def machine(folder: Path, base: Path, store_url: str) -> Path:
    """Make the settings of one operator's machine: its own state, a shared store and server."""
    folder.mkdir()
    settings = make_site_folder(folder)
    text = settings.read_text().replace('"server"', f'"{base / "server"}"')
    text = text.replace('"raw"', f'"{base / "raw"}"')
    text = text.replace('state_dir = "state"', f'state_dir = "state"\nstore_url = "{store_url}"')
    settings.write_text(text)
    return settings


def test_of_two_machines_on_one_store_one_works(store_url: str, tmp_path: Path) -> None:
    first = machine(tmp_path / "first", tmp_path / "first", store_url)
    second = machine(tmp_path / "second", tmp_path / "first", store_url)
    bench = Bench(first)
    command = StartScan(serial_number="KQ0146", slot=Slot.ONE)
    bench.store.enqueue("here", command, "tester", "once", bench.now)
    working = subprocess.Popen([*RUN, str(first)])
    try:
        wait_until(lambda: queries.executor(bench.store, "here") is not None, "no sign of life")
        refused = subprocess.run(
            [*RUN, str(second)], capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
        assert refused.returncode == 1
        assert f"works on this store already (pmt executor, process {working.pid}" in refused.stderr
        assert not instance.is_running(load_config(second))
        wait_until(lambda: queries.scans(bench.store, "here") != (), "the wish was not done")
        (scan,) = queries.scans(bench.store, "here")
        wait_until(lambda: bench.is_complete(scan), "the scan was not completed")
        said = queries.executor(bench.store, "here")
        assert said is not None
        assert said.pid == working.pid
    finally:
        working.terminate()
        working.wait(PATIENCE_S)
    bench.assert_each_point_once(scan)
    assert len(bench.jobs(scan)) == 1
    bench.close()


def test_an_executor_outlives_a_restart_of_its_database(
    postgresql: PostgresqlServer, tmp_path: Path
) -> None:
    store_url = postgresql.make_database("restarted")
    bench = Bench(machine(tmp_path / "one", tmp_path / "one", store_url))
    bench.behave(WAITS)
    command = StartScan(serial_number="KQ0146", slot=Slot.ONE)
    bench.store.enqueue("here", command, "tester", "once", bench.now)
    working = subprocess.Popen([*RUN, str(bench.settings)])
    try:
        wait_until(lambda: queries.scans(bench.store, "here") != (), "the wish was not done")
        (scan,) = queries.scans(bench.store, "here")
        wait_until(lambda: "stored" in bench.states(scan), "nothing was stored")
        postgresql.stop()
        log = bench.config.log_folder / LOG_FILE
        wait_until(lambda: "Nothing can be noted for now" in log.read_text(), "it did not notice")
        postgresql.start()
        bench.store.close()  # the connections of this process are gone, too
        bench.let_go()
        wait_until(lambda: bench.is_complete(scan), "the scan was not completed")
    finally:
        working.terminate()
        assert working.wait(PATIENCE_S) == 0
    bench.assert_each_point_once(scan)
    assert len(bench.jobs(scan)) == 1
    (event,) = queries.events(bench.store, "here", EventFilter(act="store reached again"))
    assert event.before.startswith("out of reach since")
    bench.close()
