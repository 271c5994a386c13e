"""Settings that reach a test cluster, as an operator would have written them."""

from pathlib import Path

from background_executor.config import SshSection
from tests.cluster.cluster import RealCluster


def pin_host_key(cluster: RealCluster, known_hosts: Path, port: int | None = None) -> None:
    """Write the cluster's host key where enrolment would put it."""
    kind, key, *_ = (cluster.ssh.folder / "host_key.pub").read_text().split()
    known_hosts.write_text(f"[{cluster.ssh.host}]:{port or cluster.ssh.port} {kind} {key}\n")


def ssh_section(cluster: RealCluster, folder: Path, *, port: int | None = None) -> SshSection:
    """Return ``[site.ssh]`` for a cluster, its host key pinned in a folder; port of a proxy."""
    known_hosts = folder / "known_hosts"
    pin_host_key(cluster, known_hosts, port)
    return SshSection(
        host=cluster.ssh.host,
        port=port or cluster.ssh.port,
        user=cluster.ssh.user,
        identity=cluster.ssh.client_key,
        known_hosts=known_hosts,
        connect_timeout_s=5.0,
    )
