"""The seam to the server: what the executor may ask of it, and the form without a network.

``LocalTransport`` works on this machine's own disk; ``ssh.SshTransport`` over
one SSH connection. Both pass the same contract tests. Every call has a
time-out and raises an error of ``errors.TransportError``'s branch, or
``errors.UntrustedFileError`` where the server's files are not what they may be.
"""

import contextlib
import os
import signal
import stat
import subprocess
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from background_executor.errors import NoAnswerError, RemoteFileError, UntrustedFileError

COMMAND_NOT_FOUND = 127
"""Exit status of a command that is not there, as shells and SSH servers have it."""


@dataclass(frozen=True)
class CommandOutput:
    """What a command on the server gave."""

    exit_status: int
    stdout: str
    stderr: str
    greeting: str = ""
    """What the login shell printed before it; empty where that is silent."""


@dataclass(frozen=True)
class RemoteEntry:
    """One file or folder on the server."""

    path: PurePosixPath
    """Relative to the folder that was listed."""
    is_folder: bool
    size_bytes: int
    """Of a file; 0 for a folder."""
    modified_s: float
    """Seconds since the epoch."""


@dataclass(frozen=True)
class FilePart:
    """What is wanted of a file: up to ``limit`` bytes from an offset."""

    path: PurePosixPath
    offset: int
    limit: int
    is_growing: bool
    """It is only ever appended to; else it may be replaced by another of its name."""


@dataclass(frozen=True)
class FetchedFile:
    """One member of a fetched tree."""

    path: PurePosixPath
    """Relative to the folder that was fetched from."""
    content: bytes


def program_of(argv: Sequence[str]) -> str:
    """Return the program that a command is about: behind ``env`` and what that sets."""
    if argv[0] != "env":
        return argv[0]
    return next((word for word in argv[1:] if "=" not in word), "env")


class Transport(Protocol):
    """What the executor may ask of the server."""

    def connect(self) -> None:
        """Make sure that there is a connection; cheap when there is one."""

    def close(self) -> None:
        """End the connection; a later call makes a new one."""

    def run(
        self, argv: Sequence[str], *, timeout_s: float, stdin: bytes | None = None
    ) -> CommandOutput:
        """Run a command and wait for its end; each argument arrives as it is.

        A program that is not there gives exit status 127; no end within the
        time-out raises ``UnreachableError``, and ``NoAnswerError`` where only
        this command hangs.
        """

    def read(self, path: PurePosixPath, *, offset: int = 0, limit: int = 1 << 20) -> bytes:
        """Read up to ``limit`` bytes of a file from an offset; empty at its end."""

    def read_parts(self, parts: Sequence[FilePart]) -> tuple[bytes | None, ...]:
        """Read parts of several files together, in as few round trips as can be.

        None stands for a file that is not there or cannot be read.
        """

    def write(self, path: PurePosixPath, content: bytes) -> None:
        """Write a file aside and rename it into place; parent folders are made."""

    def exists(self, path: PurePosixPath) -> bool:
        """Tell whether a file or folder is there; no answer is an error, not a no."""

    def list_tree(self, folder: PurePosixPath, *, depth: int) -> tuple[RemoteEntry, ...]:
        """List a folder down to a depth, in one round trip, sorted by path.

        Only regular files and folders are listed; links are not followed.
        """

    def fetch(
        self, folder: PurePosixPath, names: Sequence[PurePosixPath], *, max_bytes: int
    ) -> Iterator[FetchedFile]:
        """Fetch regular files below a folder as one stream; folders are taken whole.

        Raises ``UntrustedFileError`` at a link or special file, at a name that
        leaves the folder, and when the files hold more than ``max_bytes``.
        """

    def rename(self, source: PurePosixPath, target: PurePosixPath) -> None:
        """Move a file or folder on one file system; an existing target is an error."""


class LocalTransport:
    """The server is this machine: its files and programs are used as they are."""

    def connect(self) -> None:
        """There is nothing to connect."""

    def close(self) -> None:
        """There is nothing to close."""

    def run(
        self, argv: Sequence[str], *, timeout_s: float, stdin: bytes | None = None
    ) -> CommandOutput:
        """Run a command in a session of its own, and end that session when time is up."""
        try:
            process = subprocess.Popen(
                list(argv),
                stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            return CommandOutput(COMMAND_NOT_FOUND, "", f"{argv[0]}: {error.strerror}\n")
        with process:
            try:
                stdout, stderr = process.communicate(stdin, timeout=timeout_s)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                raise NoAnswerError(
                    f"no answer within {timeout_s:g} s from {program_of(argv)!r}; "
                    "it will be asked again"
                ) from None
        return CommandOutput(
            process.returncode, stdout.decode(errors="replace"), stderr.decode(errors="replace")
        )

    def read(self, path: PurePosixPath, *, offset: int = 0, limit: int = 1 << 20) -> bytes:
        """Read up to ``limit`` bytes of a file from an offset; empty at its end."""
        with _said_by_server("read", path), Path(path).open("rb") as file:
            file.seek(offset)
            return file.read(limit)

    def read_parts(self, parts: Sequence[FilePart]) -> tuple[bytes | None, ...]:
        """Read parts of several files; None for one that cannot be read."""
        return tuple(map(self._read_part, parts))

    def _read_part(self, part: FilePart) -> bytes | None:
        try:
            return self.read(part.path, offset=part.offset, limit=part.limit)
        except RemoteFileError:
            return None

    def write(self, path: PurePosixPath, content: bytes) -> None:
        """Write a file aside and rename it into place; parent folders are made."""
        aside = Path(path.parent, f".{path.name}.{uuid.uuid4().hex}.part")
        with _said_by_server("write", path):
            aside.parent.mkdir(parents=True, exist_ok=True)
            try:
                with aside.open("xb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                aside.replace(path)
            finally:
                aside.unlink(missing_ok=True)

    def exists(self, path: PurePosixPath) -> bool:
        """Tell whether a file, folder or link is there."""
        with _said_by_server("look for", path):
            try:
                Path(path).lstat()
            except (FileNotFoundError, NotADirectoryError):
                return False
        return True

    def list_tree(self, folder: PurePosixPath, *, depth: int) -> tuple[RemoteEntry, ...]:
        """List regular files and folders down to a depth, sorted by path."""
        with _said_by_server("list", folder):
            os.scandir(folder).close()
        return tuple(sorted(_walk(Path(folder), PurePosixPath(), depth), key=lambda e: e.path))

    def fetch(
        self, folder: PurePosixPath, names: Sequence[PurePosixPath], *, max_bytes: int
    ) -> Iterator[FetchedFile]:
        """Yield regular files below a folder, in the order asked for."""
        left = max_bytes
        for name in names:
            for member in _members(Path(folder), name):
                with _said_by_server("fetch", folder / member):
                    content = _read_regular(Path(folder, member), left)
                left -= len(content)
                yield FetchedFile(member, content)

    def rename(self, source: PurePosixPath, target: PurePosixPath) -> None:
        """Move a file or folder on one file system; an existing target is an error."""
        if self.exists(target):
            raise RemoteFileError(f"cannot move {source} to {target}: the target exists already")
        with _said_by_server("move", source):
            os.rename(source, target)  # noqa: PTH104 - Path.rename would say the same


@contextlib.contextmanager
def _said_by_server(act: str, path: PurePosixPath) -> Iterator[None]:
    """Turn what the file system says into what a server would have said."""
    try:
        yield
    except OSError as error:
        raise RemoteFileError(f"cannot {act} {path}: {error.strerror}") from error


def _walk(base: Path, below: PurePosixPath, depth: int) -> Iterator[RemoteEntry]:
    if depth <= 0:
        return
    for name, state in _look_into(base / below):
        path = below / name
        if stat.S_ISREG(state.st_mode):
            yield RemoteEntry(path, False, state.st_size, state.st_mtime)
        elif stat.S_ISDIR(state.st_mode):
            yield RemoteEntry(path, True, 0, state.st_mtime)
            yield from _walk(base, path, depth - 1)


def _look_into(folder: Path) -> list[tuple[str, os.stat_result]]:
    """Return what lies in a folder; what goes away meanwhile is left out, nothing else is."""
    found = []
    with _said_by_server("list", PurePosixPath(folder)), contextlib.suppress(FileNotFoundError):
        for name in os.listdir(folder):  # noqa: PTH208 - names only; each is looked at below
            with contextlib.suppress(FileNotFoundError):
                found.append((name, os.lstat(folder / name)))
    return found


def _members(folder: Path, name: PurePosixPath) -> Iterator[PurePosixPath]:
    """Yield every file below a name, links and special files included."""
    if name.is_absolute() or ".." in name.parts:
        raise UntrustedFileError(f"{name} does not stay below {folder}; nothing was fetched")
    with _said_by_server("fetch", PurePosixPath(folder, name)):
        mode = Path(folder, name).lstat().st_mode
        inside = sorted(os.listdir(folder / name)) if stat.S_ISDIR(mode) else None  # noqa: PTH208
    if inside is None:
        yield name
    else:
        for child in inside:
            yield from _members(folder, name / child)


def _read_regular(path: Path, left: int) -> bytes:
    """Read a file whole; the descriptor is checked, so that no link slips in between."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if path.is_symlink():
            raise UntrustedFileError(f"{path} is a link; only regular files are taken") from error
        raise
    with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor, not a path
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise UntrustedFileError(f"{path} is no regular file; only regular files are taken")
        content = file.read(left + 1)
    if len(content) > left:
        raise UntrustedFileError(f"{path} and what was asked for with it are larger than allowed")
    return content
