"""A file system of a few MB that a test can fill and empty: a full disk, for real."""

import contextlib
import errno
import subprocess
from collections.abc import Iterator
from io import FileIO
from pathlib import Path

import pytest

BALLAST = "ballast"
_BLOCK = b"\0" * 65536


class SmallDisk:
    """What lies on a small file system."""

    def __init__(self, folder: Path) -> None:
        self._ballast = folder / BALLAST

    def fill(self) -> None:
        """Take all the space that is left, to the last byte."""
        with self._ballast.open("wb", buffering=0) as file:
            for size in (len(_BLOCK), 1):
                _write_until_full(file, _BLOCK[:size])

    def make_room(self) -> None:
        """Give the space back."""
        self._ballast.unlink()


def _write_until_full(file: FileIO, block: bytes) -> None:
    try:
        while file.write(block):
            pass
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise


@contextlib.contextmanager
def mount_small_disk(folder: Path, size: str) -> Iterator[SmallDisk]:
    """Put a small file system over a folder; skip the test where that is not allowed."""
    folder.mkdir(parents=True, exist_ok=True)
    argv = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", str(folder)]
    mounted = subprocess.run(argv, capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"no file system of its own can be mounted here: {mounted.stderr.strip()}")
    try:
        yield SmallDisk(folder)
    finally:
        # Processes that still end may have files open in it.
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
