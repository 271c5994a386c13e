"""Memory of the whole chain does not grow with the files of a point.

``WAVEDUMP_TEST_GB=10 python -m pytest tests/server_side/pipeline/test_memory.py`` shows it
with a point of 10 GB in four channels.
"""

import functools
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from server_side.pulses.stored import ROWS_PER_CHUNK
from server_side.result import PointResult, SpectrumName
from tests.server_side.pipeline.bench import write_point

ROOT = Path(__file__).parents[3]
SIZE_BYTES = int(float(os.environ.get("WAVEDUMP_TEST_GB", "0.4")) * 1e9)
LIMIT_MB = 500
GROWTH_MB = 120
"""Room for what the allocator keeps and the file buffers of uproot."""
CHANNELS = (0, 1, 2, 4)
EVENTS = 500
"""Different events; a larger file repeats them under other numbers."""
PEAK = """
import re
from pathlib import Path
# VmHWM is of this program alone; ru_maxrss keeps the peak of the process that started it.
peak_kb = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]
print(int(peak_kb) // 1024)
"""
WITHOUT_ZFIT = """
import sys
from pathlib import Path
from server_side.by_hand import Request, process_by_hand
from server_side.scan import Slot
from server_side.settings import MeasurementSettings
from tests.server_side.pipeline.no_fitter import NoFitter

request = Request(
    raw_folder=Path(sys.argv[1]), out=Path(sys.argv[2]), serial_number=None, slot=Slot.ONE,
    kind=None, point=None, zone="Asia/Tokyo", settings=MeasurementSettings(),
)
for entry in process_by_hand(request, NoFitter()):
    assert entry.folder, entry.message
assert "tensorflow" not in sys.modules
"""
WHOLE_COMMAND = """
import contextlib
import sys
from server_side.cli import main
with contextlib.redirect_stdout(sys.stderr):
    assert main(["process", sys.argv[1], "--out", sys.argv[2]]) == 0
"""
pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


def peak_mb(program: str, raw: Path, out: Path) -> int:
    command = [sys.executable, "-c", program + PEAK, str(raw), str(out)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    peak = int(run.stdout.split()[-1])
    print(f"peak of {raw}: {peak} MB")
    return peak


@pytest.fixture(scope="module")
def make_point(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], tuple[Path, int]]:
    """Write a point of four channels with so many bytes; return its folder and its events."""
    pattern = tmp_path_factory.mktemp("pattern")
    write_point(pattern, EVENTS, channels=CHANNELS)

    @functools.cache
    def make(size_bytes: int) -> tuple[Path, int]:
        folder = tmp_path_factory.mktemp("raw") / "wavedump_output_20260220_150000" / "KQ0146"
        folder /= "wavesave_theta10_phi90"
        folder.mkdir(parents=True)
        total = sum(path.stat().st_size for path in pattern.iterdir())
        repeats = max(1, size_bytes // total)
        for path in pattern.iterdir():
            _, *events = path.read_text().split("Record Length: ")
            texts = [re.sub(r"Event Number: \d+", "Event Number: %d", event) for event in events]
            with (folder / path.name).open("w") as file:
                for first in range(0, repeats * EVENTS, EVENTS):
                    numbered = enumerate(texts, first)
                    file.write("".join(f"Record Length: {text % n}" for n, text in numbered))
        return folder, repeats * EVENTS

    return make


def test_a_large_point_goes_from_bytes_to_a_published_result_in_little_memory(
    make_point: Callable[[int], tuple[Path, int]], tmp_path: Path
) -> None:
    folder, events = make_point(SIZE_BYTES)
    assert events > ROWS_PER_CHUNK
    assert peak_mb(WITHOUT_ZFIT, folder, tmp_path) < LIMIT_MB
    (path,) = tmp_path.rglob("result.json")
    result = PointResult.model_validate_json(path.read_bytes())
    assert result.triggers == events
    window = result.spectrum_of(SpectrumName.WINDOW)
    assert window is not None
    assert sum(window.counts) + window.below + window.above > 0.9 * events
    # Every repeat adds the same counts: no chunk was left out or counted twice.
    threshold = result.spectrum_of(SpectrumName.THRESHOLD)
    assert threshold is not None
    assert not np.any(np.array(threshold.counts) % (events // EVENTS))
    assert not list(tmp_path.rglob(".building-*"))


def test_the_whole_command_needs_no_more_for_a_larger_point(
    make_point: Callable[[int], tuple[Path, int]], tmp_path: Path
) -> None:
    small, _ = make_point(SIZE_BYTES // 10)
    large, _ = make_point(SIZE_BYTES)
    of_small = peak_mb(WHOLE_COMMAND, small, tmp_path / "small")
    of_large = peak_mb(WHOLE_COMMAND, large, tmp_path / "large")
    assert of_large < of_small + GROWTH_MB
