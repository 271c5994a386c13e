"""The executor killed at each named moment; what comes after does the rest once."""

from pathlib import Path

import pytest

from background_executor import queries
from background_executor.commands import StartScan
from background_executor.crash_points import CrashPoint
from server_side.scan import Slot
from tests.faults.cluster_bench import ClusterBench
from tests.lives import Lives

pytestmark = pytest.mark.cluster


@pytest.mark.parametrize("moment", list(CrashPoint))
def test_killed_at_any_moment_nothing_is_lost_or_done_twice(
    bench: ClusterBench, settings_file: Path, moment: CrashPoint
) -> None:
    command = StartScan(serial_number="KQ0146", slot=Slot.ONE)
    bench.store.enqueue("here", command, "tester", "once", bench.now)
    Lives(settings_file).end_at(moment)
    bench.until(lambda: queries.scans(bench.store, "here") != ())
    (scan,) = queries.scans(bench.store, "here")
    bench.until(lambda: bench.is_complete(scan))
    bench.assert_survived(scan)
    (answer,) = queries.commands(bench.store, "here")
    assert answer.state == "done"
