"""A site in a temporary folder for each test of the executor."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.background_executor.bench import Bench, make_site_folder
from tests.background_executor.postgresql_server import PostgresqlServer, why_no_postgresql


@pytest.fixture
def settings_file(tmp_path: Path) -> Path:
    return make_site_folder(tmp_path)


@pytest.fixture
def bench(settings_file: Path) -> Iterator[Bench]:
    bench = Bench(settings_file)
    yield bench
    bench.close()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlServer]:
    """A real server, started once; skipped with the reason where that cannot be."""
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
    """A store that several settings files may name, of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'shared.sqlite'}"
    postgresql: PostgresqlServer = request.getfixturevalue("postgresql")
    return postgresql.make_database(f"test_{time.monotonic_ns()}")
