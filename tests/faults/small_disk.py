"""A file system of a few MB that a test can fill and empty: a full disk, for real."""

import contextlib
import errno
import os
import subprocess
from collections.abc import Iterator
from io import FileIO
from pathlib import Path

BALLAST = "ballast"
_BLOCK = b"\0" * 65536


class MountError(Exception):
    """This machine lets nobody mount a file system."""


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
    """Put a small file system over a folder.

    Raises
    ------
    MountError
        Where that is not allowed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    options = f"size={size},mode=755"
    argv = ["mount", "-t", "tmpfs", "-o", options, _device_name(os.getpid()), str(folder)]
    mounted = subprocess.run(argv, capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        raise MountError(f"no file system can be mounted here: {mounted.stderr.strip()}")
    try:
        yield SmallDisk(folder)
    finally:
        _unmount(str(folder))


def unmount_small_disks(pid: int) -> None:
    """Take out the small file systems that a process left behind."""
    for line in Path("/proc/mounts").read_text().splitlines():
        device, folder, *_ = line.split()
        if device == _device_name(pid):
            _unmount(folder)


def _device_name(pid: int) -> str:
    """Name the owner of a small file system, where /proc/mounts tells it."""
    return f"pmt-small-disk-{pid}"


def _unmount(folder: str) -> None:
    # Processes that still end may have files open in it.
    subprocess.run(["umount", "--lazy", folder], check=True)
