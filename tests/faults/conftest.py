"""A site on the real sshd and SLURM, its executor stepped by hand or run as a process."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.cluster import RealCluster
from tests.cluster.line import Line
from tests.cluster.site_settings import make_cluster_site
from tests.faults.cluster_bench import ClusterBench


@pytest.fixture
def line(cluster: RealCluster) -> Iterator[Line]:
    with Line(cluster.ssh.port) as made:
        yield made


@pytest.fixture
def settings_file(cluster: RealCluster, line: Line, tmp_path: Path) -> Path:
    return make_cluster_site(cluster, tmp_path, port=line.port)


@pytest.fixture
def bench(cluster: RealCluster, settings_file: Path) -> Iterator[ClusterBench]:
    made = ClusterBench(cluster, settings_file)
    yield made
    made.close()
