"""Scan after scan over real SSH and SLURM while things go wrong, until every point is stored."""

import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from background_executor import queries
from background_executor.commands import ResumeScan, StartScan
from background_executor.jobs.successors import awaits_operator
from background_executor.records import CommandRecord, ScanRecord, ScanState
from server_side.layout import ScanLayout
from server_side.scan import Slot
from tests.soak.bench import SITE, Footprint, SoakBench
from tests.soak.faults import FAULTS

LOOK_EVERY_S = 0.5
FAULT_EVERY_S = (2.0, 8.0)
MAX_MEMORY_MB = 300.0
MAX_THREADS = 12
MAX_OPEN_FILES = 64


@dataclass
class Soak:
    """The operator of a soak, who starts scans, answers questions and breaks things."""

    bench: SoakBench
    chance: random.Random
    scans_wanted: int
    faults: Counter[str] = field(default_factory=Counter)
    resumed: int = 0
    drained: int = 0
    """How often the site's administrator had to give the node back: a controller that is killed
    while it launches a job launches it again, and drains the node for the doubled job."""
    _asked: dict[int, str] = field(default_factory=dict)
    """Serial number that was last asked for, by slot."""
    _serials: list[str] = field(default_factory=list)

    def run(self, limit_s: float) -> float:
        """Work until every scan is complete; return the seconds that it took.

        Raises
        ------
        TimeoutError
            When it takes longer than it may.
        """
        began = time.monotonic()
        next_fault = began + self._pause()
        while len(self.complete()) < self.scans_wanted:
            if time.monotonic() - began > limit_s:
                raise TimeoutError(f"not done in {limit_s:.0f} s: {self.progress()}")
            self.bench.look_at_executor()
            self._fill_slots()
            self._answer_questions()
            self.drained += self.bench.give_node_back()
            if time.monotonic() >= next_fault:
                self._break_something()
                next_fault = time.monotonic() + self._pause()
            time.sleep(LOOK_EVERY_S)
        return time.monotonic() - began

    def scans(self) -> tuple[ScanRecord, ...]:
        """Return all scans so far."""
        return queries.scans(self.bench.store, SITE, limit=10_000)

    def complete(self) -> list[ScanRecord]:
        """Return the scans that have all their points."""
        return [scan for scan in self.scans() if scan.state is ScanState.COMPLETE]

    def progress(self) -> str:
        """Say how far it is."""
        stored = sum(scan.points_stored for scan in self.scans())
        running = queries.running_scans(self.bench.store, SITE)
        words = [f"{scan.serial_number} {scan.points_stored} {scan.message}" for scan in running]
        return f"{stored} points stored, {sum(self.faults.values())} faults; runs: {words}"

    def _pause(self) -> float:
        return self.chance.uniform(*FAULT_EVERY_S)

    def _fill_slots(self) -> None:
        """Start the next scan in every slot whose last one is complete."""
        done = {scan.serial_number for scan in self.complete()}
        for slot in Slot:
            last = self._asked.get(slot.value)
            if len(self._serials) < self.scans_wanted and (last is None or last in done):
                serial = f"KS{len(self._serials):04}"
                self._serials.append(serial)
                self._asked[slot.value] = serial
                self.bench.ask(StartScan(serial_number=serial, slot=slot))

    def _answer_questions(self) -> None:
        """Resume the scans that ask what to do, as an operator would who has read the log."""
        waiting = {command.kind for command in self._unanswered()}
        for scan in queries.running_scans(self.bench.store, SITE):
            jobs = queries.jobs(self.bench.store, scan.scan_id)
            if awaits_operator(scan, jobs) and "resume-scan" not in waiting:
                self.resumed += 1
                self.bench.ask(ResumeScan(scan_id=scan.scan_id, reason="the soak goes on"))

    def _unanswered(self) -> list[CommandRecord]:
        return [
            command
            for command in queries.commands(self.bench.store, SITE)
            if command.answered_at is None
        ]

    def _break_something(self) -> None:
        name = self.chance.choice(list(FAULTS))
        if FAULTS[name](self.bench, self.chance):
            self.faults[name] += 1
            print(f"  {name:24} {self.progress()}", flush=True)


def faults_of_outcome(soak: Soak) -> Iterator[str]:
    """Say everything that is not as it must be at the end of a soak."""
    bench = soak.bench
    of_slurm = bench.slurm_jobs_by_name()
    for scan in soak.scans():
        layout = ScanLayout(bench.config.site.base_folder, scan.plan)
        for point in scan.plan.points:
            count = len(queries.results_of_point(bench.store, scan.scan_id, point))
            if count != 1:
                yield f"{scan.serial_number} {point.name} has {count} results"
        local = Path(bench.config.results_folder, layout.scan_name, scan.serial_number)
        if len(os.listdir(local)) != len(scan.plan.points):  # noqa: PTH208
            yield f"{scan.serial_number} has {len(os.listdir(local))} folders"  # noqa: PTH208
        for job in queries.jobs(bench.store, scan.scan_id):
            if of_slurm.get(job.job, 0) > 1:
                yield f"job {job.job} was made {of_slurm[job.job]} times"
    yield from _faults_of_process(peak(soak.bench.lives))


def _faults_of_process(most: Footprint) -> Iterator[str]:
    if most.memory_mb > MAX_MEMORY_MB:
        yield f"the executor held {most.memory_mb:.0f} MB, more than {MAX_MEMORY_MB:.0f}"
    if most.threads > MAX_THREADS:
        yield f"the executor had {most.threads} threads, more than {MAX_THREADS}"
    if most.open_files > MAX_OPEN_FILES:
        yield f"the executor had {most.open_files} open files, more than {MAX_OPEN_FILES}"


def peak(lives: list[list[Footprint]]) -> Footprint:
    """Return the most that any life of the executor held of each."""
    looks = [look for life in lives for look in life]
    return Footprint(
        max(look.memory_mb for look in looks),
        max(look.threads for look in looks),
        max(look.open_files for look in looks),
    )
