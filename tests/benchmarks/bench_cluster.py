"""From the rename of a result folder on the cluster to its row, over real SSH and SLURM.

Run ``python -m tests.benchmarks.bench_cluster [--pace-s S]`` as root. The
executor runs as a process of its own with the default rhythm; points appear one
after the other, then 21 at once. A row counts from when a reader sees it; a
figure beyond its limit is marked. What the login node pays for it:
``bench_login_node``.
"""

import argparse
import json
import statistics
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from background_executor import queries
from background_executor.commands import StartScan
from background_executor.config import load_config
from background_executor.records import PointState, ScanRecord
from background_executor.store import Store
from server_side.layout import ScanLayout
from server_side.scan import Slot, position_points
from tests.background_executor.fake_job import BEHAVIOUR_FILE, Behaviour
from tests.cluster.cluster import RealCluster, why_not
from tests.cluster.line import Line
from tests.cluster.site_settings import change_settings, make_cluster_site
from tests.faults.cluster_bench import run_executor

POINTS = tuple(point.name for point in position_points())
PATIENCE_S = 300.0
MEDIAN_LIMIT_S = 2.0
WORST_LIMIT_S = 5.0
"""Of points that come one by one."""
LAST_LIMIT_S = 5.0
"""From the last rename to the last row, when all come at once."""


@dataclass(frozen=True)
class Delays:
    """Seconds from rename to row, of one scan."""

    median_s: float
    worst_s: float
    last_s: float
    """From the last rename to the last row."""

    def are_missed(self, *, at_once: bool) -> bool:
        """Tell whether they are longer than they may be."""
        if at_once:
            return self.last_s > LAST_LIMIT_S
        return self.median_s > MEDIAN_LIMIT_S or self.worst_s > WORST_LIMIT_S


def make_default_site(cluster: RealCluster, folder: Path, line: Line) -> Path:
    """Make a site whose executor has the rhythm of the default settings."""
    settings = make_cluster_site(cluster, folder, port=line.port, points=POINTS)
    change_settings(settings, "poll_s = 0.05\nscheduler_poll_s = 1.0\n", "")
    return settings


def ask_for_scans(store: Store, serials: Sequence[str]) -> None:
    """Put the wish for a scan of each serial number into the store."""
    for slot, serial in zip(Slot, serials, strict=False):
        command = StartScan(serial_number=serial, slot=slot)
        store.enqueue("here", command, "bench", str(uuid.uuid4()))


@contextmanager
def running_site(
    cluster: RealCluster, round_trip_s: float, pace_s: float, serials: Sequence[str]
) -> Iterator[tuple[Store, Path, Line]]:
    """Run an executor of a fresh site over a line, asked for a scan of each serial number."""
    with (
        tempfile.TemporaryDirectory() as name,
        Line(cluster.ssh.port, round_trip_s=round_trip_s) as line,
    ):
        settings = make_default_site(cluster, Path(name), line)
        behaviour = json.dumps(asdict(Behaviour(pace_s=pace_s)))
        Path(name, "raw", BEHAVIOUR_FILE).write_text(behaviour)
        store = load_config(settings).open_store()
        ask_for_scans(store, serials)
        executor = run_executor(settings)
        try:
            yield store, Path(name), line
        finally:
            executor.terminate()
            executor.wait(30)
            store.close()


def watch_rows(store: Store) -> tuple[ScanRecord, dict[str, float]]:
    """Wait until the scan has all its points; return when a reader first saw each stored."""
    seen: dict[str, float] = {}
    give_up = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up:
        for scan in queries.scans(store, "here"):
            for record in queries.points(store, scan.scan_id):
                if record.state is PointState.STORED:
                    seen.setdefault(record.point.name, time.time())
            if len(seen) == len(POINTS):
                return scan, seen
        time.sleep(0.05)
    raise TimeoutError("the scan did not end")


def delays_of(folder: Path, scan: ScanRecord, seen: Mapping[str, float]) -> Delays:
    """Compare when folders appeared with when their rows did."""
    layout = ScanLayout(load_config(folder / "site.toml").site.base_folder, scan.plan)
    # The folder's own time of change is its rename into place.
    renamed = {name: Path(layout.results_folder, f"data_{name}").stat().st_ctime for name in seen}
    delays = [seen[name] - renamed[name] for name in seen]
    last_s = max(seen.values()) - max(renamed.values())
    return Delays(statistics.median(delays), max(delays), last_s)


def measure(cluster: RealCluster, round_trip_s: float, pace_s: float) -> Delays:
    """Run one scan and return its delays."""
    with running_site(cluster, round_trip_s, pace_s, ["KQ0146"]) as (store, folder, _):
        return delays_of(folder, *watch_rows(store))


def main() -> None:
    """Print the figures as a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pace-s", type=float, default=2.0, help="between two points")
    given = parser.parse_args()
    if reason := why_not():
        print(f"no test cluster here: {reason}")
        return
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC; seconds from rename to row, 21 points")
    print(
        f"one by one: median under {MEDIAN_LIMIT_S:g}, worst under {WORST_LIMIT_S:g}; "
        f"all at once: last under {LAST_LIMIT_S:g}"
    )
    print("round trip   points             median   worst   last point to last row")
    with RealCluster() as cluster:
        for round_trip_s in (0.0, 0.14):
            for pace_s in (given.pace_s, 0.0):
                print_row(round_trip_s, pace_s, measure(cluster, round_trip_s, pace_s))


def print_row(round_trip_s: float, pace_s: float, delays: Delays) -> None:
    """Print the delays of one scan, and whether they are within their limits."""
    words = "one by one" if pace_s else "all at once"
    missed = "   MISSED" if delays.are_missed(at_once=not pace_s) else ""
    print(
        f"{1000 * round_trip_s:6.0f} ms   {words:16} {delays.median_s:8.2f}"
        f" {delays.worst_s:7.2f} {delays.last_s:14.2f}{missed}",
        flush=True,
    )


if __name__ == "__main__":
    main()
