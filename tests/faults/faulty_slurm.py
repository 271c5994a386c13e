"""The real SLURM behind an sbatch or squeue that goes wrong."""

from collections.abc import Sequence
from dataclasses import replace

from background_executor.scheduler import JobScript
from background_executor.scheduler.slurm import SlurmScheduler
from tests.faults.cluster_bench import ClusterBench


class FaultySlurm(SlurmScheduler):
    """The real SLURM behind an sbatch or squeue that goes wrong so many times."""

    def __init__(self, real: SlurmScheduler, script: str, times: int, *, on_submit: bool) -> None:
        self.__dict__.update(real.__dict__)
        self._script = script
        self._on_submit = on_submit
        self.times_left = times

    def _spoil(self, argv: list[str], applies: bool) -> list[str]:
        if not applies or self.times_left == 0:
            return argv
        self.times_left -= 1
        return ["sh", "-c", self._script, "sh", *argv]

    def submit_argv(self, job: JobScript) -> list[str]:
        return self._spoil(super().submit_argv(job), self._on_submit)

    def queue_argv(self, jobs: Sequence[str], scheduler_ids: Sequence[str]) -> list[str]:
        return self._spoil(super().queue_argv(jobs, scheduler_ids), not self._on_submit)


def spoil(bench: ClusterBench, script: str, times: int, *, on_submit: bool) -> FaultySlurm:
    """Put a fault between the executor and SLURM."""
    scheduler = bench.site.scheduler
    assert isinstance(scheduler, SlurmScheduler)
    faulty = FaultySlurm(scheduler, script, times, on_submit=on_submit)
    bench.site = replace(bench.site, scheduler=faulty)
    bench.restart()
    return faulty
