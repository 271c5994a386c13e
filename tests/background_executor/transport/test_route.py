"""What ``~/.ssh/config`` says of the way to the server, or cannot be used for."""

from pathlib import Path

import pytest

from background_executor.config import SshSection
from background_executor.errors import SettingsError
from background_executor.ssh.route import read_route

CANONICAL = """\
CanonicalizeHostname always
  CanonicalDomains nowhere.invalid
  CanonicalizeFallbackLocal no"""


@pytest.mark.parametrize("lines", ["Port abc", CANONICAL])
def test_a_configuration_that_cannot_be_used_is_an_error_of_settings(
    lines: str, tmp_path: Path
) -> None:
    path = tmp_path / "config"
    path.write_text(f"Host cluster\n  {lines}\n")
    section = SshSection(host="cluster", config_file=path, known_hosts=tmp_path / "known_hosts")
    with pytest.raises(SettingsError, match="cluster"):
        read_route(section)


@pytest.mark.parametrize(("port", "filed"), [(22, "front"), (2222, "[front]:2222")])
def test_a_hosts_key_is_filed_and_looked_up_under_its_alias(
    port: int, filed: str, tmp_path: Path
) -> None:
    path = tmp_path / "config"
    path.write_text(f"Host cluster\n  HostName 10.0.0.7\n  HostKeyAlias front\n  Port {port}\n")
    section = SshSection(host="cluster", config_file=path, known_hosts=tmp_path / "known_hosts")
    (hop,) = read_route(section)
    assert (hop.host, hop.key_name, hop.known_as) == ("10.0.0.7", filed, "front")
