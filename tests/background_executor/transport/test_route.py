"""What ``~/.ssh/config`` says of the way to the server, or cannot be used for."""

from pathlib import Path

import pytest

from background_executor.config import SshSection
from background_executor.errors import SettingsError
from background_executor.ssh.host_keys import read_known_hosts
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


def test_included_files_are_read_where_they_stand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh" / "sites.d").mkdir(parents=True)
    path = tmp_path / ".ssh" / "config"
    path.write_text("Include sites.d/*.conf missing\nUser everybody\nHost cluster\n  Port 2222\n")
    (tmp_path / ".ssh" / "sites.d" / "b.conf").write_text("Host *\n  Port 99\n")
    (tmp_path / ".ssh" / "sites.d" / "a.conf").write_text("Host cluster\n  HostName 10.0.0.7\n")
    (hop,) = read_route(SshSection(host="cluster", known_hosts=tmp_path / "known_hosts"))
    assert (hop.host, hop.port, hop.user) == ("10.0.0.7", 99, "everybody")


def test_files_that_include_each_other_are_an_error_of_settings(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(f'Include "{path}"\n')
    section = SshSection(host="cluster", config_file=path, known_hosts=tmp_path / "known_hosts")
    with pytest.raises(SettingsError, match="16 files deep"):
        read_route(section)


@pytest.mark.parametrize("content", [b"\xff\xfe" * 99, b"", b"ssh-ed25519 AAAA me\n", None])
def test_a_key_of_the_settings_that_is_none_is_said_before_anything_is_asked(
    tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / "key").write_bytes(content)
    section = _section(tmp_path, "").model_copy(update={"identity": tmp_path / "key"})
    with pytest.raises(SettingsError, match=r"site\.ssh\.identity names .*/key"):
        read_route(section)


PINNED_NONSENSE = [b"h ssh-rsa AAA$$$\n", b"\xff\xfe\n", b"@revoked * ssh-rsa A\n"]


@pytest.mark.parametrize("text", PINNED_NONSENSE)
def test_a_file_of_pinned_keys_that_cannot_be_read_is_said(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "known_hosts").write_bytes(text)
    with pytest.raises(SettingsError, match=r"pinned host keys .*enrol"):
        read_known_hosts(tmp_path / "known_hosts")


def test_a_host_may_be_reached_by_ipv6(tmp_path: Path) -> None:
    (hop,) = read_route(SshSection(host="::1", port=2222, known_hosts=tmp_path / "known_hosts"))
    assert (hop.host, hop.key_name, hop.known_as) == ("::1", "[::1]:2222", "::1")
    section = _section(tmp_path, "Host farm\n  HostName ::1\n  ProxyJump me@[::2]:22\n")
    assert [hop.host for hop in read_route(section)] == ["::2", "::1"]
    section = _section(tmp_path, "Host farm\n  HostName ::1\n  ProxyJump [::3]\n")
    assert [hop.host for hop in read_route(section)] == ["::3", "::1"]


def _section(folder: Path, text: str) -> SshSection:
    (folder / "config").write_text(text)
    known_hosts = folder / "known_hosts"
    return SshSection(host="farm", config_file=folder / "config", known_hosts=known_hosts)
