"""Settings that reach a test cluster, as an operator would have written them."""

import json
import sys
from pathlib import Path

from background_executor.config import SiteConfig, SshSection, load_config
from tests.background_executor.bench import POINTS, PYTHON, ROOT
from tests.cluster.cluster import RealCluster

SETTINGS = """\
[site]
name = "here"
transport = "ssh"
scheduler = "slurm"
base_folder = "{folder}/server"
raw_base = "{folder}/raw"
state_dir = "{folder}/state"
python = "{python}"
poll_s = {poll_s}
scheduler_poll_s = 1.0
call_timeout_s = 10.0

[site.submit]
partition = "physical"
time_limit = "00:10:00"
memory = "200M"
cpus = 1

[site.ssh]
host = "{host}"
port = {port}
user = "{user}"
identity = "{identity}"
known_hosts = "{folder}/known_hosts"
config_file = "{folder}/ssh_config"
connect_timeout_s = 5.0

[plan]
positions = {points}
"""


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


def make_cluster_site(
    cluster: RealCluster,
    folder: Path,
    *,
    port: int | None = None,
    points: tuple[str, ...] = POINTS,
    poll_s: float = 0.05,
) -> Path:
    """Make a site whose jobs are made-up watchers in the real SLURM; return its settings file."""
    python = folder / "python"
    python.write_text(PYTHON.format(root=ROOT, python=sys.executable))
    python.chmod(0o755)
    for name in ("server", "raw"):
        (folder / name).mkdir()
    (folder / "ssh_config").touch()
    pin_host_key(cluster, folder / "known_hosts", port)
    settings = folder / "site.toml"
    settings.write_text(
        SETTINGS.format(
            folder=folder,
            python=python,
            host=cluster.ssh.host,
            port=port or cluster.ssh.port,
            user=cluster.ssh.user,
            identity=cluster.ssh.client_key,
            points=json.dumps(points),
            poll_s=poll_s,
        )
    )
    return settings


def change_settings(settings: Path, old: str, new: str) -> SiteConfig:
    """Change a settings file as an editor would, and load it."""
    text = settings.read_text()
    assert old in text
    settings.write_text(text.replace(old, new))
    return load_config(settings)
