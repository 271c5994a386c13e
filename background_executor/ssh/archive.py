"""What a stream of files from the server may contain: regular files below what was asked for."""

import tarfile
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import IO, cast

import paramiko

from background_executor.errors import (
    NoAnswerError,
    RemoteFileError,
    UnreachableError,
    UntrustedFileError,
)
from background_executor.ssh.commands import never_begun
from background_executor.ssh.stream import TimedStream
from background_executor.transport import FetchedFile

TAR_COMMAND = (
    "tar",
    "--create",
    "--file=-",
    "--sort=name",
    # A second name of one file would come as a link.
    "--hard-dereference",
)


OVERHEAD_BYTES = 16 << 20
"""Headers, names and padding of a stream, beside what its files hold."""


def receive_files(
    channel: paramiko.Channel,
    mark: bytes,
    folder: PurePosixPath,
    names: Sequence[PurePosixPath],
    *,
    max_bytes: int,
    timeout_s: float,
) -> Iterator[FetchedFile]:
    """Yield the files that tar sends over a channel, and make sure that it came to a good end.

    Raises
    ------
    UntrustedFileError
        When the stream holds what it may not.
    RemoteFileError
        When tar failed.
    UnreachableError
        When what comes is too slow, or the connection ended.
    """
    channel.shutdown_write()
    allowed = max_bytes + OVERHEAD_BYTES
    stream = TimedStream(channel, mark, timeout_s=timeout_s, max_bytes=allowed)
    complaint: UntrustedFileError | None = None
    try:
        yield from read_archive(cast("IO[bytes]", stream), names, max_bytes)  # it is only read
    except UntrustedFileError as error:
        complaint = error
        if error.__cause__ is None:  # of its content, not of a stream that broke off
            raise
    said = stream.errors()
    if not stream.has_begun and channel.status_event.wait(timeout_s) and channel.exit_status >= 0:
        raise never_begun(channel.exit_status, said)
    check_end(channel, said, folder, complaint, timeout_s)


def check_names(names: Sequence[PurePosixPath]) -> None:
    """Refuse to ask for what lies outside the folder that is fetched from.

    Raises
    ------
    UntrustedFileError
        At an absolute name or one with ``..``.
    """
    for name in names:
        if name.is_absolute() or ".." in name.parts:
            raise UntrustedFileError(f"{name} does not stay below the folder; nothing was fetched")


def read_archive(
    stream: IO[bytes], names: Sequence[PurePosixPath], max_bytes: int
) -> Iterator[FetchedFile]:
    """Yield the files of a tar stream, each checked before its content is read.

    Raises
    ------
    UntrustedFileError
        At a link or special file, a name that was not asked for, more than ``max_bytes``,
        or a stream that ends before its time.
    """
    left = max_bytes
    try:
        # The bytes of a whole stream are never in memory, only those of one member.
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                if member.isdir():
                    continue
                path = _check_member(member, names, left)
                content = archive.extractfile(member)
                left -= member.size
                yield FetchedFile(path, content.read() if content is not None else b"")
    except tarfile.TarError as error:
        raise UntrustedFileError(f"the stream of files broke off: {error}") from error


def _check_member(
    member: tarfile.TarInfo, names: Sequence[PurePosixPath], left: int
) -> PurePosixPath:
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts:
        raise UntrustedFileError(f"{member.name!r} leaves the folder that it was fetched from")
    if not any(path.is_relative_to(name) for name in names):
        raise UntrustedFileError(f"{member.name!r} was not asked for")
    if not member.isreg():
        raise UntrustedFileError(f"{member.name!r} is no regular file; only those are taken")
    if member.size > left:
        raise UntrustedFileError(
            f"{member.name!r} and what was asked for with it are larger than allowed"
        )
    return path


def check_end(
    channel: paramiko.Channel,
    said: str,
    folder: PurePosixPath,
    complaint: UntrustedFileError | None,
    timeout_s: float,
) -> None:
    """Judge a finished stream by tar's own status.

    Parameters
    ----------
    said
        What tar said of errors.

    Raises
    ------
    UntrustedFileError
        When the stream's own complaint stands.
    RemoteFileError
        When tar failed, or a file changed while it was read.
    UnreachableError
        When the connection ended first.
    NoAnswerError
        When tar's status did not come in time.
    """
    if not channel.status_event.wait(timeout_s):
        raise NoAnswerError(f"no end of what was fetched from {folder} within {timeout_s:g} s")
    status = channel.recv_exit_status()
    if status < 0:
        raise UnreachableError(f"connection lost while fetching from {folder}")
    if status == 1:
        raise RemoteFileError(f"files below {folder} changed while they were read: {said}")
    if status != 0:
        raise RemoteFileError(f"cannot fetch from {folder}: {said}")
    if complaint is not None:
        raise complaint
