"""A raw file to write to."""

from pathlib import Path

import pytest


@pytest.fixture
def raw_file(tmp_path: Path) -> Path:
    """Return where a file of channel 2 goes; it is not there yet."""
    return tmp_path / "wave2save_theta10_phi90.txt"
