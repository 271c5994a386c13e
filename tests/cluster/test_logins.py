"""Who is let in and how: keys, agents, aliases, jump hosts, login shells; a real sshd each time."""

import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import paramiko
import pytest

from background_executor.config import SshSection
from background_executor.errors import (
    RefusedError,
    SettingsError,
    UnreachableError,
)
from background_executor.ssh import SshTransport, next_host_key, store_host_key
from background_executor.ssh.agent import AGENT_VARIABLE
from background_executor.ssh.link import SshLink
from background_executor.ssh.pipelining import RoundTrips
from background_executor.ssh.route import read_route
from tests.cluster.cluster import RealCluster
from tests.cluster.conftest import Clock
from tests.cluster.line import Line
from tests.cluster.site_settings import ssh_section
from tests.cluster.ssh_server import make_key

pytestmark = pytest.mark.cluster


def says_hello(transport: SshTransport) -> bool:
    return transport.run(["echo", "hello"], timeout_s=5).stdout == "hello\n"


def test_two_refused_logins_stop_it_for_good(
    cluster: RealCluster, line: Line, clock: Clock, tmp_path: Path
) -> None:
    make_key(tmp_path / "stranger")
    section = ssh_section(cluster, tmp_path, port=line.port)
    section = section.model_copy(update={"identity": tmp_path / "stranger"})
    transport = SshTransport(section, call_timeout_s=2.0, clock=clock)
    with pytest.raises(UnreachableError, match="One more try"):
        transport.connect()
    clock.pass_by(60)
    with pytest.raises(RefusedError, match="authorized_keys"):
        transport.connect()
    for _ in range(10):
        clock.pass_by(3600)
        with pytest.raises(RefusedError, match="start the executor again"):
            transport.run(["true"], timeout_s=5)
    assert line.connections == 2


def test_an_unknown_host_key_is_refused_shown_and_enrolled_on_the_operators_word(
    cluster: RealCluster, line: Line, clock: Clock, tmp_path: Path
) -> None:
    section = ssh_section(cluster, tmp_path, port=line.port)
    section.known_hosts.unlink()
    with pytest.raises(RefusedError, match=cluster.ssh.host_key_fingerprint().replace("+", r"\+")):
        SshTransport(section, call_timeout_s=2.0, clock=clock).connect()
    assert not section.known_hosts.exists()
    offer = next_host_key(section)
    assert offer is not None
    assert offer.fingerprint == cluster.ssh.host_key_fingerprint()
    store_host_key(offer, section.known_hosts)
    assert next_host_key(section) is None
    transport = SshTransport(section, call_timeout_s=2.0, clock=clock)
    assert says_hello(transport)
    transport.close()


def test_a_changed_host_key_stops_everything_before_a_login(
    cluster: RealCluster, line: Line, clock: Clock, tmp_path: Path
) -> None:
    section = ssh_section(cluster, tmp_path, port=line.port)
    make_key(tmp_path / "other")
    kind, key, *_ = (tmp_path / "other.pub").read_text().split()
    section.known_hosts.write_text(f"[127.0.0.1]:{line.port} {kind} {key}\n")
    transport = SshTransport(section, call_timeout_s=2.0, clock=clock)
    with pytest.raises(RefusedError, match="has CHANGED"):
        transport.connect()
    clock.pass_by(3600)
    with pytest.raises(RefusedError, match="has CHANGED"):
        transport.connect()
    with pytest.raises(RefusedError, match="has CHANGED"):
        next_host_key(section)
    assert line.connections == 2


def test_a_hosts_key_is_pinned_and_found_under_its_alias(
    cluster: RealCluster, tmp_path: Path
) -> None:
    section = configured(
        tmp_path,
        f"Host farm\n  HostName 127.0.0.1\n  Port {cluster.ssh.port}\n  HostKeyAlias front\n"
        f"  User {cluster.ssh.user}\n  IdentityFile {cluster.ssh.client_key}\n",
        host="farm",
    )
    offer = next_host_key(section)
    assert offer is not None
    assert offer.hop.key_name == f"[front]:{cluster.ssh.port}"
    store_host_key(offer, section.known_hosts)
    assert next_host_key(section) is None
    transport = SshTransport(section, call_timeout_s=5.0)
    assert says_hello(transport)
    transport.close()

    make_key(tmp_path / "other")
    kind, key, *_ = (tmp_path / "other.pub").read_text().split()
    section.known_hosts.write_text(f"[front]:{cluster.ssh.port} {kind} {key}\n")
    with pytest.raises(RefusedError, match="has CHANGED"):
        SshTransport(section, call_timeout_s=5.0).connect()


def test_the_way_leads_over_every_jump_host_and_each_key_is_enrolled_in_turn(
    cluster: RealCluster, tmp_path: Path
) -> None:
    with ExitStack() as lines:
        gate, inner, farm = (lines.enter_context(Line(cluster.ssh.port)) for _ in range(3))
        login = f"  User {cluster.ssh.user}\n  IdentityFile {cluster.ssh.client_key}\n"
        section = configured(
            tmp_path,
            f"Host gate\n  HostName 127.0.0.1\n  Port {gate.port}\n{login}"
            f"Host inner\n  HostName localhost\n  Port {inner.port}\n{login}"
            f"Host farm\n  HostName 127.0.0.1\n  Port {farm.port}\n  ProxyJump gate,inner\n{login}",
            host="farm",
        )
        enrolled = []
        while (offer := next_host_key(section)) is not None:
            enrolled.append(offer.hop.name)
            store_host_key(offer, section.known_hosts)
        assert enrolled == ["gate", "inner", "farm"]
        before = [line.connections for line in (gate, inner, farm)]
        transport = SshTransport(section, call_timeout_s=5.0)
        assert says_hello(transport)
        after = [line.connections for line in (gate, inner, farm)]
        assert [end - begin for begin, end in zip(before, after, strict=True)] == [1, 1, 1]
        gate.cut()
        with pytest.raises(UnreachableError):
            says_hello(transport)
        transport.close()


def test_a_jump_host_that_refuses_is_said_while_a_key_behind_it_is_not_enrolled(
    cluster: RealCluster, line: Line, tmp_path: Path
) -> None:
    section = configured(
        tmp_path,
        f"Host gate\n  HostName 127.0.0.1\n  Port {line.port}\n  User no-such-user\n"
        f"  IdentityFile {cluster.ssh.client_key}\n"
        f"Host farm\n  HostName 127.0.0.1\n  Port {cluster.ssh.port}\n  ProxyJump gate\n",
        host="farm",
    )
    offer = next_host_key(section)
    assert offer is not None
    assert offer.hop.name == "gate"
    store_host_key(offer, section.known_hosts)
    with pytest.raises(RefusedError, match="no-such-user"):
        next_host_key(section)


def test_a_key_of_the_settings_that_is_not_there_is_said_and_no_other_is_offered(
    cluster: RealCluster, line: Line, tmp_path: Path
) -> None:
    section = ssh_section(cluster, tmp_path, port=line.port)
    section = section.model_copy(update={"identity": tmp_path / "no-such-key"})
    with pytest.raises(SettingsError, match="no-such-key"):
        SshTransport(section, call_timeout_s=2.0).connect()
    assert line.connections == 0


class SilentAgent:
    """An ssh-agent that hangs: from the start, or once it is to sign."""

    def __init__(self, path: Path, keys: bytes | None) -> None:
        self.path = path
        self._answer = keys
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._open: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            connection.recv(1 << 16)
            if self._answer is not None:
                connection.sendall(self._answer)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            connection.close()


def list_of_keys(public_key: Path) -> bytes:
    """Return an agent's answer that it holds one key."""
    blob = paramiko.PKey.from_path(public_key.with_suffix("")).asbytes()
    answer = paramiko.Message()
    answer.add_byte(b"\x0c")
    answer.add_int(1)
    answer.add_string(blob)
    answer.add_string("kept in hardware")
    return len(answer.asbytes()).to_bytes(4, "big") + answer.asbytes()


@pytest.fixture(params=["from the start", "when it is to sign"])
def silent_agent(
    request: pytest.FixtureRequest, cluster: RealCluster, tmp_path: Path
) -> Iterator[SilentAgent]:
    public = cluster.ssh.client_key.with_suffix(".pub")
    keys = None if request.param == "from the start" else list_of_keys(public)
    agent = SilentAgent(tmp_path / "agent", keys)
    yield agent
    agent.close()


def test_an_agent_that_hangs_holds_nobody_and_is_named(
    silent_agent: SilentAgent, cluster: RealCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(AGENT_VARIABLE, str(silent_agent.path))
    monkeypatch.setenv("HOME", str(tmp_path))  # no other key is found
    section = ssh_section(cluster, tmp_path)
    section = section.model_copy(update={"identity": None, "connect_timeout_s": 1.0})
    began = time.monotonic()
    with pytest.raises(UnreachableError, match="ssh-agent gave no answer"):
        SshTransport(section, call_timeout_s=2.0).connect()
    assert time.monotonic() - began < 60  # without a limit it would end with the test's


def test_an_agent_that_hangs_is_not_asked_where_a_key_is_named(
    silent_agent: SilentAgent, cluster: RealCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(AGENT_VARIABLE, str(silent_agent.path))
    transport = SshTransport(ssh_section(cluster, tmp_path), call_timeout_s=2.0)
    assert says_hello(transport)
    transport.close()


@pytest.fixture
def agent_with_many_keys(
    cluster: RealCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """A real ssh-agent: many keys that the server does not know, last one with a passphrase."""
    key, sock, asker = tmp_path / "with_passphrase", tmp_path / "sock", tmp_path / "asker"
    asker.write_text("#!/bin/sh\necho secret\n")
    asker.chmod(0o755)
    monkeypatch.setenv(AGENT_VARIABLE, str(sock))
    monkeypatch.setenv("SSH_ASKPASS", str(asker))
    monkeypatch.setenv("SSH_ASKPASS_REQUIRE", "force")
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(sock)], stdout=subprocess.DEVNULL)
    while not sock.exists():
        time.sleep(0.05)
    cluster.ssh.add_login(key, 'exec sh -c "$SSH_ORIGINAL_COMMAND"')
    change = ["ssh-keygen", "-q", "-p", "-P", "", "-N", "secret", "-f", str(key)]
    subprocess.run(change, check=True, capture_output=True)
    for number in range(7):
        make_key(tmp_path / f"other{number}")
        subprocess.run(["ssh-add", "-q", str(tmp_path / f"other{number}")], check=True)
    subprocess.run(["ssh-add", "-q", str(key)], check=True, stdin=subprocess.DEVNULL)
    yield key
    agent.terminate()
    agent.wait()


def test_a_key_with_a_passphrase_comes_from_the_agent_and_no_other_is_offered(
    agent_with_many_keys: Path, cluster: RealCluster, tmp_path: Path
) -> None:
    section = ssh_section(cluster, tmp_path).model_copy(update={"identity": agent_with_many_keys})
    transport = SshTransport(section, call_timeout_s=5.0)
    assert says_hello(transport)
    transport.close()


def test_the_watchdog_ends_a_login_that_is_under_way(
    cluster: RealCluster, line: Line, tmp_path: Path
) -> None:
    section = ssh_section(cluster, tmp_path, port=line.port)
    (hop,) = read_route(section)
    link = SshLink(RoundTrips())
    line.swallow()
    with (
        pytest.raises((paramiko.SSHException, EOFError, OSError)),
        link.watchdog.limit(0.5),
    ):
        link.log_in(hop, section.known_hosts, 60.0)  # its own time-out is far away
    assert link.watchdog.has_bitten
    link.close()


def configured(folder: Path, text: str, host: str) -> SshSection:
    """Return settings that leave everything to the user's own SSH configuration."""
    (folder / "config").write_text(text)
    return SshSection(
        host=host,
        known_hosts=folder / "known_hosts",
        config_file=folder / "config",
        connect_timeout_s=5.0,
    )
