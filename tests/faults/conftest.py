"""A site on the real sshd and SLURM, its executor stepped by hand or run as a process."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.cluster import RealCluster
from tests.cluster.line import Line
from tests.cluster.site_settings import make_cluster_site
from tests.faults.cluster_bench import LOOK_EVERY_S, PATIENCE_S, ClusterBench


@pytest.fixture
def line(cluster: RealCluster) -> Iterator[Line]:
    with Line(cluster.ssh.port) as made:
        yield made


@pytest.fixture
def settings_file(cluster: RealCluster, line: Line, tmp_path: Path) -> Path:
    return make_cluster_site(cluster, tmp_path, port=line.port)


def wait_for_node(cluster: RealCluster) -> None:
    """Wait until the node takes jobs: SLURM takes one out of service that answered too slowly."""
    give_up = time.monotonic() + PATIENCE_S
    while not cluster.slurm.resume_node():
        assert time.monotonic() < give_up, cluster.slurm.run("sinfo", "-R").stdout
        time.sleep(LOOK_EVERY_S)


@pytest.fixture
def bench(cluster: RealCluster, settings_file: Path) -> Iterator[ClusterBench]:
    wait_for_node(cluster)
    made = ClusterBench(cluster, settings_file)
    yield made
    made.close()


@pytest.fixture(scope="module")
def shared_bench(
    cluster: RealCluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ClusterBench]:
    """One site for all tests of a module, which leave it as they find it."""
    wait_for_node(cluster)
    made = ClusterBench(cluster, make_cluster_site(cluster, tmp_path_factory.mktemp("site")))
    yield made
    made.close()
