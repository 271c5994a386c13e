"""What tests of several folders share."""

import subprocess
from collections.abc import Iterator

import pytest

from tests.cluster.cluster import RealCluster, why_not
from tests.run_guard import guard_this_process

LONG = ("slow", "browser", "cluster")
GUARD = pytest.StashKey[subprocess.Popen[bytes]]()


def pytest_configure(config: pytest.Config) -> None:
    """Let nothing that the tests start outlive this run, or this worker of one."""
    config.stash[GUARD] = guard_this_process()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take long: at the end no worker waits long for another.

    They come by their own names, not by folders: that mixes those that wait for servers with
    those that compute, and two that drive a browser hardly ever run at once.
    """
    long = {item.path for item in items if any(map(item.get_closest_marker, LONG))}
    items.sort(key=lambda item: (0, item.path.name) if item.path in long else (1, ""))


@pytest.fixture(scope="session")
def cluster() -> Iterator[RealCluster]:
    """A real sshd and a real SLURM, started once; skipped with the reason where that cannot be."""
    if reason := why_not():
        pytest.skip(reason)
    with RealCluster() as running:
        yield running
