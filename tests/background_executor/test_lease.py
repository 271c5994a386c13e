"""One executor of a site on one store: state folders of their own, or machines of their own."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from background_executor.errors import AlreadyRunningError, StoreUnavailableError
from background_executor.lease import PostgresqlLease, hold_lease
from tests.background_executor.postgresql_server import PostgresqlServer

HOLD = (
    "import sys; from background_executor.lease import hold_lease\n"
    "with hold_lease(*sys.argv[1:]):\n"
    "    print('held', flush=True); sys.stdin.read()"
)


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
def lease(postgresql: PostgresqlServer) -> Iterator[PostgresqlLease]:
    """A lease on a PostgreSQL store, not taken yet."""
    url = sa.make_url(postgresql.make_database(f"test_{time.monotonic_ns()}"))
    with contextlib.closing(PostgresqlLease(url, "here")) as made:
        yield made


def test_a_session_that_the_database_ended_is_replaced(
    lease: PostgresqlLease, postgresql: PostgresqlServer
) -> None:
    lease.take()
    postgresql.end_sessions(lease.url.database or "")
    lease.keep()
    with (
        pytest.raises(AlreadyRunningError),
        hold_lease(lease.url.render_as_string(hide_password=False), "here"),
    ):
        pytest.fail("two held it")


def test_who_lost_it_to_another_is_told_before_the_next_turn(
    lease: PostgresqlLease, postgresql: PostgresqlServer
) -> None:
    lease.take()
    postgresql.end_sessions(lease.url.database or "")
    with (
        another_holder(lease.url.render_as_string(hide_password=False)) as other,
        pytest.raises(AlreadyRunningError, match=f"process {other.pid} on"),
    ):
        lease.keep()


def test_a_database_that_is_away_is_waited_for(
    lease: PostgresqlLease, postgresql: PostgresqlServer
) -> None:
    lease.take()
    postgresql.stop()
    try:
        for _ in range(2):
            with pytest.raises(StoreUnavailableError, match="another executor works on it"):
                lease.keep()
    finally:
        postgresql.start()
    lease.keep()
    with another_holder(lease.url.render_as_string(hide_password=False), "elsewhere"):
        lease.keep()
