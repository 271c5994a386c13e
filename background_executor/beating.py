"""The seam to the server, with a sign of life before each call and each file that comes.

An executor whose server answers slowly works all the same: however many calls a
piece of work needs, it is silent for no longer than one of them may take.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import PurePosixPath

from background_executor.transport import (
    CommandOutput,
    FetchedFile,
    FilePart,
    RemoteEntry,
    Transport,
)


class BeatingTransport:
    """A transport whose owner gives a sign of life whenever it is used.

    Parameters
    ----------
    transport
        What is asked.
    beat
        Called before it is; it must be cheap when it has just been called.
    """

    def __init__(self, transport: Transport, beat: Callable[[], None]) -> None:
        self._transport = transport
        self._beat = beat

    def connect(self) -> None:
        """Make sure that there is a connection."""
        self._beat()
        self._transport.connect()

    def close(self) -> None:
        """End the connection."""
        self._transport.close()

    def run(
        self, argv: Sequence[str], *, timeout_s: float, stdin: bytes | None = None
    ) -> CommandOutput:
        """Run a command and wait for its end."""
        self._beat()
        return self._transport.run(argv, timeout_s=timeout_s, stdin=stdin)

    def read(self, path: PurePosixPath, *, offset: int = 0, limit: int = 1 << 20) -> bytes:
        """Read up to ``limit`` bytes of a file from an offset."""
        self._beat()
        return self._transport.read(path, offset=offset, limit=limit)

    def read_parts(self, parts: Sequence[FilePart]) -> tuple[bytes | None, ...]:
        """Read parts of several files together."""
        self._beat()
        return self._transport.read_parts(parts)

    def write(self, path: PurePosixPath, content: bytes) -> None:
        """Write a file aside and rename it into place."""
        self._beat()
        self._transport.write(path, content)

    def exists(self, path: PurePosixPath) -> bool:
        """Tell whether a file or folder is there."""
        self._beat()
        return self._transport.exists(path)

    def list_tree(self, folder: PurePosixPath, *, depth: int) -> tuple[RemoteEntry, ...]:
        """List a folder down to a depth."""
        self._beat()
        return self._transport.list_tree(folder, depth=depth)

    def fetch(
        self, folder: PurePosixPath, names: Sequence[PurePosixPath], *, max_bytes: int
    ) -> Iterator[FetchedFile]:
        """Fetch regular files below a folder as one stream."""
        self._beat()
        for file in self._transport.fetch(folder, names, max_bytes=max_bytes):
            yield file
            self._beat()

    def rename(self, source: PurePosixPath, target: PurePosixPath) -> None:
        """Move a file or folder on one file system."""
        self._beat()
        self._transport.rename(source, target)
