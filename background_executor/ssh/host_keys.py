"""Pinned host keys: a file of our own, written only on the operator's word.

An unknown key is refused with the way to enrol it, a changed one with the
advice to ask the site. Nothing here ever accepts a key by itself.
"""

import os
import uuid
from dataclasses import dataclass
from pathlib import Path

import paramiko
from paramiko.hostkeys import InvalidHostKey

from background_executor.errors import RefusedError, SettingsError
from background_executor.ssh.route import Hop


@dataclass(frozen=True)
class HostKeyOffer:
    """A host key that a server showed and that is not pinned yet."""

    hop: Hop
    kind: str
    """Such as ``ssh-ed25519``."""
    fingerprint: str
    """As ``ssh-keygen -l`` writes it, ``SHA256:...``."""
    public_key: str
    """Base64, as in a known_hosts line."""


class PinnedKeysOnly(paramiko.MissingHostKeyPolicy):
    """Refuse every host whose key is not in our own file."""

    def __init__(self, hop: Hop) -> None:
        self._hop = hop

    def missing_host_key(
        self,
        client: paramiko.SSHClient,  # noqa: ARG002
        hostname: str,  # noqa: ARG002
        key: paramiko.PKey,
    ) -> None:
        """Refuse, and show what would have to be enrolled."""
        raise UnknownHostKeyError(self._hop, key)


class UnknownHostKeyError(RefusedError):
    """The host's key was never enrolled."""

    def __init__(self, hop: Hop, key: paramiko.PKey) -> None:
        self.offer = HostKeyOffer(hop, key.get_name(), key.fingerprint, key.get_base64())
        super().__init__(
            f"the host key of {hop.key_name} is not enrolled here: it shows {key.get_name()} "
            f"{key.fingerprint}; compare it with what the site publishes, then run "
            "'python -m background_executor enrol'"
        )


class ChangedHostKeyError(RefusedError):
    """An enrolled host shows another key now."""

    def __init__(self, hop: Hop, error: paramiko.BadHostKeyException, known_hosts: Path) -> None:
        super().__init__(
            f"the host key of {hop.key_name} has CHANGED: enrolled is "
            f"{error.expected_key.fingerprint}, it shows {error.key.fingerprint}. Nothing was "
            "sent. Ask the site whether its key was renewed; only then remove its line from "
            f"{known_hosts} and run 'python -m background_executor enrol'"
        )


def read_known_hosts(path: Path) -> paramiko.HostKeys:
    """Read the pinned keys; none when there is no file yet.

    Raises
    ------
    SettingsError
        When the file cannot be read.
    """
    keys = paramiko.HostKeys()
    if path.expanduser().exists():
        try:
            keys.load(str(path.expanduser()))
        except (OSError, ValueError, paramiko.SSHException, InvalidHostKey) as error:
            raise SettingsError(
                f"cannot read the pinned host keys {path}: {error}; mend or remove that line, or "
                "move the file aside and run 'python -m background_executor enrol'"
            ) from error
    return keys


def store_host_key(offer: HostKeyOffer, path: Path) -> None:
    """Pin a key that the operator has compared; a pinned one is never replaced.

    Raises
    ------
    SettingsError
        When another key of that host is pinned already.
    """
    path = path.expanduser()
    if offer.hop.key_name in read_known_hosts(path):
        raise SettingsError(
            f"{path} holds a key of {offer.hop.key_name} already; remove its line first, when "
            "the site confirms that the key was renewed"
        )
    before = path.read_text() if path.exists() else ""
    if before and not before.endswith("\n"):
        before += "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(f"{before}{offer.hop.key_name} {offer.kind} {offer.public_key}\n")
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
