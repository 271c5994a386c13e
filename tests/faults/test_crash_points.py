"""The executor killed at each named moment; what comes after does the rest once."""

import signal
import time
from pathlib import Path

import pytest

from background_executor import queries
from background_executor.commands import StartScan
from background_executor.crash_points import CrashPoint
from server_side.scan import Slot
from tests.faults.cluster_bench import ClusterBench, run_executor

pytestmark = pytest.mark.cluster


@pytest.mark.parametrize("moment", list(CrashPoint))
def test_killed_at_any_moment_nothing_is_lost_or_done_twice(
    bench: ClusterBench, settings_file: Path, moment: CrashPoint
) -> None:
    command = StartScan(serial_number="KQ0146", slot=Slot.ONE)
    bench.store.enqueue("here", command, "tester", "once", bench.now)
    died = run_executor(settings_file, crash_at=moment)
    assert died.wait(60) == -signal.SIGKILL
    again = run_executor(settings_file)
    try:
        give_up = time.monotonic() + 60
        while not (scans := queries.scans(bench.store, "here")) or not bench.is_complete(scans[0]):
            assert time.monotonic() < give_up, bench.words()
            time.sleep(0.1)
    finally:
        again.terminate()
        assert again.wait(30) == 0
    assert len(scans) == 1
    bench.assert_survived(scans[0])
    (answer,) = queries.commands(bench.store, "here")
    assert answer.state == "done"
