"""Compiled code where its cache can be written, where it cannot, and after a change."""

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from server_side.pulses.kernels import PulseRule, measure_pulses
from server_side.wavedump.bare_text_scan import scan_bare_text
from server_side.wavedump.binary_scan import scan_bare_binary, scan_binary
from server_side.wavedump.sequence import order_events
from server_side.wavedump.text_scan import scan_text

ROOT = Path(__file__).parents[3]
ORDER_DOUBLED_EVENTS = """
from server_side.wavedump.blocks import BlockBuilder
from server_side.wavedump.sequence import order_events
builder = BlockBuilder(block_events=8, record_length=2, event_bytes=1.0)
builder.rows.event_number[:4] = builder.rows.time_tag[:4] = (1, 2, 2, 3)
builder.rows.first_byte[:4] = (0, 1, 2, 3)
builder.row = 4
_, faults = builder.close()
block, _ = builder.end()
print(len(block.event_number), faults[0, 0], sum(order_events.stats.cache_hits.values()))
"""


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """Return a folder that holds a copy of the readers without any compiled code."""
    ignore = shutil.ignore_patterns("__pycache__", "simulate", "response", "pulses")
    shutil.copytree(ROOT / "server_side", tmp_path / "site" / "server_side", ignore=ignore)
    return tmp_path / "site"


def run_copy(site: Path, cache: Path) -> tuple[int, int, int]:
    """Return events kept, kind of the fault and cache hits of a fresh process."""
    environment = {**os.environ, "PYTHONPATH": str(site), "XDG_CACHE_HOME": str(cache)}
    run = subprocess.run(
        [sys.executable, "-c", ORDER_DOUBLED_EVENTS],
        capture_output=True,
        text=True,
        check=True,
        cwd=site,
        env=environment,
    )
    kept, kind, hits = map(int, run.stdout.split())
    return kept, kind, hits


@pytest.mark.slow
def test_a_read_only_installation_works_without_a_cache(installed: Path, tmp_path: Path) -> None:
    # A file where a folder should be stops root too, whom no mode bit stops.
    (installed / "server_side" / "wavedump" / "__pycache__").touch()
    no_folder = tmp_path / "no_folder"
    no_folder.touch()
    assert run_copy(installed, no_folder) == (3, 10, 0)


@pytest.mark.slow
def test_a_change_in_another_file_is_not_answered_from_the_cache(
    installed: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    assert run_copy(installed, cache) == (3, 10, 0)
    assert run_copy(installed, cache) == (3, 10, 1)
    fault = installed / "server_side" / "wavedump" / "fault.py"
    fault.write_text(fault.read_text().replace("DOUBLED = 10", "DOUBLED = 20"))
    assert run_copy(installed, cache) == (3, 20, 0)


@pytest.mark.parametrize(
    "function",
    [scan_text, scan_bare_text, scan_binary, scan_bare_binary, order_events],
    ids=lambda function: function.__name__,
)
def test_every_loop_over_bytes_is_compiled_to_release_the_gil(function: Any) -> None:
    assert function.targetoptions["nogil"]


def test_another_thread_runs_while_pulses_are_measured() -> None:
    samples = np.full((60_000, 260), 8000.0, np.float32)
    rule = PulseRule(-1.0, 40, 24.0, 10, 50, 16383.0)
    room = np.empty((5, len(samples))), np.empty(len(samples), np.bool_)
    measure_pulses(samples[:1], rule, room[0][:, :1], room[1][:1])
    is_measured = threading.Event()

    def measure() -> None:
        measure_pulses(samples, rule, *room)
        is_measured.set()

    thread = threading.Thread(target=measure)
    before = sys.getswitchinterval()
    # From now on a thread runs until it gives the lock away by itself.
    sys.setswitchinterval(60.0)
    try:
        thread.start()
        ran_meanwhile = not is_measured.is_set()
    finally:
        sys.setswitchinterval(before)
        thread.join()
    assert ran_meanwhile
