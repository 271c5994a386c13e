"""``make soak``: many points over real SSH and SLURM with a random fault every few seconds.

Run ``python -m tests.soak [--points 500] [--seed 1]`` as root. Jobs publish
made-up results through the real code; everything between their journals and the
store is real. Exit status 1 when a point is missing or stored twice, a job was
made twice, or the executor's process grew beyond its bounds.
"""

import argparse
import random
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from background_executor import queries
from tests.cluster.cluster import RealCluster, why_not
from tests.cluster.line import Line
from tests.run_guard import guard_this_process
from tests.soak.bench import Footprint, SoakBench
from tests.soak.soak import Soak, faults_of_outcome, peak

POINTS_A_SCAN = 25
REMEMBER_JOBS_S = 7200
"""SLURM keeps ended jobs so long, so that doubled ones can be counted at the end."""


def plan_scans(points: int) -> tuple[int, list[str]]:
    """Return how many scans of which points have so many points, or some more."""
    a_scan = min(points, POINTS_A_SCAN)
    names = [f"theta{10 * (1 + number // 12)}_phi{30 * (number % 12)}" for number in range(a_scan)]
    return -(-points // a_scan), names


def soak(points: int, seed: int, limit_s: float) -> list[str]:
    """Soak a fresh site, print what happened, and return what is wrong."""
    scans, names = plan_scans(points)
    with (
        RealCluster(forget_s=REMEMBER_JOBS_S) as cluster,
        Line(cluster.ssh.port) as line,
        tempfile.TemporaryDirectory() as folder,
    ):
        bench = SoakBench(cluster, line, Path(folder), names)
        try:
            made = Soak(bench, random.Random(seed), scans)
            seconds = made.run(limit_s)
            report(made, seconds)
            return list(faults_of_outcome(made))
        finally:
            bench.close()


def report(made: Soak, seconds: float) -> None:
    """Print what was stored, what went wrong meanwhile, and what the executor held."""
    scans = made.scans()
    jobs = sum(len(queries.jobs(made.bench.store, scan.scan_id)) for scan in scans)
    stored = sum(scan.points_stored for scan in scans)
    print(f"{stored} points of {len(scans)} scans stored in {seconds:.0f} s by {jobs} jobs;")
    print(f"{made.resumed} times a scan asked the operator and was resumed")
    print(f"{made.drained} times SLURM had drained the node and it was given back")
    print(f"{sum(made.faults.values())} faults:")
    for name, count in sorted(made.faults.items()):
        print(f"  {count:4} {name}")
    lives = [life for life in made.bench.lives if life]
    longest = max(lives, key=len)
    print(f"{len(lives)} lives of the executor      memory (MB)   threads   open files")
    _print_footprint("longest life, begin", longest[min(10, len(longest) - 1)])
    _print_footprint("longest life, end", longest[-1])
    _print_footprint("most in any life", peak(lives))


def _print_footprint(words: str, look: Footprint) -> None:
    print(f"  {words:27} {look.memory_mb:10.0f} {look.threads:9} {look.open_files:12}")


def main() -> int:
    """Read the command line and soak."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--points", type=int, default=500, help="at least so many in all")
    parser.add_argument("--seed", type=int, default=1, help="of the faults")
    parser.add_argument("--limit-s", type=float, default=3600.0, help="longer is a failure")
    given = parser.parse_args()
    if reason := why_not():
        print(f"no soak here: {reason}", file=sys.stderr)
        return 1
    guard_this_process()
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, seed {given.seed}", flush=True)
    wrong = soak(given.points, given.seed, given.limit_s)
    for words in wrong:
        print(f"WRONG: {words}")
    print("soak failed" if wrong else "every point is stored once, every job was made once")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
