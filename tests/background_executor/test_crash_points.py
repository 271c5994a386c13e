"""The executor killed -9 at each named moment: afterwards one job, and each point once."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from background_executor import queries
from background_executor.commands import StartScan
from background_executor.crash_points import VARIABLE, CrashPoint
from background_executor.instance import is_running
from background_executor.records import ScanRecord
from server_side.scan import Slot
from tests.background_executor.bench import Bench


@pytest.fixture
def asked(bench: Bench) -> Iterator[Bench]:
    """A site whose executor will find a wish for a scan."""
    command = StartScan(serial_number="KQ0146", slot=Slot.ONE)
    bench.store.enqueue("here", command, "tester", "one wish")
    yield bench
    assert not is_running(bench.config)


def run_until_killed(settings: Path, point: CrashPoint) -> None:
    argv = [sys.executable, "-m", "background_executor", "run", "--settings", str(settings)]
    environment = os.environ | {VARIABLE: point.value}
    executor = subprocess.run(
        argv, env=environment, timeout=60, capture_output=True, text=True, check=False
    )
    assert executor.returncode == -signal.SIGKILL, executor.stderr


def assert_nothing_lost_or_doubled(bench: Bench) -> None:
    bench.until(lambda: len(queries.scans(bench.store, "here")) == 1, seconds=5)
    (scan,) = queries.scans(bench.store, "here")
    bench.until(lambda: bench.is_complete(scan), seconds=5)
    bench.assert_each_point_once(scan)
    assert (len(bench.jobs(scan)), claims(bench, scan)) == (1, 1)
    (command,) = queries.commands(bench.store, "here")
    assert command.state == "done"


def claims(bench: Bench, scan: ScanRecord) -> int:
    return len(list(Path(bench.layout(scan).scan_folder).glob("claim-*")))


@pytest.mark.parametrize("point", list(CrashPoint))
def test_killed_at(point: CrashPoint, asked: Bench) -> None:
    run_until_killed(asked.settings, point)
    assert_nothing_lost_or_doubled(asked)


@pytest.mark.slow
def test_killed_at_every_point_one_after_the_other(asked: Bench) -> None:
    for point in CrashPoint:
        argv = [sys.executable, "-m", "background_executor", "run"]
        executor = subprocess.Popen(
            [*argv, "--settings", str(asked.settings)], env=os.environ | {VARIABLE: point.value}
        )
        try:
            executor.wait(timeout=5)
        except subprocess.TimeoutExpired:  # this moment has passed for good
            executor.kill()
            executor.wait()
    assert_nothing_lost_or_doubled(asked)
