"""The executor killed at each named moment; what comes after does the rest once."""

import signal
from pathlib import Path

import pytest

from background_executor import queries
from background_executor.commands import StartScan
from background_executor.crash_points import CrashPoint
from server_side.scan import Slot
from tests.faults.cluster_bench import PATIENCE_S, ClusterBench, run_executor

pytestmark = pytest.mark.cluster

MOMENTS = (
    CrashPoint.COMMAND_CLAIMED,
    CrashPoint.COMMAND_ANSWERED,
    CrashPoint.FILES_WRITTEN,
    CrashPoint.SUBMITTING_COMMITTED,
    CrashPoint.SUBMITTED,
    CrashPoint.SUBMIT_RECORDED,
    CrashPoint.JOURNAL_READ,
    CrashPoint.JOURNAL_APPLIED,
    CrashPoint.FILES_FETCHED,
    CrashPoint.PART_WRITTEN,
    CrashPoint.RESULT_IN_PLACE,
    CrashPoint.RESULT_STORED,
)
"""Those around submission, journal, fetch and store."""


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_at_any_moment_nothing_is_lost_or_done_twice(
    bench: ClusterBench, settings_file: Path, moment: CrashPoint
) -> None:
    command = StartScan(serial_number="KQ0146", slot=Slot.ONE)
    bench.store.enqueue("here", command, "tester", "once", bench.now)
    died = run_executor(settings_file, crash_at=moment)
    assert died.wait(PATIENCE_S) == -signal.SIGKILL
    bench.until(lambda: queries.scans(bench.store, "here") != ())
    (scan,) = queries.scans(bench.store, "here")
    bench.until(lambda: bench.is_complete(scan))
    bench.assert_survived(scan)
    (answer,) = queries.commands(bench.store, "here")
    assert answer.state == "done"
