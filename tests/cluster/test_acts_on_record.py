"""What is done to a site from the command line is in its audit."""

import contextlib
import getpass
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from background_executor import queries
from background_executor.cli import main
from background_executor.config import load_config
from background_executor.ssh import next_host_key
from background_executor.ssh.transport import LAST_CONNECT_FILE
from tests.cluster.cluster import RealCluster, free_ports
from tests.cluster.site_settings import make_cluster_site
from tests.cluster.ssh_server import SshServer

pytestmark = pytest.mark.cluster


def do(settings: Path, *act: str) -> int:
    """Do an act of the command line; the pause that login nodes want before it is over."""
    (load_config(settings).site.state_dir / LAST_CONNECT_FILE).unlink(missing_ok=True)
    return main([*act, "--settings", str(settings)])


def test_enrolment_and_deployment_are_on_record(cluster: RealCluster, tmp_path: Path) -> None:
    settings = make_cluster_site(cluster, tmp_path)
    (tmp_path / "known_hosts").unlink()
    config = load_config(settings)
    assert config.site.ssh is not None
    offer = next_host_key(config.site.ssh)
    assert offer is not None
    assert do(settings, "enrol", "--fingerprint", "SHA256:another") == 1
    assert do(settings, "enrol", "--fingerprint", offer.fingerprint) == 0
    python = sys.executable
    assert do(settings, "deploy", "--base-python", python, "--packages-of", python) == 0
    with contextlib.closing(config.open_store()) as store:
        deployed, enrolled = queries.events(store, config.site.name)
    assert (enrolled.act, deployed.act) == ("host key enrolled", "server_side deployed")
    assert offer.fingerprint in enrolled.after
    assert {enrolled.actor, deployed.actor} == {getpass.getuser()}


@pytest.fixture
def over_a_jump_host(cluster: RealCluster, tmp_path: Path) -> Iterator[Path]:
    """Settings of a site behind a jump host that has a key of its own; nothing is enrolled."""
    gate = SshServer(tmp_path / "gate", free_ports(1)[0], {})
    gate.prepare()
    gate.start()
    settings = make_cluster_site(cluster, tmp_path)
    (tmp_path / "known_hosts").unlink()
    (tmp_path / "ssh_config").write_text(
        f"Host gate\n  HostName {gate.host}\n  Port {gate.port}\n  User {gate.user}\n"
        f"  IdentityFile {gate.client_key}\n"
        f"Host {cluster.ssh.host}\n  ProxyJump gate\n"
    )
    yield settings
    gate.stop()


def test_each_host_on_the_way_is_enrolled_by_its_own_fingerprint(
    over_a_jump_host: Path, cluster: RealCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    section = load_config(over_a_jump_host).site.ssh
    assert section is not None
    offer = next_host_key(section)
    assert offer is not None
    assert offer.fingerprint != cluster.ssh.host_key_fingerprint()
    of_gate = ["--fingerprint", offer.fingerprint]
    assert do(over_a_jump_host, "enrol", *of_gate) == 1
    said = capsys.readouterr().out.splitlines()
    assert "none of those given" in said[-2]
    assert said[-1] == f"enrolled before it, and pinned: {offer.hop.key_name}"
    of_both = [*of_gate, "--fingerprint", cluster.ssh.host_key_fingerprint()]
    assert do(over_a_jump_host, "enrol", *of_both) == 0
    assert len(section.known_hosts.read_text().splitlines()) == 2
