"""This machine's disk behind a line that breaks, a disk that fills, and a process that dies."""

import os
from pathlib import PurePosixPath

from background_executor.errors import RemoteFileError, UnreachableError
from background_executor.transport import LocalTransport


class Death(BaseException):
    """The process is gone: nothing of it runs any more."""


class FaultyTransport(LocalTransport):
    """Does what it is told and then, when a test says so, does not answer."""

    def __init__(self) -> None:
        self.breaks_at = ""
        """Name of the next call that is done and not answered."""
        self.dies_at = ""
        """Name of the next call behind which the process dies."""
        self.is_full = False

    def heal(self) -> None:
        """Work as a server does."""
        self.breaks_at, self.dies_at, self.is_full = "", "", False

    def connect(self) -> None:
        if self.breaks_at == "connect":
            raise UnreachableError("no line")

    def write(self, path: PurePosixPath, content: bytes) -> None:
        if self.is_full:
            raise RemoteFileError(f"cannot write {path}: {os.strerror(28)}")
        super().write(path, content)
        self._fail("write")

    def rename(self, source: PurePosixPath, target: PurePosixPath) -> None:
        super().rename(source, target)
        self._fail("rename")

    def _fail(self, call: str) -> None:
        if self.dies_at == call:
            self.dies_at = ""
            raise Death
        if self.breaks_at == call:
            self.breaks_at = "connect"
            raise UnreachableError("connection lost")
