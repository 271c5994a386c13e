"""The seam to the server: what the executor may ask of it, and the form without a network.

``LocalTransport`` works on this machine's own disk; ``ssh.SshTransport`` over
one SSH connection. Both pass the same contract tests. Every call has a
time-out and raises an error of ``errors.TransportError``'s branch.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Protocol


@dataclass(frozen=True)
class CommandOutput:
    """What a command on the server gave."""

    exit_status: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class RemoteEntry:
    """One file or folder on the server."""

    path: PurePosixPath
    """Relative to the folder that was listed."""
    is_folder: bool
    size_bytes: int
    modified_s: float
    """Seconds since the epoch."""


@dataclass(frozen=True)
class FetchedFile:
    """One member of a fetched tree."""

    path: PurePosixPath
    """Relative to the folder that was fetched from."""
    content: bytes


class Transport(Protocol):
    """What the executor may ask of the server."""

    def connect(self) -> None:
        """Make sure that there is a connection; cheap when there is one."""

    def close(self) -> None:
        """End the connection; a later call makes a new one."""

    def run(
        self, argv: Sequence[str], *, timeout_s: float, stdin: bytes | None = None
    ) -> CommandOutput:
        """Run a command and wait for its end; each argument arrives as it is."""

    def read(self, path: PurePosixPath, *, offset: int = 0, limit: int = 1 << 20) -> bytes:
        """Read up to ``limit`` bytes of a file from an offset; empty at its end."""

    def write(self, path: PurePosixPath, content: bytes) -> None:
        """Write a file aside and rename it into place; parent folders are made."""

    def exists(self, path: PurePosixPath) -> bool:
        """Tell whether a file or folder is there; no answer is an error, not a no."""

    def list_tree(self, folder: PurePosixPath, *, depth: int) -> tuple[RemoteEntry, ...]:
        """List a folder down to a depth, in one round trip; links are not followed."""

    def fetch(
        self, folder: PurePosixPath, names: Sequence[PurePosixPath], *, max_bytes: int
    ) -> Iterator[FetchedFile]:
        """Fetch regular files below a folder as one stream; folders are taken whole."""

    def rename(self, source: PurePosixPath, target: PurePosixPath) -> None:
        """Move a file or folder on one file system; an existing target is an error."""
