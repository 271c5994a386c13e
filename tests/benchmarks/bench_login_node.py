"""What the login node pays: round trips, questions to SLURM and processes, over real SSH and SLURM.

Run ``python -m tests.benchmarks.bench_login_node [--seconds S]`` as root. The
executor is turned here at the default rhythm, so that its transport can be
asked for its count; the line counts by itself how often an answer was waited
for. Jobs publish made-up results, a point every 30 s, ten times the pace of the
laboratory. A figure beyond its limit is marked.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from background_executor.config import load_config
from background_executor.executor import Executor
from background_executor.scheduler.slurm import SlurmScheduler
from background_executor.site import Site, open_site
from background_executor.ssh import SshTransport
from tests.background_executor.fake_job import BEHAVIOUR_FILE, Behaviour
from tests.benchmarks.bench_cluster import ask_for_scans, make_default_site
from tests.cluster.cluster import RealCluster, why_not
from tests.cluster.line import Line

SECONDS_PER_POINT = 30.0
ROUND_TRIP_S = 0.14
WARM_UP_S = 20.0
"""Jobs are submitted and begin."""
ROUND_TRIP_LIMITS = {0: 4.0, 2: 80.0}
"""In a minute, by the number of scans that run."""
QUESTION_LIMIT = 2.0
"""In a minute."""


class CountingSlurm(SlurmScheduler):
    """The real SLURM, with a count of the questions."""

    def __init__(self, scheduler: SlurmScheduler) -> None:
        self.__dict__.update(scheduler.__dict__)
        self.questions = 0

    def queue_argv(self, jobs: Sequence[str], scheduler_ids: Sequence[str]) -> list[str]:
        """Count the question that is to be asked."""
        self.questions += 1
        return super().queue_argv(jobs, scheduler_ids)


@dataclass(frozen=True)
class Cost:
    """What a minute costs the login node."""

    scans: int
    """That run meanwhile."""
    minutes: float
    """So long it was counted."""
    round_trips: float
    """By the transport's own count."""
    waits: float
    """By the line's count: how often the executor spoke after the server had."""
    questions: float
    """To SLURM."""
    lasting_processes: int
    """Seen in every look below the server's listening process, the connection's own apart."""
    most_processes: int
    """At one moment, with the connection's own."""

    @property
    def is_missed(self) -> bool:
        """Tell whether it is more than it may be."""
        # A question at either end of the time belongs to the minute beside it.
        questions_allowed = QUESTION_LIMIT + 1 / self.minutes
        return (
            self.round_trips > ROUND_TRIP_LIMITS[self.scans]
            or self.questions > questions_allowed
            or self.lasting_processes > 0
        )


def descendants(pid: int) -> set[int]:
    """Return the living processes below one."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if entry.name.isdigit():
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found: set[int] = set()
    waiting = [pid]
    while waiting:
        children = parents.get(waiting.pop(), [])
        found.update(children)
        waiting += children
    return found


@contextmanager
def open_bench_site(settings: Path) -> Iterator[tuple[Site, SshTransport, CountingSlurm]]:
    """Open a site with a counting scheduler."""
    site = open_site(load_config(settings))
    assert isinstance(site.scheduler, SlurmScheduler)
    assert isinstance(site.transport, SshTransport)
    slurm = CountingSlurm(site.scheduler)
    with closing(site.store), closing(site.transport):
        yield replace(site, scheduler=slurm), site.transport, slurm


def turn(executor: Executor, poll_s: float, seconds: float, sshd: int) -> list[set[int]]:
    """Let the executor work for a while; return the server's processes at each turn."""
    looks = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        executor.step(datetime.now(UTC))
        looks.append(descendants(sshd))
        time.sleep(poll_s)
    return looks


def measure(cluster: RealCluster, scans: Sequence[str], seconds: float) -> Cost:
    """Turn the executor of a fresh site with so many scans and return what a minute costs."""
    with (
        tempfile.TemporaryDirectory() as name,
        Line(cluster.ssh.port, round_trip_s=ROUND_TRIP_S) as line,
    ):
        settings = make_default_site(cluster, Path(name), line)
        behaviour = json.dumps(asdict(Behaviour(pace_s=SECONDS_PER_POINT)))
        Path(name, "raw", BEHAVIOUR_FILE).write_text(behaviour)
        with open_bench_site(settings) as (site, transport, slurm):
            ask_for_scans(site.store, scans)
            transport.connect()
            connection = descendants(cluster.ssh.pid)
            executor, poll_s = Executor(site, datetime.now(UTC)), site.config.site.poll_s
            turn(executor, poll_s, WARM_UP_S, cluster.ssh.pid)
            before = (transport.round_trips, line.round_trips, slurm.questions)
            began = time.monotonic()
            looks = turn(executor, poll_s, seconds, cluster.ssh.pid)
            minutes = (time.monotonic() - began) / 60
            after = (transport.round_trips, line.round_trips, slurm.questions)
        counts = [(late - early) / minutes for early, late in zip(before, after, strict=True)]
        for job in cluster.slurm.run("squeue", "-h", "-o", "%i").stdout.split():
            cluster.slurm.run("scancel", job)
    lasting = set.intersection(*looks) - connection
    return Cost(len(scans), minutes, *counts, len(lasting), max(map(len, looks)))


def main() -> None:
    """Print the figures as a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=120.0, help="for each measurement")
    given = parser.parse_args()
    if reason := why_not():
        print(f"no test cluster here: {reason}")
        return
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC; a minute, at {1000 * ROUND_TRIP_S:.0f} ms")
    print("scans   round trips (at most)   waits on the line   SLURM questions   processes")
    with RealCluster() as cluster:
        for scans in ((), ("KQ0146", "KQ0147")):
            print_row(measure(cluster, scans, given.seconds))


def print_row(cost: Cost) -> None:
    """Print what a minute costs, and whether it is within its limits."""
    print(
        f"{cost.scans:5} {cost.round_trips:13.1f} ({ROUND_TRIP_LIMITS[cost.scans]:2.0f})"
        f" {cost.waits:20.1f} {cost.questions:17.1f}   {cost.lasting_processes} lasting beside the"
        f" connection's, at most {cost.most_processes} at the end of a turn"
        f"{'   MISSED' if cost.is_missed else ''}",
        flush=True,
    )


if __name__ == "__main__":
    main()
