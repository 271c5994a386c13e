"""What tests of several folders share."""

from collections.abc import Iterator

import pytest

from tests.cluster.cluster import RealCluster, why_not


@pytest.fixture(scope="session")
def cluster() -> Iterator[RealCluster]:
    """A real sshd and a real SLURM, started once; skipped with the reason where that cannot be."""
    if reason := why_not():
        pytest.skip(reason)
    with RealCluster() as running:
        yield running
