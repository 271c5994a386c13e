"""What hangs or is full holds up nothing else, and is said; no root is needed for these."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path, PurePosixPath

import pytest

from background_executor import queries
from background_executor.audit import EventFilter
from background_executor.commands import ProcessExisting
from background_executor.errors import NoAnswerError, StoreUnavailableError
from background_executor.executor import Executor
from background_executor.following import LONGEST_RETRY
from background_executor.lease import LastingLease
from background_executor.records import ScanRecord
from background_executor.status import status_report, status_text
from background_executor.transport import (
    CommandOutput,
    FetchedFile,
    FilePart,
    LocalTransport,
    RemoteEntry,
)
from background_executor.turning import turn_until_asked
from server_side.journal import EndReason
from server_side.scan import ExistingAcquisition, ScanPlan, Slot, zone_stamp
from tests.background_executor.bench import ENDS_EARLY, HANGS, POINTS, WAITS, Bench
from tests.background_executor.fake_job import Behaviour


class HangingTransport(LocalTransport):
    """Gives no answer to some commands or of some folders; everything else is answered."""

    def __init__(self) -> None:
        self.hanging: set[str] = set()
        self.hanging_folders: set[PurePosixPath] = set()
        self.hung = 0

    def _look_at(self, *paths: PurePosixPath) -> None:
        for path, folder in product(paths, self.hanging_folders):
            if path.is_relative_to(folder):
                self.hung += 1
                raise NoAnswerError(f"no answer within 60 s: {folder} hangs")

    def list_tree(self, folder: PurePosixPath, *, depth: int) -> tuple[RemoteEntry, ...]:
        self._look_at(folder)
        return super().list_tree(folder, depth=depth)

    def read_parts(self, parts: Sequence[FilePart]) -> tuple[bytes | None, ...]:
        self._look_at(*(part.path for part in parts))
        return super().read_parts(parts)

    def run(
        self, argv: Sequence[str], *, timeout_s: float, stdin: bytes | None = None
    ) -> CommandOutput:
        self._look_at(*(PurePosixPath(word) for word in argv))
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


def test_a_scan_at_whose_folder_the_server_hangs_holds_up_no_other(
    bench: Bench, transport: HangingTransport
) -> None:
    bench.behave(replace(ENDS_EARLY, silent=POINTS))  # only sweeps find its points
    scans = [bench.start_scan(), bench.start_scan("KQ0151", 2)]
    hanging, well = sorted(scans, key=lambda scan: scan.scan_id)  # the first that is looked at
    transport.hanging_folders.add(bench.layout(hanging).scan_folder)
    bench.until(lambda: bench.is_complete(well), seconds=20)
    bench.assert_each_point_once(well)
    said = queries.executor(bench.store, "here")
    assert said is not None
    assert (said.link, "hangs" in said.message) == ("connected", True)
    transport.hanging_folders.clear()
    bench.until(lambda: bench.is_complete(hanging), seconds=20)
    bench.assert_each_point_once(hanging)


def test_journals_at_which_the_server_hangs_slow_down_no_others(
    bench: Bench, transport: HangingTransport
) -> None:
    bench.behave(replace(HANGS, waits_after=0))  # nothing is stored before its folder hangs
    hanging = bench.start_scan()
    transport.hanging_folders.add(bench.layout(hanging).scan_folder)
    bench.behave(Behaviour())
    well = bench.start_scan("KQ0151", 2)
    bench.until(lambda: "stored" in bench.states(well))
    before, began_at = transport.hung, bench.now
    bench.until(lambda: bench.is_complete(well))
    assert bench.states(hanging)[0] != "stored"
    turns = (bench.now - began_at).total_seconds()
    assert transport.hung - before <= 3 + turns / 10  # it is put off, not asked in every turn
    transport.hanging_folders.clear()
    bench.let_go()
    bench.until(lambda: bench.states(hanging)[0] == "stored", seconds=20)


def test_raw_data_at_which_the_server_hangs_hold_up_no_other_idle_scan(
    bench: Bench, transport: HangingTransport
) -> None:
    bench.behave(replace(ENDS_EARLY, publish=0, reason=EndReason.IDLE))
    scans = [process_existing(bench, number) for number in (1, 2)]
    order = queries.running_scans(bench.store, "here")
    hanging, well = sorted(scans, key=lambda scan: [s.scan_id for s in order].index(scan.scan_id))
    bench.until(lambda: all("as soon as" in bench.scan(scan).message for scan in scans))
    bench.behave(Behaviour())
    transport.hanging_folders.add(raw_folder(bench, hanging))
    for scan in scans:
        Path(
            raw_folder(bench, scan), scan.serial_number, f"wavesave_{POINTS[0]}", "wave0.txt"
        ).write_text("1\n")
    bench.until(lambda: len(bench.jobs(well)) > 1, seconds=20)
    assert len(bench.jobs(hanging)) == 1


def test_a_folder_with_a_time_that_no_calendar_has_ends_no_executor(bench: Bench) -> None:
    raw = Path(bench.config.site.raw_base)
    (raw / "wavedump_output_00010101_000000").mkdir()  # before the year 1 in UTC
    bench.behave(replace(ENDS_EARLY, publish=0, reason=EndReason.IDLE))
    scan = bench.start_scan()
    bench.until(lambda: "as soon as" in bench.scan(scan).message)
    bench.behave(Behaviour())
    new = raw / f"wavedump_output_{zone_stamp(bench.now, bench.config.site.zone)}"
    (new / scan.serial_number / f"wavesave_{POINTS[0]}").mkdir(parents=True)
    (new / scan.serial_number / f"wavesave_{POINTS[0]}" / "wave0.txt").write_text("1\n")
    bench.until(lambda: len(bench.jobs(scan)) > 1, seconds=20)
    assert bench.scan(scan).state in ("running", "complete")


def raw_folder(bench: Bench, scan: ScanRecord) -> PurePosixPath:
    assert isinstance(scan.plan, ScanPlan)
    assert isinstance(scan.plan.raw, ExistingAcquisition)
    return bench.config.site.raw_base / scan.plan.raw.folder


def process_existing(bench: Bench, slot: int) -> ScanRecord:
    """Begin a scan of raw data that are there, of which the first job makes nothing."""
    serial_number, acquisition = f"KQ000{slot}", f"wavedump_output_2026021{slot}_120000"
    point = Path(bench.config.site.raw_base, acquisition, serial_number, f"wavesave_{POINTS[0]}")
    point.mkdir(parents=True)
    wish = ProcessExisting(
        serial_number=serial_number,
        slot=Slot(slot),
        scan_kind="position",
        acquisition=acquisition,
    )
    assert bench.ask(wish).state == "done"
    return next(
        scan for scan in queries.scans(bench.store, "here") if scan.serial_number == serial_number
    )


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
