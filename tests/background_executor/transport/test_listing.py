"""What a remote ``find`` prints, and what it must not be taken for."""

from pathlib import PurePosixPath

import pytest

from background_executor.errors import RemoteFileError
from background_executor.ssh.listing import read_listing
from background_executor.transport import CommandOutput

FOLDER = PurePosixPath("/data/raw")


def test_files_and_folders_are_listed_and_nothing_else() -> None:
    printed = "f\t12\t1700000000.5\tb/wave0.txt\0d\t4096\t1700000000.0\tb\0l\t1\t1.0\tlink\0"
    entries = read_listing(CommandOutput(0, printed, ""), FOLDER)
    assert [(str(e.path), e.is_folder, e.size_bytes) for e in entries] == [
        ("b", True, 0),
        ("b/wave0.txt", False, 12),
    ]


@pytest.mark.parametrize("printed", ["f\t12\t17", "f", "f\tmany\t1.0\ta\0", "d\t1\tnever\ta\0"])
def test_what_is_no_listing_is_said_and_ends_nothing(printed: str) -> None:
    with pytest.raises(RemoteFileError, match="no listing"):
        read_listing(CommandOutput(0, printed, ""), FOLDER)
