"""The test cluster itself: it comes up, answers, and leaves nothing behind."""

import tempfile
from pathlib import Path

import pytest

from tests.cluster.cluster import RealCluster, remove_cluster, sweep_abandoned, why_not
from tests.cluster.daemon import marked_processes
from tests.cluster.ssh_server import answers_as_ssh
from tests.faults.small_disk import mount_small_disk

pytestmark = pytest.mark.cluster


@pytest.mark.parametrize("way", ["stopped by its owner", "removed by its folder alone"])
def test_a_cluster_leaves_neither_processes_nor_files_nor_ports(way: str) -> None:
    if reason := why_not():
        pytest.skip(reason)
    cluster = RealCluster(outlives_owner=True)
    cluster.start()
    assert cluster.slurm.node_is_idle()
    assert answers_as_ssh(cluster.ssh.port)
    assert len(marked_processes(cluster.folder)) >= 4
    if way.startswith("stopped"):
        cluster.stop()
    else:
        remove_cluster(cluster.folder)
    assert marked_processes(cluster.folder) == []
    cluster.stop()  # once more does no harm, and gives the dead children back
    assert not cluster.folder.exists()
    assert not answers_as_ssh(cluster.ssh.port)


def test_what_one_sweep_cannot_remove_is_found_by_the_next() -> None:
    if reason := why_not():
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="pmt-cluster-"))
    (folder / "owner").write_text("1 the-process-of-another-day")
    with mount_small_disk(folder / "site" / "small", "1M"):
        sweep_abandoned()
        assert folder.exists()
    sweep_abandoned()
    assert not folder.exists()
