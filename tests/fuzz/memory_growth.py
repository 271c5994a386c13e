"""Whether the readers keep memory: the same files again and again in one process.

``python -m tests.fuzz.memory_growth .fuzz/corpus`` ends with status 1 when they do; ``make fuzz``
runs it behind the fuzzer. The fuzzer's own process cannot tell: code that atheris has
instrumented keeps 60 kB a run, whatever it runs. Nothing is instrumented here, and the loops are
compiled, as where data are taken.
"""

import argparse
import re
import sys
import tempfile
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

from tests.fuzz.oracle import check_generation, read_whole

LIMIT_BYTES = 8192
"""More than this a run is growth; below it are the pages that the allocator takes and gives."""
FILES = 300
WARM_UP_PASSES = 2
PASSES = 5
LEAST_RUNS = 1000

_RESIDENT = re.compile(r"VmRSS:\s+(\d+) kB")


def growth_per_run(
    read: Callable[[bytes], object], contents: Sequence[bytes], passes: int = PASSES
) -> float:
    """Return the bytes that the process grows by with each content that is read."""
    for _ in range(WARM_UP_PASSES):
        _read_all(read, contents)
    passes = max(passes, -(-LEAST_RUNS // len(contents)))
    before = _resident_bytes()
    for _ in range(passes):
        _read_all(read, contents)
    return (_resident_bytes() - before) / (passes * len(contents))


def _read_all(read: Callable[[bytes], object], contents: Sequence[bytes]) -> None:
    for content in contents:
        read(content)


def _resident_bytes() -> int:
    found = _RESIDENT.search(Path("/proc/self/status").read_text())
    if found is None:
        raise OSError("no VmRSS in /proc/self/status: memory is measured on Linux alone")
    return 1024 * int(found[1])


def reading(path: Path) -> Callable[[bytes], object]:
    """Return what does all with a content that the program does with a raw file at ``path``."""

    def read(content: bytes) -> None:
        check_generation(content, len(content) // 2, path)
        read_whole(content, path)
        read_whole(content, path, block_events=3, window_bytes=1)

    return read


def main() -> None:
    """Measure, and end with status 1 where the readers keep memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    contents = [path.read_bytes()[2:] for path in islice(sorted(folder.iterdir()), FILES)]
    with tempfile.TemporaryDirectory() as raw_folder:
        growth = growth_per_run(reading(Path(raw_folder) / "wave2.txt"), contents)
    print(f"memory grows by {growth:.0f} bytes a file read, limit {LIMIT_BYTES}")
    if growth > LIMIT_BYTES:
        sys.exit("the readers keep memory: compare tracemalloc snapshots between two passes")


if __name__ == "__main__":
    main()
