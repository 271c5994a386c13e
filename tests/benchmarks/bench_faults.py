"""Which check names which fault, and how often a clean point is called faulty.

``python -m tests.benchmarks.bench_faults`` takes 100 seeds of each fault and
1,000 clean points: about an hour on two cores. ``--seeds 5 --clean 50`` is short.
Nothing fails here.
"""

import argparse
import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from itertools import chain

from background_executor.records import Verdict
from server_side.gain_fit import GainFitter
from server_side.simulate import Fault
from tests.fault_bench import OWN_CHECK, Judged, judge_clean, judge_faults

CLEAN_POINTS_A_SCAN = 21
FIRST_CLEAN_SEED = 10_000


@dataclass(frozen=True)
class Row:
    """What is counted of a point."""

    fault: Fault | None
    point: str
    named: tuple[str, ...]
    is_named_by_its_own: bool
    verdict: Verdict
    summary: str


def main() -> None:
    """Print the confusion table, then the false alarms."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=100, help="of every fault")
    parser.add_argument("--clean", type=int, default=1000, help="clean points")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    given = parser.parse_args()
    began = time.monotonic()
    # A forked process would inherit the threads of TensorFlow, and hang.
    spawning = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(given.processes, mp_context=spawning) as workers:
        of_faults = list(chain.from_iterable(workers.map(_faulty_rows, range(given.seeds))))
        clean = [row for row in of_faults if row.fault is None]
        missing = max(0, given.clean - len(clean))
        scans = range(FIRST_CLEAN_SEED, FIRST_CLEAN_SEED + -(-missing // CLEAN_POINTS_A_SCAN))
        points = min(missing, CLEAN_POINTS_A_SCAN)
        clean += chain.from_iterable(workers.map(partial(_clean_rows, points=points), scans))
    for fault in Fault:
        _print_fault(fault, [row for row in of_faults if row.fault is fault])
    _print_clean(clean)
    print(f"{time.monotonic() - began:.0f} s")


@cache
def _fitter() -> GainFitter:
    """Return the one fitter of this process: losses are built once."""
    return GainFitter()


def _faulty_rows(seed: int) -> tuple[Row, ...]:
    return tuple(_rows(judge_faults(_fitter(), seed, tuple(Fault))))


def _clean_rows(seed: int, points: int) -> tuple[Row, ...]:
    return tuple(_rows(judge_clean(_fitter(), seed, points)))


def _rows(points: Iterator[Judged]) -> Iterator[Row]:
    for point in points:
        verdict = point.verdict
        yield Row(
            point.fault,
            point.result.take.name,
            point.named,
            point.is_named_by_its_own,
            verdict.verdict,
            verdict.summary,
        )


def _print_fault(fault: Fault, rows: Sequence[Row]) -> None:
    named = sum(row.is_named_by_its_own for row in rows)
    verdicts = Counter(row.verdict.value for row in rows)
    others = Counter(name for row in rows for name in row.named if name != OWN_CHECK[fault])
    told = ", ".join(f"{number} {verdict}" for verdict, number in verdicts.most_common())
    beside = ", ".join(f"{name} {number}" for name, number in others.most_common(6))
    print(f"{fault:<16} by {OWN_CHECK[fault]:<25} {named:>3} of {len(rows)}; {told}")
    if beside:
        print(f"{'':<16}    beside it: {beside}")


def _print_clean(clean: Sequence[Row]) -> None:
    alarms = [row for row in clean if row.verdict is not Verdict.HEALTHY]
    print(f"clean bench: {len(alarms)} false alarms at {len(clean)} points")
    for alarm in alarms:
        print(f"    {alarm.point}: {alarm.summary}")


if __name__ == "__main__":
    main()
