"""Disks that are full, at the cluster and here: time is lost and nothing else, and it is said."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from background_executor import queries
from background_executor.audit import EventFilter
from background_executor.commands import ResumeScan, StartScan
from background_executor.jobs.successors import awaits_operator
from background_executor.logs import LOG_FILE
from background_executor.records import ENDED_JOB_STATES, JobState
from background_executor.status import status_report, status_text
from server_side.scan import Slot
from tests.background_executor.bench import WAITS
from tests.background_executor.fake_job import Behaviour
from tests.cluster.cluster import RealCluster
from tests.faults.cluster_bench import PATIENCE_S, ClusterBench, run_executor
from tests.faults.small_disk import MountError, SmallDisk, mount_small_disk

pytestmark = pytest.mark.cluster

FULL = "No space left on device"
SIZE = "4M"


@pytest.fixture
def small_disk() -> Iterator[Callable[[Path], SmallDisk]]:
    """Put a small file system over a folder, until the test is over."""
    with contextlib.ExitStack() as stack:

        def mount(folder: Path) -> SmallDisk:
            try:
                return stack.enter_context(mount_small_disk(folder, SIZE))
            except MountError as error:
                pytest.skip(str(error))

        yield mount


@pytest.fixture
def bench(small_disk: Callable[[Path], SmallDisk], bench: ClusterBench) -> ClusterBench:
    """The site; it is closed before the small file system below it goes away."""
    return bench


def server_disk(bench: ClusterBench, small_disk: Callable[[Path], SmallDisk]) -> SmallDisk:
    return small_disk(Path(bench.config.site.base_folder))


def test_no_job_is_made_while_the_disk_of_the_cluster_is_full(
    bench: ClusterBench, small_disk: Callable[[Path], SmallDisk]
) -> None:
    disk = server_disk(bench, small_disk)
    disk.fill()
    scan = bench.start_scan()
    bench.step(30)
    assert bench.newest_job(scan).state is JobState.INTENT
    assert FULL in bench.word().message
    assert bench.jobs_in_slurm() == []
    disk.make_room()
    bench.until(lambda: bench.is_complete(scan))
    bench.assert_survived(scan)


def test_a_job_whose_disk_fills_up_stops_and_asks(
    bench: ClusterBench, small_disk: Callable[[Path], SmallDisk]
) -> None:
    disk = server_disk(bench, small_disk)
    bench.behave(WAITS)
    scan = bench.start_scan()
    bench.until_first_point(scan)
    disk.fill()
    bench.let_go()
    bench.until(lambda: bench.newest_job(scan).state in ENDED_JOB_STATES)
    assert bench.newest_job(scan).state is JobState.FAILED
    bench.until(lambda: awaits_operator(bench.scan(scan), bench.jobs(scan)))
    assert bench.states(scan).count("stored") == 1
    disk.make_room()
    bench.behave(Behaviour())
    assert bench.ask(ResumeScan(scan_id=scan.scan_id, reason="space was made")).state == "done"
    bench.until(lambda: bench.is_complete(scan))
    bench.assert_survived(scan, jobs=2)


def test_results_wait_on_the_server_while_the_disk_for_them_here_is_full(
    bench: ClusterBench, small_disk: Callable[[Path], SmallDisk]
) -> None:
    disk = small_disk(bench.config.results_folder)
    bench.behave(WAITS)
    scan = bench.start_scan()
    bench.until_first_point(scan)
    disk.fill()
    bench.let_go()
    bench.until(lambda: FULL in bench.word().message)
    bench.until(lambda: bench.states(scan).count("published") == 2)
    for _ in range(5):
        bench.step(20)
        assert FULL in bench.word().message
    assert bench.states(scan).count("stored") == 1
    disk.make_room()
    bench.until(lambda: bench.is_complete(scan))
    bench.assert_survived(scan)


def has_noticed(bench: ClusterBench) -> bool:
    """Tell whether the executor has said that it can note nothing, in its log or beside it.

    SQLite goes on for a while in the space that its log of changes has already.
    """
    files = (bench.config.log_folder / LOG_FILE, bench.settings.parent / LOG_FILE)
    said = [path.read_text(errors="replace") for path in files if path.exists()]
    return any("Nothing can be noted for now" in text for text in said)


def test_an_executor_outlives_a_full_disk_below_its_store(
    cluster: RealCluster, settings_file: Path, small_disk: Callable[[Path], SmallDisk]
) -> None:
    disk = small_disk(settings_file.parent / "state")
    bench = ClusterBench(cluster, settings_file)
    bench.behave(WAITS)
    bench.store.enqueue(
        "here", StartScan(serial_number="KQ0146", slot=Slot.ONE), "tester", "once", bench.now
    )
    running = run_executor(settings_file)
    try:
        bench.wait_for(lambda: queries.scans(bench.store, "here") != ())
        (scan,) = queries.scans(bench.store, "here")
        bench.wait_for(lambda: "stored" in bench.states(scan))
        bench.wait_for(lambda: queries.executor(bench.store, "here") is not None)
        disk.fill()
        bench.wait_for(lambda: has_noticed(bench))
        bench.let_go()
        bench.wait_for(lambda: bench.jobs_in_slurm("COMPLETED") != [])
        said_at = bench.word().beat_at
        assert running.poll() is None
        assert "0.0 MB are left" in status_text(status_report(bench.config, bench.store))
        disk.make_room()
        bench.wait_for(lambda: bench.is_complete(scan))
        bench.wait_for(lambda: bench.word().beat_at > said_at)
    finally:
        running.terminate()
        assert running.wait(PATIENCE_S) == 0
    (event,) = queries.events(bench.store, "here", EventFilter(act="store reached again"))
    assert "full" in event.reason
    bench.restart()
    bench.assert_survived(scan)
    bench.close()


def test_an_executor_that_is_started_on_a_full_disk_says_so(
    settings_file: Path, small_disk: Callable[[Path], SmallDisk]
) -> None:
    small_disk(settings_file.parent / "state").fill()
    assert run_executor(settings_file).wait(PATIENCE_S) == 1
    said = (settings_file.parent / "executor.log").read_text()
    assert "not full" in said
    assert "Traceback" not in said
