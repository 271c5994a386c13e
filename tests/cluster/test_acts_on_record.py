"""What is done to a site from the command line is in its audit."""

import contextlib
import getpass
import sys
from pathlib import Path

import pytest

from background_executor import queries
from background_executor.cli import main
from background_executor.config import load_config
from background_executor.ssh import next_host_key
from tests.cluster.cluster import RealCluster
from tests.cluster.site_settings import make_cluster_site

pytestmark = pytest.mark.cluster


def test_enrolment_and_deployment_are_on_record(cluster: RealCluster, tmp_path: Path) -> None:
    settings = make_cluster_site(cluster, tmp_path)
    (tmp_path / "known_hosts").unlink()
    config = load_config(settings)
    assert config.site.ssh is not None
    offer = next_host_key(config.site.ssh)
    assert offer is not None
    named = ["--settings", str(settings)]
    assert main(["enrol", "--fingerprint", "SHA256:another", *named]) == 1
    assert main(["enrol", "--fingerprint", offer.fingerprint, *named]) == 0
    python = sys.executable
    assert main(["deploy", "--base-python", python, "--packages-of", python, *named]) == 0
    with contextlib.closing(config.open_store()) as store:
        deployed, enrolled = queries.events(store, config.site.name)
    assert (enrolled.act, deployed.act) == ("host key enrolled", "server_side deployed")
    assert offer.fingerprint in enrolled.after
    assert {enrolled.actor, deployed.actor} == {getpass.getuser()}
