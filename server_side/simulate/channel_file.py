"""The file of one channel as a DAQ writes it: buffered, so that it ends anywhere."""

import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray


class ChannelFile:
    """A growing file, under one name a PMT.

    The trigger's record is the same for both PMTs of an acquisition: where the
    file system can, both names are the same file.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._streams = [paths[0].open("xb", buffering=0)]
        self._pending = bytearray()
        for path in paths[1:]:
            try:
                os.link(paths[0], path)
            except OSError:
                self._streams.append(path.open("xb", buffering=0))

    def __enter__(self) -> Self:
        """Return the file itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file without what was held back."""
        for stream in self._streams:
            stream.close()

    def append(self, text: NDArray[np.uint8]) -> None:
        """Take text into the buffer."""
        self._pending += text.tobytes()

    def flush(self, hold_back: int = 0) -> None:
        """Write the buffer but for its last bytes."""
        end = max(0, len(self._pending) - hold_back)
        for stream in self._streams:
            written = 0
            while written < end:
                written += stream.write(memoryview(self._pending)[written:end])
        del self._pending[:end]
