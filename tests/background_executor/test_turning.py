"""What hangs or is full holds up nothing else, and is said; no root is needed for these."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath

import pytest

from background_executor import queries
from background_executor.audit import EventFilter
from background_executor.errors import NoAnswerError, StoreUnavailableError
from background_executor.executor import Executor
from background_executor.following import LONGEST_RETRY
from background_executor.lease import LastingLease
from background_executor.status import status_report, status_text
from background_executor.transport import CommandOutput, FetchedFile, LocalTransport
from background_executor.turning import turn_until_asked
from tests.background_executor.bench import POINTS, WAITS, Bench
from tests.background_executor.fake_job import Behaviour


class HangingTransport(LocalTransport):
    """Gives no answer to some commands, while everything else is answered."""

    def __init__(self) -> None:
        self.hanging: set[str] = set()

    def run(
        self, argv: Sequence[str], *, timeout_s: float, stdin: bytes | None = None
    ) -> CommandOutput:
        if self.hanging & set(argv):
            raise NoAnswerError(f"no answer within {timeout_s:g} s from {argv[0]!r}")
        return super().run(argv, timeout_s=timeout_s, stdin=stdin)

    def fetch(
        self, folder: PurePosixPath, names: Sequence[PurePosixPath], *, max_bytes: int
    ) -> Iterator[FetchedFile]:
        if self.hanging & set(map(str, names)):
            raise NoAnswerError("no answer within 60 s from 'tar'")
        return super().fetch(folder, names, max_bytes=max_bytes)


@pytest.fixture
def transport() -> HangingTransport:
    return HangingTransport()


@pytest.fixture
def bench(settings_file: Path, transport: HangingTransport) -> Iterator[Bench]:
    made = Bench(settings_file, transport=transport)
    yield made
    made.close()


def test_a_scheduler_that_hangs_holds_up_no_result_and_is_no_lost_connection(
    bench: Bench, transport: HangingTransport
) -> None:
    transport.hanging.add("queue")
    bench.behave(WAITS)
    scan = bench.start_scan()
    bench.until(lambda: "stored" in bench.states(scan), seconds=20)
    said = queries.executor(bench.store, "here")
    assert said is not None
    assert (said.link, "no answer" in said.message) == ("connected", True)
    transport.hanging.clear()
    bench.let_go()
    bench.until(lambda: bench.is_complete(scan), seconds=20)
    bench.assert_each_point_once(scan)


def test_a_folder_at_which_the_server_hangs_holds_up_no_other(
    bench: Bench, transport: HangingTransport
) -> None:
    transport.hanging.add(f"data_{POINTS[0]}")
    bench.behave(Behaviour(silent=POINTS))  # found by one sweep, and fetched together
    scan = bench.start_scan()
    bench.until(lambda: bench.states(scan) == ["published", "stored", "stored"], seconds=20)
    assert "no answer" in bench.points(scan)[POINTS[0]].error
    bench.step(LONGEST_RETRY.total_seconds())
    (waiting,) = queries.waiting_publications(bench.store, "here", bench.now + timedelta(hours=1))
    assert waiting.tries > 1
    transport.hanging.clear()
    bench.until(lambda: bench.is_complete(scan), seconds=20)
    bench.assert_each_point_once(scan)


class UnreachableStore(Executor):
    """An executor whose store is out of reach in its first turns; then it is asked to end."""

    def __init__(self, bench: Bench, turns: int) -> None:
        super().__init__(bench.site, bench.now)
        self.turns_left = turns
        self.asked_to_end = threading.Event()

    def step(self, now: datetime) -> bool:
        self.turns_left -= 1
        if self.turns_left >= 0:
            raise StoreUnavailableError("the store could not be written: the disk is full")
        self.asked_to_end.set()
        return super().step(now)


def test_the_loop_outlives_a_store_out_of_reach_and_writes_it_down_afterwards(
    bench: Bench,
) -> None:
    executor = UnreachableStore(bench, turns=2)
    turn_until_asked(bench.site, executor, LastingLease(), executor.asked_to_end)
    (event,) = queries.events(bench.store, "here", EventFilter(act="store reached again"))
    assert "disk is full" in event.reason
    said = queries.executor(bench.store, "here")
    assert said is not None
    assert said.state == "stopped"


def test_status_says_how_long_an_executor_has_been_silent_and_that_a_disk_is_full(
    bench: Bench,
) -> None:
    bench.step()
    report = status_report(bench.config, bench.store)
    assert report.executor is not None
    silent = replace(
        report,
        is_running=True,
        seen_at=report.executor.beat_at + timedelta(minutes=5),
        free_bytes=1_500_000,
    )
    assert "no sign of life for 300 s" in status_text(silent)
    assert "only 1.5 MB are left" in status_text(silent)
    well = replace(silent, seen_at=report.executor.beat_at, free_bytes=10**9)
    assert "sign of life" not in status_text(well)
    assert "are left" not in status_text(well)
