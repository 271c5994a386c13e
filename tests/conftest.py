"""What tests of several folders share."""

import subprocess
from collections.abc import Iterator

import pytest

from tests.cluster.cluster import RealCluster, why_not
from tests.run_guard import guard_this_process

GUARD = pytest.StashKey[subprocess.Popen[bytes]]()


def pytest_configure(config: pytest.Config) -> None:
    """Let nothing that the tests start outlive this run, or this worker of one."""
    config.stash[GUARD] = guard_this_process()


@pytest.fixture(scope="session")
def cluster() -> Iterator[RealCluster]:
    """A real sshd and a real SLURM, started once; skipped with the reason where that cannot be."""
    if reason := why_not():
        pytest.skip(reason)
    with RealCluster() as running:
        yield running
