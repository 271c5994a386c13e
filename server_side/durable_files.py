"""Writing that survives a power cut: content and names are flushed to disk.

What a file system promises after a crash is only what was flushed: a file's
content by its own ``fsync``, its name by that of the folder it is in.
"""

import os
from pathlib import Path


def write_synced(path: Path, content: bytes) -> None:
    """Write a new file and flush it; one that is there already is an error."""
    with path.open("xb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def sync_folder(folder: Path) -> None:
    """Flush the names in a folder."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Make a folder and its parents, each of them flushed into its own parent."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def sync_file(path: Path) -> None:
    """Flush the content of a file that another library wrote."""
    with path.open("rb") as stream:
        os.fsync(stream.fileno())
