"""Which check names which fault, and how often a clean point is called faulty.

``python -m tests.benchmarks.bench_faults --seeds 100 --clean 1000`` takes about
an hour and a half; without options it is short. Nothing fails here.
"""

import argparse
import time
from collections import Counter

from background_executor.records import Verdict
from server_side.gain_fit import GainFitter
from server_side.simulate import Fault
from tests.fault_bench import OWN_CHECK, Judged, judge_clean, judge_faults

CLEAN_POINTS_A_SCAN = 21


def main() -> None:
    """Print the confusion table, then the false alarms."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3, help="of every fault")
    parser.add_argument("--clean", type=int, default=21, help="clean points")
    given = parser.parse_args()
    fitter, began = GainFitter(), time.monotonic()
    clean: list[Judged] = []
    faulty: dict[Fault, list[Judged]] = {fault: [] for fault in Fault}
    for seed in range(given.seeds):
        for judged in judge_faults(fitter, seed, tuple(Fault)):
            (clean if judged.fault is None else faulty[judged.fault]).append(judged)
    for fault, points in faulty.items():
        _print_row(fault, points)
    seed = 10_000
    while len(clean) < given.clean:
        missing = given.clean - len(clean)
        clean += judge_clean(fitter, seed, min(missing, CLEAN_POINTS_A_SCAN))
        seed += 1
    _print_clean(clean)
    print(f"{time.monotonic() - began:.0f} s")


def _print_row(fault: Fault, points: list[Judged]) -> None:
    named = sum(point.is_named_by_its_own for point in points)
    verdicts = Counter(point.verdict.verdict.value for point in points)
    others = Counter(name for point in points for name in point.named if name != OWN_CHECK[fault])
    told = ", ".join(f"{number} {verdict}" for verdict, number in verdicts.most_common())
    beside = ", ".join(f"{name} {number}" for name, number in others.most_common(6))
    print(f"{fault:<16} by {OWN_CHECK[fault]:<25} {named:>3} of {len(points)}; {told}")
    if beside:
        print(f"{'':<16}    beside it: {beside}")


def _print_clean(clean: list[Judged]) -> None:
    alarms = [point for point in clean if point.verdict.verdict is not Verdict.HEALTHY]
    print(f"clean bench: {len(alarms)} false alarms at {len(clean)} points")
    for alarm in alarms:
        print(f"    {alarm.result.take.name}: {alarm.verdict.summary}")


if __name__ == "__main__":
    main()
