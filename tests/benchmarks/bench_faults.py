"""Which check names which fault, and how often a clean point is called faulty.

``python -m tests.benchmarks.bench_faults`` takes 100 seeds of each fault and
1,000 clean points, and shows the verdicts of all. Clean points, and the faults of the
first seeds (``--whole-seeds``), go through the whole analysis; the other seeds without
the second opinion (``JUDGING_ALONE`` says why that proves as much). With
``--first-seed`` the table can be made in parts. Nothing fails here.
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
from tests.fault_bench import JUDGING_ALONE, OWN_CHECK, Judged, judge_clean, judge_faults

CLEAN_POINTS_A_SCAN = 21
FIRST_CLEAN_SEED = 10_000


@dataclass(frozen=True)
class Row:
    """What is counted of a point."""

    fault: Fault | None
    is_whole: bool
    """Whether it went through the whole analysis."""
    point: str
    named: tuple[str, ...]
    is_named_by_its_own: bool
    verdict: Verdict
    summary: str


def main() -> None:
    """Print the confusion table, then the false alarms."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=100, help="of every fault")
    parser.add_argument("--whole-seeds", type=int, default=10, help="with the second opinion")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--clean", type=int, default=1000, help="clean points")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    given = parser.parse_args()
    began = time.monotonic()
    # A forked process would inherit the threads of TensorFlow, and hang.
    spawning = multiprocessing.get_context("spawn")
    seeds = range(given.first_seed, given.first_seed + given.seeds)
    first_scan = FIRST_CLEAN_SEED + given.first_seed
    scans = range(first_scan, first_scan + -(-given.clean // CLEAN_POINTS_A_SCAN))
    faulty = partial(_faulty_rows, whole_seeds=given.whole_seeds)
    with ProcessPoolExecutor(given.processes, mp_context=spawning) as workers:
        of_faults = list(chain.from_iterable(workers.map(faulty, seeds)))
        points = min(given.clean, CLEAN_POINTS_A_SCAN)
        clean = list(chain.from_iterable(workers.map(partial(_clean_rows, points=points), scans)))
    for fault in Fault:
        _print_fault(fault, [row for row in of_faults if row.fault is fault])
    _print_clean(clean)
    print(f"{time.monotonic() - began:.0f} s")


@cache
def _fitter() -> GainFitter:
    """Return the one fitter of this process: losses are built once."""
    return GainFitter()


def _faulty_rows(seed: int, whole_seeds: int) -> tuple[Row, ...]:
    is_whole = seed < whole_seeds
    judged = judge_faults(_fitter(), seed, tuple(Fault), None if is_whole else JUDGING_ALONE)
    return tuple(_rows(judged, is_whole=is_whole))


def _clean_rows(seed: int, points: int) -> tuple[Row, ...]:
    return tuple(_rows(judge_clean(_fitter(), seed, points), is_whole=True))


def _rows(points: Iterator[Judged], *, is_whole: bool) -> Iterator[Row]:
    for point in points:
        verdict = point.verdict
        yield Row(
            point.fault,
            is_whole,
            point.result.take.name,
            point.named,
            point.is_named_by_its_own,
            verdict.verdict,
            verdict.summary,
        )


def _print_fault(fault: Fault, rows: Sequence[Row]) -> None:
    named = sum(row.is_named_by_its_own for row in rows)
    verdicts = Counter(row.verdict.value for row in rows)
    whole = [row for row in rows if row.is_whole]
    others = Counter(name for row in whole for name in row.named if name != OWN_CHECK[fault])
    told = ", ".join(f"{number} {verdict}" for verdict, number in verdicts.most_common())
    beside = ", ".join(f"{name} {number}" for name, number in others.most_common(6))
    print(f"{fault:<16} by {OWN_CHECK[fault]:<25} {named:>3} of {len(rows)}; {told}")
    if beside:
        print(f"{'':<16}    beside it, in {len(whole)} whole analyses: {beside}")


def _print_clean(clean: Sequence[Row]) -> None:
    alarms = [row for row in clean if row.verdict is not Verdict.HEALTHY]
    print(f"clean bench: {len(alarms)} false alarms at {len(clean)} points")
    for alarm in alarms:
        print(f"    {alarm.point}: {alarm.summary}")


if __name__ == "__main__":
    main()
