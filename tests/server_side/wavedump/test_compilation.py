"""Compiled code where its cache can be written, where it cannot, and after a change."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.server_side.wavedump.raw_content import STYLES, make_events

ROOT = Path(__file__).parents[3]
COUNT = """
import sys
from pathlib import Path
from server_side.settings import DaqSettings
from server_side.wavedump.sequence import order_events
from server_side.wavedump import open_reader
reader = open_reader(Path(sys.argv[1]), DaqSettings(record_length=24))
list(reader.blocks())
print(reader.summary().doubled_events, sum(order_events.stats.cache_hits.values()))
"""


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """Return a folder that holds a copy of the package without any compiled code."""
    ignore = shutil.ignore_patterns("__pycache__", "simulate", "response")
    shutil.copytree(ROOT / "server_side", tmp_path / "site" / "server_side", ignore=ignore)
    return tmp_path / "site"


@pytest.fixture
def doubled_file(raw_file: Path) -> Path:
    events = make_events(9)
    raw_file.write_bytes(STYLES["ascii"].content([*events, *events]))
    return raw_file


def run_copy(site: Path, cache: Path, path: Path) -> tuple[int, int]:
    """Return doubled events and cache hits of a fresh process."""
    environment = {**os.environ, "PYTHONPATH": str(site), "XDG_CACHE_HOME": str(cache)}
    environment.pop("NUMBA_CACHE_DIR", None)
    run = subprocess.run(
        [sys.executable, "-c", COUNT, str(path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=site,
        env=environment,
    )
    doubled, hits = run.stdout.split()
    return int(doubled), int(hits)


@pytest.mark.slow
def test_a_read_only_installation_reads_without_a_cache(
    installed: Path, doubled_file: Path, tmp_path: Path
) -> None:
    # A file where a folder should be stops root too, whom no mode bit stops.
    (installed / "server_side" / "wavedump" / "__pycache__").touch()
    no_folder = tmp_path / "no_folder"
    no_folder.touch()
    assert run_copy(installed, no_folder, doubled_file) == (9, 0)


@pytest.mark.slow
def test_a_change_in_another_file_is_not_answered_from_the_cache(
    installed: Path, doubled_file: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    assert run_copy(installed, cache, doubled_file) == (9, 0)
    assert run_copy(installed, cache, doubled_file) == (9, 1)
    fault = installed / "server_side" / "wavedump" / "fault.py"
    fault.write_text(fault.read_text().replace("DOUBLED = 10", "DOUBLED = 20"))
    assert run_copy(installed, cache, doubled_file) == (9, 0)
