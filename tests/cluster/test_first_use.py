"""What a new user does first: doctor, enrol, deploy; on the real sshd and SLURM."""

import sys
from pathlib import Path, PurePosixPath

import pytest

from background_executor.config import SiteConfig, load_config
from background_executor.errors import RemoteFileError
from background_executor.new_site.deploy import deploy, roll_back, software_folder
from background_executor.new_site.deployed import (
    interpreter_now,
    version_here,
    version_mismatch,
    version_there,
)
from background_executor.new_site.doctor import CHECKS, CheckState, Finding
from background_executor.new_site.site_verbs import enrol_arguments, ship_arguments
from background_executor.new_site.way_checks import WAY, diagnose
from background_executor.site import open_transport
from background_executor.transport import Transport
from tests.cluster.cluster import RealCluster
from tests.cluster.site_settings import change_settings, make_cluster_site

pytestmark = pytest.mark.cluster


@pytest.fixture
def settings(cluster: RealCluster, tmp_path: Path) -> Path:
    return make_cluster_site(cluster, tmp_path)


def findings(config: SiteConfig) -> dict[str, Finding]:
    return {finding.check: finding for finding in diagnose(config)}


def failures(config: SiteConfig) -> dict[str, Finding]:
    return {n: f for n, f in findings(config).items() if f.state is CheckState.FAILED}


def test_every_check_passes_on_a_site_that_is_ready(settings: Path) -> None:
    config = change_settings(settings, f"{settings.parent}/python", sys.executable)
    found = findings(config)
    assert len(found) == len(WAY) + len(CHECKS)
    assert [f.line() for f in found.values() if f.state is CheckState.FAILED] == []
    assert found["sacct"].state is CheckState.REMARK
    assert list((settings.parent / "server").iterdir()) == []


@pytest.mark.parametrize(
    ("old", "new", "check", "fix"),
    [
        ('host = "127.0.0.1"', 'host = "no-such-host.invalid"', "name resolution", "VPN"),
        ("\nport = ", "\nport = 1 #", "connection", "from a terminal"),
        ('known_hosts = "', 'known_hosts = "/nowhere', "host key", "enrol"),
        ('identity = "', 'identity = "/nowhere', "name resolution", "SSH configuration"),
        ('user = "root"', 'user = "no-such-user"', "login", "without asking"),
        ('/server"', '/proc/here"', "base folder", "shared file system"),
        ('/python"', '/no-python"', "Python", "deploy"),
        ('partition = "physical"', 'partition = "imagined"', "partition and account", "sinfo"),
        ('memory = "200M"', 'memory = "900G"', "partition and account", "submit"),
        ('/raw"', '/nothing-raw"', "raw data", "read access"),
    ],
)
def test_each_fault_is_found_and_its_failure_names_the_fix(
    settings: Path, old: str, new: str, check: str, fix: str
) -> None:
    if "/proc/here" in new:
        old, new = f'{settings.parent}/server"', '/proc/here"'
    failed = failures(change_settings(settings, old, new))
    assert check in failed
    assert fix in failed[check].fix
    later = list(WAY[: WAY.index(check)]) if check in WAY else []
    assert not set(later) & set(failed)


def test_what_cannot_be_asked_is_said_to_be_not_asked(settings: Path) -> None:
    found = findings(change_settings(settings, "\nport = ", "\nport = 1 #"))
    assert len(found) == len(WAY) + len(CHECKS)
    assert all(found[name].state is CheckState.NOT_MADE for name in CHECKS)


def test_a_site_on_this_machine_needs_no_way(
    settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(settings.parent))  # start-up files decide about no test
    config = change_settings(settings, 'transport = "ssh"', 'transport = "local"')
    site = config.site.model_copy(update={"ssh": None, "python": sys.executable})
    found = findings(config.model_copy(update={"site": site}))
    assert [found[name].state for name in WAY] == [CheckState.NOT_MADE] * len(WAY)
    assert found["server_side"].state is CheckState.PASSED


def shipped(config: SiteConfig, transport: Transport) -> PurePosixPath:
    python = sys.executable
    return deploy(config.site, transport, base_python=python, packages_of=python).python


@pytest.mark.parametrize("folder", ["server", "a server's $HOME"])
def test_a_deployed_version_runs_and_is_known_to_be_ours(settings: Path, folder: str) -> None:
    config = change_settings(settings, f'{settings.parent}/server"', f'{settings.parent}/{folder}"')
    transport = open_transport(config)
    python = shipped(config, transport)
    site = config.site.model_copy(update={"python": str(python)})
    assert version_mismatch(site, transport) == ""
    assert version_there(site, transport) == version_here()
    kept = interpreter_now(site, transport)
    assert kept == str(software_folder(site) / version_here().name / "venv/bin/python")
    assert version_there(site.model_copy(update={"python": kept}), transport) == version_here()
    argv = [str(python), "-c", "import server_side; print(server_side.__file__)"]
    assert str(software_folder(site)) in transport.run(argv, timeout_s=30).stdout
    again = deploy(site, transport, base_python="no-python-is-needed-now")
    assert again.was_there
    transport.close()


def test_another_version_is_told_and_the_one_before_comes_back(
    settings: Path,
) -> None:
    config = load_config(settings)
    transport = open_transport(config)
    site = config.site.model_copy(update={"python": str(shipped(config, transport))})
    software = Path(software_folder(site))
    name = (software / "current").readlink().name
    other = software / "0.0.9-000000000000"
    (software / name).rename(other)  # as an executor of another version would have left it
    (software / "current").unlink()
    (software / "current").symlink_to(other.name)
    (other / "server_side" / "more.py").write_text("MORE = 1\n")
    (next(other.glob("venv/lib/*/site-packages")) / "server_side.pth").write_text(f"{other}\n")
    assert "belongs to" in version_mismatch(site, transport)
    shipped(config, transport)
    assert version_mismatch(site, transport) == ""
    assert roll_back(site, transport) == other.name
    assert "belongs to" in version_mismatch(site, transport)
    assert roll_back(site, transport) == name
    assert version_mismatch(site, transport) == ""
    transport.close()


def test_a_version_may_use_the_packages_of_the_one_before(settings: Path) -> None:
    config = load_config(settings)
    transport = open_transport(config)
    site = config.site.model_copy(update={"python": str(shipped(config, transport))})
    software = Path(software_folder(site))
    name = (software / "current").readlink().name
    (software / name).rename(software / "0.0.9-000000000000")  # as another version had left it
    (software / "current").unlink()
    (software / "current").symlink_to("0.0.9-000000000000")
    deploy(site, transport, base_python=sys.executable, packages_of=site.python)
    assert (software / "current").readlink().name == name
    assert version_mismatch(site, transport) == ""
    assert not list(software.glob("*.tar"))
    transport.close()


def test_there_is_no_way_back_before_a_second_version(settings: Path) -> None:
    config = load_config(settings)
    transport = open_transport(config)
    for _ in ("nothing deployed", "one version deployed"):
        with pytest.raises(RemoteFileError, match=r"no version before .* nothing was changed"):
            roll_back(config.site, transport)
        shipped(config, transport)
    assert (Path(software_folder(config.site)) / "current" / "DEPLOYED").exists()
    transport.close()


def test_a_greeting_of_the_login_shell_is_a_remark(cluster: RealCluster, settings: Path) -> None:
    key = settings.parent / "greeted"
    cluster.ssh.add_login(key, 'echo Welcome; exec bash -c "$SSH_ORIGINAL_COMMAND"')
    config = change_settings(settings, f'"{cluster.ssh.client_key}"', f'"{key}"')
    found = findings(config)["login shell"]
    assert found.state is CheckState.REMARK
    assert "Welcome" in found.found
    assert "bashrc" in found.fix


def test_a_deployment_that_fails_leaves_what_was_current(settings: Path) -> None:
    config = load_config(settings)
    transport = open_transport(config)
    with pytest.raises(RemoteFileError, match="no-such-python"):
        deploy(config.site, transport, base_python="no-such-python")
    software = Path(software_folder(config.site))
    assert not (software / "current").exists()
    shipped(config, transport)
    assert (software / "current" / "DEPLOYED").exists()
    assert len(list((software / "builds").iterdir())) == 1
    transport.close()


def test_the_arguments_of_the_verbs_are_understood() -> None:
    import argparse

    parser = argparse.ArgumentParser()
    enrol_arguments(parser)
    ship_arguments(parser)
    given = parser.parse_args(["--fingerprint", "SHA256:x", "--roll-back"])
    assert (given.fingerprint, given.roll_back) == (["SHA256:x"], True)
    assert given.base_python == "python3"
