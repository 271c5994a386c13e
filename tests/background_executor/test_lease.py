"""One executor of a site on one store: state folders of their own, or machines of their own."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from background_executor import instance, queries
from background_executor.commands import StartScan
from background_executor.config import load_config
from background_executor.errors import AlreadyRunningError, StoreUnavailableError
from background_executor.lease import PostgresqlLease, hold_lease
from server_side.scan import Slot
from tests.background_executor.bench import Bench, make_site_folder
from tests.background_executor.postgresql_server import PostgresqlServer, why_no_postgresql

PATIENCE_S = 120.0
HOLD = (
    "import sys; from background_executor.lease import hold_lease\n"
    "with hold_lease(*sys.argv[1:]):\n"
    "    print('held', flush=True); sys.stdin.read()"
)
RUN = [sys.executable, "-m", "background_executor", "run", "--settings"]


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresqlServer]:
    if reason := why_no_postgresql():
        pytest.skip(reason)
    # pytest's own folders cannot be entered by the server's user, and a socket's path is short.
    with (
        tempfile.TemporaryDirectory(prefix="pmt-pg-") as folder,
        PostgresqlServer(Path(folder)) as running,
    ):
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'shared.sqlite'}"
    server: PostgresqlServer = request.getfixturevalue("server")
    return server.make_database(f"test_{time.monotonic_ns()}")


@contextlib.contextmanager
def another_holder(store_url: str, site: str = "here") -> Iterator[subprocess.Popen[str]]:
    """Hold the lease in a process of its own."""
    argv = [sys.executable, "-c", HOLD, store_url, site]
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_one_is_refused_and_told_who_has_it(store_url: str) -> None:
    with (
        another_holder(store_url) as holder,
        pytest.raises(AlreadyRunningError, match=f"process {holder.pid} on .*stop it first"),
        hold_lease(store_url, "here"),
    ):
        pytest.fail("two held it")


def test_another_site_of_the_same_store_has_a_lease_of_its_own(store_url: str) -> None:
    with another_holder(store_url, "elsewhere"), hold_lease(store_url, "here") as lease:
        lease.keep()
        with pytest.raises(AlreadyRunningError, match="site elsewhere"):
            hold_lease(store_url, "elsewhere").__enter__()


def test_it_is_free_when_its_holder_was_killed(store_url: str) -> None:
    with another_holder(store_url) as holder:
        os.kill(holder.pid, signal.SIGKILL)
        with hold_lease(store_url, "here"):
            holder.wait()
    assert holder.returncode == -signal.SIGKILL


@pytest.fixture
def lease(server: PostgresqlServer) -> Iterator[PostgresqlLease]:
    """A lease on a PostgreSQL store, not taken yet."""
    url = sa.make_url(server.make_database(f"test_{time.monotonic_ns()}"))
    with contextlib.closing(PostgresqlLease(url, "here")) as made:
        yield made


def test_a_session_that_the_database_ended_is_replaced(
    lease: PostgresqlLease, server: PostgresqlServer
) -> None:
    lease.take()
    server.end_sessions(lease.url.database or "")
    lease.keep()
    with (
        pytest.raises(AlreadyRunningError),
        hold_lease(lease.url.render_as_string(hide_password=False), "here"),
    ):
        pytest.fail("two held it")


def test_who_lost_it_to_another_is_told_before_the_next_turn(
    lease: PostgresqlLease, server: PostgresqlServer
) -> None:
    lease.take()
    server.end_sessions(lease.url.database or "")
    with (
        another_holder(lease.url.render_as_string(hide_password=False)) as other,
        pytest.raises(AlreadyRunningError, match=f"process {other.pid} on"),
    ):
        lease.keep()


def test_a_database_that_is_away_is_waited_for(
    lease: PostgresqlLease, server: PostgresqlServer
) -> None:
    lease.take()
    server.stop()
    try:
        for _ in range(2):
            with pytest.raises(StoreUnavailableError, match="another executor works on it"):
                lease.keep()
    finally:
        server.start()
    lease.keep()
    with another_holder(lease.url.render_as_string(hide_password=False), "elsewhere"):
        lease.keep()


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
