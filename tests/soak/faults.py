"""What goes wrong during a soak: one act each, undone when it returns.

Each tells whether it hit anything: a job cannot be killed while none runs.
"""

import random
import time
from collections.abc import Callable, Mapping

from tests.soak.bench import SoakBench

Fault = Callable[[SoakBench, random.Random], bool]


def _cut_line(bench: SoakBench, _: random.Random) -> bool:
    bench.line.cut()
    return True


def _swallow(bench: SoakBench, chance: random.Random) -> bool:
    bench.line.swallow()
    time.sleep(chance.uniform(2, 6))
    bench.line.restore()
    return True


def _delay(bench: SoakBench, chance: random.Random) -> bool:
    bench.line.delay(0.14)
    time.sleep(chance.uniform(3, 8))
    bench.line.delay(0.0)
    return True


def _restart_sshd(bench: SoakBench, chance: random.Random) -> bool:
    bench.cluster.ssh.stop()
    bench.line.cut()
    time.sleep(chance.uniform(0.5, 3))
    bench.cluster.ssh.start()
    return True


def _pause_controller(bench: SoakBench, chance: random.Random) -> bool:
    bench.cluster.slurm.slurmctld.pause()
    time.sleep(chance.uniform(2, 6))
    bench.cluster.slurm.slurmctld.resume()
    return True


def _kill_controller(bench: SoakBench, chance: random.Random) -> bool:
    bench.cluster.slurm.slurmctld.kill()
    time.sleep(chance.uniform(0.5, 3))
    bench.cluster.slurm.start_slurmctld()
    return True


def _kill_executor(bench: SoakBench, _: random.Random) -> bool:
    bench.kill_executor()
    return True


def _restart_executor(bench: SoakBench, _: random.Random) -> bool:
    bench.restart_executor()
    return True


def _second_executor(bench: SoakBench, _: random.Random) -> bool:
    return bench.start_second_executor()


def _kill_job(bench: SoakBench, chance: random.Random) -> bool:
    jobs = bench.jobs_at_work()
    if jobs:
        bench.cluster.slurm.run("scancel", "--signal=KILL", "--full", chance.choice(jobs))
    return bool(jobs)


def _cancel_job(bench: SoakBench, chance: random.Random) -> bool:
    jobs = bench.jobs_at_work()
    if jobs:
        bench.cluster.slurm.run("scancel", chance.choice(jobs))
    return bool(jobs)


def _push_jobs_aside(bench: SoakBench, _: random.Random) -> bool:
    urgent = ["sbatch", "--partition=urgent", "--ntasks=8", "--mem-per-cpu=10"]
    is_hit = bool(bench.jobs_at_work())
    bench.cluster.slurm.run(*urgent, "--job-name=urgent", "--output=/dev/null", "--wrap=sleep 1")
    return is_hit


FAULTS: Mapping[str, Fault] = {
    "line cut": _cut_line,
    "line swallows": _swallow,
    "line delayed by 140 ms": _delay,
    "sshd restarted": _restart_sshd,
    "slurmctld stopped": _pause_controller,
    "slurmctld killed": _kill_controller,
    "executor killed": _kill_executor,
    "executor restarted": _restart_executor,
    "second executor": _second_executor,
    "job killed": _kill_job,
    "job cancelled by hand": _cancel_job,
    "jobs pushed aside": _push_jobs_aside,
}
