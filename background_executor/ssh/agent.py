"""The user's ssh-agent, which may hang: it is asked last, and not for longer than a login may take.

An agent that is stopped, or waits for a touch or a confirmation that nobody
gives, would hold the executor for ever: the library's own client knows no
time-out.
"""

import base64
import os
import socket
from collections.abc import Callable, Sequence
from pathlib import Path

import paramiko
from paramiko.agent import AgentSSH

from background_executor.errors import UnreachableError

AGENT_VARIABLE = "SSH_AUTH_SOCK"


class PatientAgent(AgentSSH):
    """The agent's keys; nothing is asked before they are wanted.

    Parameters
    ----------
    timeout_s
        How long each answer may take.
    only
        Private key files; of the agent's keys those are offered whose public half lies
        beside one of them. None offers all.
    """

    # What the library's type hints leave out.
    _connect: Callable[[socket.socket], None]
    _close: Callable[[], None]

    def __init__(self, timeout_s: float, only: Sequence[Path] | None) -> None:
        super().__init__()
        self._timeout_s = timeout_s
        self._only = only
        self._conn: socket.socket | None = None

    def get_keys(self) -> tuple[paramiko.AgentKey, ...]:
        """Return the agent's keys; none where there is no agent.

        Raises
        ------
        UnreachableError
            When the agent does not answer in time.
        """
        if self._conn is None:
            self._open()
        keys = tuple(super().get_keys())
        if self._only is None:
            return keys
        # A server counts every key that it refuses, and soon ends the talk.
        wanted = [_public_half(path) for path in self._only]
        return tuple(key for key in keys if base64.b64encode(key.blob).decode() in wanted)

    def close(self) -> None:
        """End the talk with the agent."""
        self._close()

    def _open(self) -> None:
        address = os.environ.get(AGENT_VARIABLE)
        if not address:
            return
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(self._timeout_s)
        try:
            connection.connect(address)
        except TimeoutError as error:
            connection.close()
            raise self._silence() from error
        except OSError:  # its socket is left over from an agent that is gone
            connection.close()
            return
        self._connect(connection)

    def _send_message(self, message: object) -> tuple[int, paramiko.Message]:
        """Ask the agent; the library's thread may be in here while it signs."""
        try:
            kind, answer = super()._send_message(message)  # type: ignore[misc]
        except TimeoutError as error:
            raise self._silence() from error
        return kind, answer

    def _silence(self) -> UnreachableError:
        return UnreachableError(
            f"ssh-agent gave no answer within {self._timeout_s:g} s: see whether 'ssh-add -l' "
            f"answers and whether it asks for a touch or a confirmation, unset {AGENT_VARIABLE}, "
            "or name a key in site.ssh.identity"
        )


def _public_half(identity: Path) -> str:
    """Return the key of ``<identity>.pub`` in base64; empty where there is none."""
    try:
        return identity.with_name(f"{identity.name}.pub").read_text().split()[1]
    except (OSError, ValueError, IndexError):
        return ""


class KeyClient(paramiko.SSHClient):
    """A client that logs in by key, and never waits for ever for an agent."""

    def __init__(self, timeout_s: float, only: Sequence[Path] | None) -> None:
        super().__init__()
        self._agent = PatientAgent(timeout_s, only)
