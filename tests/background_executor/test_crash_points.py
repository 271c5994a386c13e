"""The executor killed -9 at each named moment: afterwards one job, and each point once."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from background_executor import queries
from background_executor.commands import StartScan
from background_executor.crash_points import CrashPoint
from background_executor.instance import is_running
from background_executor.records import ScanRecord
from server_side.scan import Slot
from tests.background_executor.bench import WAITS, Bench
from tests.lives import Lives

OFF_THE_WAY = (CrashPoint.SUBMITTING_COMMITTED, CrashPoint.SUBMIT_RECORDED)
"""After the first a successor waits for half a minute until it submits again; the second cannot
come when the one before died just before it."""


@pytest.fixture
def asked(bench: Bench) -> Iterator[Bench]:
    """A site whose executor will find a wish for a scan."""
    command = StartScan(serial_number="KQ0146", slot=Slot.ONE)
    bench.store.enqueue("here", command, "tester", "one wish")
    yield bench
    assert not is_running(bench.config)


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
    Lives(asked.settings).end_at(point)
    assert_nothing_lost_or_doubled(asked)


def test_killed_at_every_point_of_the_way_one_after_the_other(asked: Bench) -> None:
    asked.behave(replace(WAITS, waits_after=0))
    lives = Lives(asked.settings)
    for point in CrashPoint:
        if point is CrashPoint.FILES_FETCHED:
            # Published before, a sweep at the start of an earlier life could have stored it all.
            asked.let_go()
        if point not in OFF_THE_WAY:
            lives.end_at(point)
    assert_nothing_lost_or_doubled(asked)
