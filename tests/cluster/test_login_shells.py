"""What answers behind a login, and instead of one: odd shells, slow streams, nonsense."""

import contextlib
import os
import random
import signal
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Protocol

import pytest

from background_executor.config import SshSection
from background_executor.errors import (
    NoAnswerError,
    RemoteFileError,
    UnreachableError,
    UntrustedFileError,
)
from background_executor.ssh import SshTransport
from tests.cluster.cluster import RealCluster
from tests.cluster.site_settings import ssh_section

pytestmark = pytest.mark.cluster

TAKE = PurePosixPath("take")


def says_hello(transport: SshTransport) -> bool:
    return transport.run(["echo", "hello"], timeout_s=5).stdout == "hello\n"


class MakeLogin(Protocol):
    """Log in to an account whose login shell is another."""

    def __call__(self, shell: str, before: str = "") -> SshTransport: ...


@pytest.fixture
def log_in_to(cluster: RealCluster, tmp_path: Path) -> Iterator[MakeLogin]:
    made: list[SshTransport] = []

    def make(shell: str, before: str = "") -> SshTransport:
        cluster.ssh.add_login(tmp_path / "key", shell, before)
        section = ssh_section(cluster, tmp_path).model_copy(update={"identity": tmp_path / "key"})
        made.append(SshTransport(section, call_timeout_s=2.0))
        return made[-1]

    yield make
    for transport in made:
        transport.close()


def test_a_login_shell_that_runs_nothing_is_said_with_its_words(log_in_to: MakeLogin) -> None:
    transport = log_in_to("echo 'This account is currently not available.'; exit 0")
    with pytest.raises(RemoteFileError, match="currently not available"):
        transport.run(["true"], timeout_s=5)
    with pytest.raises(RemoteFileError, match="currently not available"):
        list(transport.fetch(PurePosixPath("/"), [TAKE], max_bytes=9))


def test_a_greeting_in_the_way_of_the_file_server_is_said_and_ends_nothing(
    log_in_to: MakeLogin,
) -> None:
    transport = log_in_to('exec sh -c "$SSH_ORIGINAL_COMMAND"', "echo Welcome to the farm")
    with pytest.raises(UnreachableError, match=r"does not speak SFTP .* must print nothing"):
        transport.connect()


def test_a_file_server_that_ended_alone_ends_the_connection(
    log_in_to: MakeLogin, tmp_path: Path
) -> None:
    is_file_server = '[ "$SSH_ORIGINAL_COMMAND" = internal-sftp ]'
    transport = log_in_to(
        'exec sh -c "$SSH_ORIGINAL_COMMAND"', f"{is_file_server} && echo $$ >{tmp_path}/pid"
    )
    assert says_hello(transport)
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGTERM)
    with pytest.raises(UnreachableError):
        transport.exists(TAKE)
    with pytest.raises(UnreachableError, match="next try in"):  # and is made anew
        transport.connect()


def with_tar(folder: Path, script: str) -> str:
    """Return a login shell that finds another tar first."""
    (folder / "bin").mkdir()
    tar = folder / "bin" / "tar"
    tar.write_text(f"#!/bin/sh\n{script}\n")
    tar.chmod(0o755)
    return f'PATH={folder}/bin:$PATH exec sh -c "$SSH_ORIGINAL_COMMAND"'


@pytest.mark.parametrize(
    "script",
    [
        "while printf x; do sleep 0.2; done",
        "printf y; sleep 60",
        "exec 1>&-; while printf e >&2; do sleep 0.2; done",
    ],
)
def test_a_stream_that_drips_is_given_up_and_the_connection_lives_on(
    log_in_to: MakeLogin, tmp_path: Path, script: str
) -> None:
    transport = log_in_to(with_tar(tmp_path, script))
    assert says_hello(transport)
    with pytest.raises(NoAnswerError, match="bytes and no end came within"):
        list(transport.fetch(PurePosixPath(tmp_path), [TAKE], max_bytes=1000))
    assert says_hello(transport)
    assert transport.connects == 1


def test_a_stream_of_nothing_but_folders_has_an_end(log_in_to: MakeLogin, tmp_path: Path) -> None:
    (tmp_path / "take").mkdir()
    one = "/bin/tar --create --file=- take | head -c 512"
    script = f"cd {tmp_path}; {one} >one; while cat one one one one one one one one; do :; done"
    transport = log_in_to(with_tar(tmp_path, script))
    with pytest.raises(UntrustedFileError, match=r"more than the .* bytes"):
        list(transport.fetch(PurePosixPath(tmp_path), [TAKE], max_bytes=1000))


class Babbler:
    """Greets as an SSH server does, then sends well-framed nonsense."""

    def __init__(self, seed: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._random = random.Random(seed)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        with connection, self._listener, contextlib.suppress(OSError):
            connection.sendall(b"SSH-2.0-babbler\r\n")
            for kind in (20, self._random.choice((1, 2, 20, 21, 31, 52, 94))):
                body = bytes([kind]) + self._random.randbytes(self._random.choice((0, 3, 16, 200)))
                padding = 8 - (len(body) + 5) % 8 + 8
                frame = struct.pack(">IB", len(body) + padding + 1, padding)
                connection.sendall(frame + body + bytes(padding))
            connection.recv(1 << 16)


@pytest.mark.parametrize("seed", range(24))
def test_nonsense_instead_of_ssh_is_no_connection_and_nothing_worse(
    cluster: RealCluster, tmp_path: Path, seed: int
) -> None:
    section = ssh_section(cluster, tmp_path, port=Babbler(seed).port)
    section = section.model_copy(update={"connect_timeout_s": 1.0})
    with pytest.raises(UnreachableError, match=r"127\.0\.0\.1"):
        SshTransport(section, call_timeout_s=2.0).connect()


def test_a_host_name_that_is_none_is_no_connection(tmp_path: Path) -> None:
    section = SshSection(host="a..b", known_hosts=tmp_path / "known_hosts")
    with pytest.raises(UnreachableError, match=r"a\.\.b"):
        SshTransport(section, call_timeout_s=2.0).connect()
