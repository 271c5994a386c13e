"""Files of an old tree: opened for reading only, whole or not at all, and known by their hash."""

import errno
import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class OldFile:
    """One file as it was read; a large tree does not fit into memory, so only its hash is kept."""

    path: Path
    size_bytes: int
    sha256: str

    @property
    def name(self) -> str:
        """Name of the file."""
        return self.path.name

    def read_again(self) -> bytes:
        """Return the content.

        Raises
        ------
        OSError
            When it can no longer be read, or is another one by now.
        """
        content = read_regular(self.path, self.size_bytes)
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise OSError(errno.ESTALE, "changed while it was imported", str(self.path))
        return content


def printable(words: str | Path) -> str:
    r"""Return words with paths in them so that any store takes them: other bytes become ``\xe9``.

    The old system's names are of any age, and not all of them are UTF-8.
    """
    return os.fsencode(words).decode("utf-8", "backslashreplace")


def describe(path: Path, content: bytes) -> OldFile:
    """Note what was read of a file."""
    return OldFile(path, len(content), hashlib.sha256(content).hexdigest())


def read_regular(path: Path, limit: int) -> bytes:
    """Read a file whole; the descriptor is checked, so that no link slips in between.

    Raises
    ------
    OSError
        When it cannot be read, is no regular file, or is larger than the limit.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "no regular file", str(path))
        content = file.read(limit + 1)
    if len(content) > limit:
        raise OSError(errno.EFBIG, f"more than {limit} bytes", str(path))
    return content
