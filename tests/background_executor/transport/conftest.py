"""Every transport the contract tests run against: add one to ``TRANSPORTS`` with its maker."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

from background_executor.transport import LocalTransport, Transport

MakeTransport = Callable[[Path], AbstractContextManager[Transport]]


def local_transport(_: Path) -> AbstractContextManager[Transport]:
    return nullcontext(LocalTransport())


TRANSPORTS: dict[str, MakeTransport] = {"local": local_transport}


@pytest.fixture(params=list(TRANSPORTS))
def transport(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Transport]:
    with TRANSPORTS[request.param](tmp_path) as made:
        made.connect()
        yield made
        made.close()


@pytest.fixture
def server_folder(tmp_path: Path) -> Path:
    """A folder on the server; here it is this machine, so that tests can look into it."""
    folder = tmp_path / "on the server"
    folder.mkdir()
    return folder
