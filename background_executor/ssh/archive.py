"""What a stream of files from the server may contain: regular files below what was asked for."""

import tarfile
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import IO

import paramiko

from background_executor.errors import (
    NoAnswerError,
    RemoteFileError,
    UnreachableError,
    UntrustedFileError,
)
from background_executor.transport import FetchedFile

TAR_COMMAND = (
    "tar",
    "--create",
    "--file=-",
    "--sort=name",
    # A second name of one file would come as a link.
    "--hard-dereference",
)


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
    folder: PurePosixPath,
    complaint: UntrustedFileError | None,
    timeout_s: float,
) -> None:
    """Judge a finished stream by tar's own status.

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
    said = channel.makefile_stderr("rb").read().decode(errors="replace").strip()[-500:]
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
