"""Columns of numbers on disk: what a point's features take in memory does not grow with its files.

The files have no name, so that nothing of them is left when a job is killed.
"""

import os
import tempfile
import weakref
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from server_side.errors import FeatureFileError

SCRATCH_PREFIX = "features-"
"""Begins the name that a file has for a moment where the file system makes none without."""
VALUES_PER_READ = 1 << 18
"""So many values are in memory when only every n-th of them is wanted."""


class ScratchColumn:
    """Numbers of one type, appended and read by row; gone when nobody refers to it any more.

    Parameters
    ----------
    folder
        Where the file lies; the folder for temporary files unless given.
    """

    def __init__(self, folder: Path | None, dtype: np.dtype[Any]) -> None:
        self._folder = Path(tempfile.gettempdir()) if folder is None else folder
        self._dtype = dtype
        self._rows = 0
        try:
            self._descriptor = _open_nameless(self._folder)
        except OSError as error:
            raise self._refused(error) from error
        weakref.finalize(self, os.close, self._descriptor)

    def append(self, values: NDArray[Any]) -> None:
        """Write values behind those that are there.

        Raises
        ------
        FeatureFileError
            When the disk refuses.
        """
        content = np.ascontiguousarray(values, dtype=self._dtype).data.cast("B")
        at = self._rows * self._dtype.itemsize
        try:
            while len(content):
                written = os.pwrite(self._descriptor, content, at)
                content, at = content[written:], at + written
        except OSError as error:
            raise self._refused(error) from error
        self._rows += len(values)

    def read(self, rows: range) -> NDArray[Any]:
        """Return the values of some rows, which must be there.

        Raises
        ------
        FeatureFileError
            When the disk refuses.
        """
        if rows.step == 1:
            return self._read(rows.start, len(rows))
        values = np.empty(len(rows), self._dtype)
        together = max(1, VALUES_PER_READ // rows.step)
        for first in range(0, len(rows), together):
            part = rows[first : first + together]
            span = self._read(part.start, part[-1] + 1 - part.start)
            values[first : first + together] = span[:: rows.step]
        return values

    def _read(self, first: int, count: int) -> NDArray[Any]:
        values = np.empty(count, self._dtype)
        room, at = values.data.cast("B"), first * self._dtype.itemsize
        try:
            while len(room):
                got = os.preadv(self._descriptor, [room], at)
                if got == 0:
                    raise OSError(f"the file ends at byte {at}, {len(room)} more are wanted")
                room, at = room[got:], at + got
        except OSError as error:
            raise self._refused(error) from error
        return values

    def _refused(self, error: OSError) -> FeatureFileError:
        return FeatureFileError(
            f"cannot keep pulse features in {self._folder}: {error}; "
            "look at the disk, its quota and who may write there"
        )


def _open_nameless(folder: Path) -> int:
    """Return the descriptor of a new file that has no name."""
    try:
        return os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError:
        # Network file systems make no file without a name: take the name away.
        descriptor, name = tempfile.mkstemp(prefix=SCRATCH_PREFIX, dir=folder)
        Path(name).unlink()
        return descriptor
