"""A store is made again over a real SSH connection."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from background_executor.cli import main
from background_executor.config import load_config
from background_executor.decisions.decision_commands import AcceptTakes, ArchiveScan, FlagTakes
from tests.background_executor.bench import Bench, make_site_folder
from tests.background_executor.histories import archive, complete, decide, everything
from tests.cluster.cluster import RealCluster
from tests.cluster.site_settings import ssh_section

pytestmark = pytest.mark.cluster

SSH = """
[site.ssh]
host = "{host}"
port = {port}
user = "{user}"
identity = "{identity}"
known_hosts = "{known_hosts}"
"""


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(make_site_folder(tmp_path))
    yield bench
    bench.close()


def reach_by_ssh(cluster: RealCluster, bench: Bench, folder: Path) -> Path:
    """Write settings that reach the same server through the cluster's sshd."""
    section, site = ssh_section(cluster, folder), bench.config.site
    text = bench.settings.read_text().replace('"local"', '"ssh"')
    text = text.replace('base_folder = "server"', f'base_folder = "{site.base_folder}"')
    text = text.replace('raw_base = "raw"', f'raw_base = "{site.raw_base}"')
    settings = folder / "ssh.toml"
    head, plan = text.split("[plan]")
    settings.write_text(f"{head}{SSH.format(**section.model_dump())}\n[plan]{plan}")
    return settings


def test_a_lost_store_comes_back_over_ssh(cluster: RealCluster, bench: Bench) -> None:
    one, two = complete(bench), complete(bench, "KQ0151", 2)
    names = [point.name for point in one.plan.points]
    decide(bench, FlagTakes, one, names[0], reason="noise")
    decide(bench, AcceptTakes, one, *names[1:], reason="dark on purpose")
    archive(bench, ArchiveScan, one)
    decide(bench, FlagTakes, two, *names[:2], reason="light leak", comment="door")
    before = everything(bench.store)
    settings = reach_by_ssh(cluster, bench, bench.settings.parent)
    state = bench.config.site.state_dir
    shutil.move(state, state.with_name("lost"))
    assert main(["rebuild", "--settings", str(settings)]) == 0
    store = load_config(settings).open_store()
    assert everything(store) == before
    store.close()
