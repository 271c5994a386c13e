"""Every transport the contract tests run against: add one to ``TRANSPORTS`` with its maker."""

import os
import pwd
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import pytest

from background_executor.ssh import SshTransport
from background_executor.transport import LocalTransport, Transport
from tests.cluster.cluster import RealCluster
from tests.cluster.site_settings import ssh_section

NEEDS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")

MakeTransport = Callable[[pytest.FixtureRequest, Path], AbstractContextManager[Transport]]


def local_transport(_: pytest.FixtureRequest, __: Path) -> AbstractContextManager[Transport]:
    return nullcontext(LocalTransport())


def ssh_transport(
    request: pytest.FixtureRequest, folder: Path
) -> AbstractContextManager[Transport]:
    section = ssh_section(request.getfixturevalue("cluster"), folder)
    return nullcontext(SshTransport(section, call_timeout_s=20.0))


def ssh_transport_to(shell: str, text: str) -> MakeTransport:
    """Return the maker of a transport to an account whose login shell is another."""

    def make(request: pytest.FixtureRequest, folder: Path) -> AbstractContextManager[Transport]:
        if shutil.which(shell) is None:
            pytest.skip(f"there is no {shell} on this machine")
        cluster: RealCluster = request.getfixturevalue("cluster")
        cluster.ssh.add_login(folder / "key", text)
        section = ssh_section(cluster, folder).model_copy(update={"identity": folder / "key"})
        return nullcontext(SshTransport(section, call_timeout_s=20.0))

    return make


GREETING = """\
i=0; while [ $i -lt 2000 ]; do echo "Welcome to the cluster! pmt|7|RUNNING"; i=$((i+1)); done
echo "disk quota: 97 % used" >&2; printf "no end of line"
exec bash -c "$SSH_ORIGINAL_COMMAND"
"""


def ssh_transport_to_nobody(
    request: pytest.FixtureRequest, folder: Path
) -> AbstractContextManager[Transport]:
    """An account without root's rights, as every account on a cluster is."""
    shell = 'cd /; exec setpriv --reuid=nobody --clear-groups sh -c "$SSH_ORIGINAL_COMMAND"'
    return ssh_transport_to("setpriv", shell)(request, folder)


@contextmanager
def local_transport_of_nobody() -> Iterator[Transport]:
    os.seteuid(pwd.getpwnam("nobody").pw_uid)
    try:
        yield LocalTransport()
    finally:
        os.seteuid(0)


ORDINARY: dict[str, MakeTransport] = {
    "local": lambda _, __: local_transport_of_nobody(),
    "ssh": ssh_transport_to_nobody,
}


@pytest.fixture
def folder_with_closed_one() -> Iterator[Path]:
    """A folder of root, with one in it that only root may read."""
    # Not among pytest's own, which nobody else can enter.
    with tempfile.TemporaryDirectory(prefix="pmt on the server ") as made:
        folder = Path(made)
        folder.chmod(0o755)
        (folder / "take").mkdir()
        (folder / "closed" / "deeper").mkdir(parents=True)
        (folder / "closed").chmod(0o700)
        yield folder


@pytest.fixture(
    params=[
        pytest.param("local", marks=[NEEDS_ROOT]),
        pytest.param("ssh", marks=[pytest.mark.cluster]),
    ]
)
def ordinary_transport(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Transport]:
    """A transport whose user may not read everything, as root may."""
    with ORDINARY[request.param](request, tmp_path) as made:
        yield made
        made.close()


TRANSPORTS: dict[str, MakeTransport] = {
    "local": local_transport,
    "ssh": ssh_transport,
    "ssh to a shell that prints": ssh_transport_to("bash", GREETING),
    "ssh to csh": ssh_transport_to("csh", 'exec csh -c "$SSH_ORIGINAL_COMMAND"'),
    "ssh to fish": ssh_transport_to("fish", 'exec fish -c "$SSH_ORIGINAL_COMMAND"'),
    "ssh to zsh": ssh_transport_to("zsh", 'exec zsh -c "$SSH_ORIGINAL_COMMAND"'),
}
NEEDS_CLUSTER = set(TRANSPORTS) - {"local"}


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
