"""Every transport the contract tests run against: add one to ``TRANSPORTS`` with its maker."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

from background_executor.ssh import SshTransport
from background_executor.transport import LocalTransport, Transport
from tests.cluster.site_settings import ssh_section

MakeTransport = Callable[[pytest.FixtureRequest, Path], AbstractContextManager[Transport]]


def local_transport(_: pytest.FixtureRequest, __: Path) -> AbstractContextManager[Transport]:
    return nullcontext(LocalTransport())


def ssh_transport(
    request: pytest.FixtureRequest, folder: Path
) -> AbstractContextManager[Transport]:
    section = ssh_section(request.getfixturevalue("cluster"), folder)
    return nullcontext(SshTransport(section, call_timeout_s=20.0))


TRANSPORTS: dict[str, MakeTransport] = {"local": local_transport, "ssh": ssh_transport}
NEEDS_CLUSTER = {"ssh"}


def _parameter(name: str) -> object:
    return pytest.param(name, marks=[pytest.mark.cluster] if name in NEEDS_CLUSTER else [])


@pytest.fixture(params=[_parameter(name) for name in TRANSPORTS])
def transport(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Transport]:
    with TRANSPORTS[request.param](request, tmp_path) as made:
        made.connect()
        yield made
        made.close()


@pytest.fixture
def server_folder(tmp_path: Path) -> Path:
    """A folder on the server; here it is this machine, so that tests can look into it."""
    folder = tmp_path / "on the server"
    folder.mkdir()
    return folder
