"""One raw file on disk: opened with clear errors, and watched for being rewritten.

Files are read, not mapped: a mapped file that another process truncates ends
the reader with a bus error.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from server_side.errors import RawDataError, RawFileChangedError

PROBE_BYTES = 4096
"""So much is remembered of a file's beginning, and of what was read last."""


class RawFile:
    """The bytes of one file that only grows; anything else is an error."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._head = b""
        self._seen = b""
        self._seen_at = 0

    @contextmanager
    def opened(self) -> Iterator[int]:
        """Open the file for some reads, and check before and after that it is still the same."""
        descriptor = open_regular_file(self.path)
        try:
            self.check_unchanged(descriptor)
            yield descriptor
            self.check_unchanged(descriptor)
        except OSError as error:
            raise explain_os_error(self.path, error) from error
        finally:
            os.close(descriptor)

    def read_into(self, descriptor: int, at: int, room: NDArray[np.uint8]) -> None:
        """Fill ``room`` with the bytes from ``at`` on, which must be there."""
        filled = 0
        while filled < len(room):
            count = os.preadv(descriptor, [room.data[filled:]], at + filled)
            if count == 0:
                raise RawFileChangedError(
                    f"{self.path} ended at byte {at + filled} while it was read, it was longer "
                    "before: it was truncated; read it from its beginning as a new take"
                )
            filled += count
        self.check_unchanged(descriptor)
        self._remember(at, room)

    def check_unchanged(self, descriptor: int) -> None:
        """Raise ``RawFileChangedError`` when bytes that were read before are others now."""
        size = os.fstat(descriptor).st_size
        known = self._seen_at + len(self._seen)
        if size < known:
            raise RawFileChangedError(
                f"{self.path} had {known} bytes and now has {size}: it was truncated or a new "
                "run overwrote it; read it from its beginning as a new take"
            )
        for at, wanted in ((0, self._head), (self._seen_at, self._seen)):
            if os.pread(descriptor, len(wanted), at) != wanted:
                raise RawFileChangedError(
                    f"{self.path} holds other bytes at {at} than when they were first read: it "
                    "was rewritten; read it from its beginning as a new take"
                )

    def _remember(self, at: int, data: NDArray[np.uint8]) -> None:
        if at == len(self._head) < PROBE_BYTES or at == 0:
            grown = self._head[:at] + data[: PROBE_BYTES - at].tobytes()
            self._head = max(self._head, grown, key=len)
        if len(data):
            tail = data[-PROBE_BYTES:]
            self._seen_at = at + len(data) - len(tail)
            self._seen = tail.tobytes()


def open_regular_file(path: Path) -> int:
    """Return a descriptor for reading; never wait for a writer.

    Raises
    ------
    RawDataError
        The file is not there, may not be read, or is a directory or special file.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        mode = os.fstat(descriptor).st_mode
    except OSError as error:
        raise explain_os_error(path, error) from error
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        kind = "a directory" if stat.S_ISDIR(mode) else "a special file"
        raise RawDataError(f"wanted a raw file, found {kind}: {path}; name the file itself")
    return descriptor


def explain_os_error(path: Path, error: OSError) -> RawDataError:
    """Return what the operating system refused, in the operator's words."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return RawDataError(f"no raw file {path}: it was removed or moved, or never written")
    if isinstance(error, PermissionError):
        return RawDataError(f"no permission to read {path}: ask its owner for read access")
    return RawDataError(
        f"cannot read {path}: {error.strerror or error} (errno {error.errno}); "
        "look at the disk or the connection to it"
    )
