"""How long a page waits for the points of two scans: ``python -m tests.benchmarks.bench_queries``.

The store is SQLite on this disk, filled as in the middle of a shift. Nothing fails here.
"""

import statistics
import tempfile
import time
from contextlib import closing
from pathlib import Path

from background_executor import queries
from background_executor.store import Store
from tests.seed_store import COMPLETE_SCAN, RUNNING_SCAN, seed_site

REPEATS = 30


def read_points(store: Store) -> int:
    """Read the points of both scans as the live page does, and return how many there are."""
    return sum(len(queries.points(store, scan)) for scan in (RUNNING_SCAN, COMPLETE_SCAN))


def main() -> None:
    """Print the shortest and the middle one of some times."""
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(seed_site(Path(folder)).config.open_store()) as store,
    ):
        points = read_points(store)
        times_ms = []
        for _ in range(REPEATS):
            began = time.perf_counter()
            read_points(store)
            times_ms.append(1000 * (time.perf_counter() - began))
    print(
        f"{points} points of two scans: shortest {min(times_ms):.1f} ms, "
        f"median {statistics.median(times_ms):.1f} ms of {REPEATS} reads"
    )


if __name__ == "__main__":
    main()
