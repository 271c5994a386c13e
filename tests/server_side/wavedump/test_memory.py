"""Memory does not grow with the file.

``WAVEDUMP_TEST_GB=10 python -m pytest tests/server_side/wavedump/test_memory.py`` shows it
with files of 10 GB: one is written in full, one is sparse and needs no disk.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.server_side.wavedump.raw_content import STYLES, binary_event, make_events

SIZE_BYTES = int(float(os.environ.get("WAVEDUMP_TEST_GB", "0.3")) * 1e9)
LIMIT_MB = 500
LENGTH = 260
READ = """
import re
import sys
from pathlib import Path
from server_side.settings import DaqSettings
from server_side.wavedump import open_reader
reader = open_reader(Path(sys.argv[1]), DaqSettings())
for block in reader.all_blocks():
    pass
seen = reader.summary()
# VmHWM is of this program alone; ru_maxrss keeps the peak of the process that started it.
peak_kb = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]
peak_mb = int(peak_kb) // 1024
print(peak_mb, seen.events, seen.skipped_events, seen.last_event)
"""
pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


def read_in_a_process(path: Path) -> tuple[int, int, int, int]:
    """Return peak memory (MB), events, skipped events and the last event."""
    run = subprocess.run(
        [sys.executable, "-c", READ, str(path)], capture_output=True, text=True, check=True
    )
    peak_mb, events, skipped, last = map(int, run.stdout.split())
    return peak_mb, events, skipped, last


def test_a_large_text_file_needs_little_memory(raw_file: Path) -> None:
    samples = "".join(f"{value}\n" for value in make_events(1, length=LENGTH)[0].samples)
    event = f"Record Length: {LENGTH}\nBoardID: 31\nChannel: 2\nEvent Number: %d\n" + samples
    count = SIZE_BYTES // len(event)
    with raw_file.open("w") as file:
        for begin in range(0, count, 1000):
            file.write("".join(event % n for n in range(begin, min(begin + 1000, count))))
    peak_mb, events, skipped, last = read_in_a_process(raw_file)
    assert (events, skipped, last) == (count, 0, count - 1)
    assert peak_mb < LIMIT_MB


def test_a_large_hole_needs_little_memory(raw_file: Path) -> None:
    before = b"".join(map(binary_event, make_events(100, length=LENGTH)))
    behind = b"".join(map(binary_event, make_events(100, first=10**8, length=LENGTH)))
    with raw_file.open("wb") as file:
        file.write(before)
        file.seek(SIZE_BYTES)
        file.write(behind)
    peak_mb, events, skipped, last = read_in_a_process(raw_file)
    assert events in (199, 200)
    assert last == 10**8 + 99
    assert skipped == pytest.approx(SIZE_BYTES / len(behind) * 100, rel=0.01)
    assert peak_mb < LIMIT_MB


READ_SIDE_BY_SIDE = """
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from server_side.settings import DaqSettings
from server_side.wavedump import open_reader
def read(path):
    reader = open_reader(Path(path), DaqSettings())
    for block in reader.all_blocks():
        pass
    return reader.summary().events
with ThreadPoolExecutor(len(sys.argv) - 1) as threads:
    events = sum(threads.map(read, sys.argv[1:]))
peak_kb = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]
print(int(peak_kb) // 1024, events)
"""


@pytest.mark.parametrize("name", ["bare-binary", "binary", "bare-text", "ascii"])
def test_four_channels_at_once_need_little_memory(tmp_path: Path, name: str) -> None:
    events = STYLES[name].content(make_events(1000, length=LENGTH))
    paths = [tmp_path / f"wave{channel}.txt" for channel in range(4)]
    repeated = 12_000_000 // len(events) + 1
    for path in paths:
        path.write_bytes(events * repeated)
    run = subprocess.run(
        [sys.executable, "-c", READ_SIDE_BY_SIDE, *map(str, paths)],
        capture_output=True,
        text=True,
        check=True,
    )
    peak_mb, seen = map(int, run.stdout.split())
    assert seen == 4000 * (repeated if "bare" in name else 1)
    assert peak_mb < LIMIT_MB
