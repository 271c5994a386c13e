"""A job as a process: claim, last word, restart after it was killed."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from server_side.interrupt import EndRequested, Interrupt
from server_side.journal import EndReason, Heartbeat, JobEnd, JobStart, PointPublished
from server_side.publish import remove_leftovers
from server_side.watch import run_order
from tests.server_side.pipeline.watched import POINTS, WatchedScan

CENTRE, RIGHT, LEFT = POINTS
NAMES = ["theta0_phi0", "theta10_phi90", "theta20_phi180"]
PATIENCE_S = 240.0
"""On a busy machine a new process needs a minute until zfit is loaded."""
QUICK = {"poll_s": 0.05, "stable_s": 0.3, "heartbeat_s": 0.2}


def ends(scan: WatchedScan, job: str | None = None) -> list[tuple[EndReason, str]]:
    return [(n.reason, n.message) for n in scan.lines(job) if isinstance(n, JobEnd)]


def run_here(scan: WatchedScan, stop_when: Callable[[], bool], order, signalled=None) -> EndReason:
    """Run an order in this process; act as soon as something is true."""
    signalled = signalled or threading.Event()
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.05):
            if stop_when():
                return

    looker = threading.Thread(target=look)
    looker.start()
    try:
        return run_order(order, signalled, {"SLURM_JOB_ID": "4711"})
    finally:
        over.set()
        looker.join()


@pytest.fixture
def start_process() -> Iterator[Callable[[Path], subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []

    def start(order_file: Path) -> subprocess.Popen[bytes]:
        started.append(
            subprocess.Popen(
                [sys.executable, "-m", "server_side", "watch", str(order_file)],
                cwd=order_file.parent,
                stderr=subprocess.PIPE,
            )
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
        if process.stderr is not None:
            process.stderr.close()


def wait_until(happened: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not happened():
        assert process.poll() is None, process.communicate()[1].decode()
        assert time.monotonic() < end_s
        time.sleep(0.02)


def test_a_scan_runs_from_the_first_word_to_the_last(bench):
    scan = bench(points=(CENTRE, RIGHT), watch=QUICK)
    order = scan.order()
    scan.put(RIGHT)

    def bring_the_other() -> bool:
        if scan.published():
            scan.put(CENTRE, seed=2)
            return True
        return False

    assert run_here(scan, bring_the_other, order) is EndReason.DONE
    assert scan.published() == [NAMES[1], NAMES[0]]
    assert scan.folders() == NAMES[:2]
    lines = scan.lines(order.job)
    assert isinstance(lines[0], JobStart)
    assert (lines[0].scan_id, lines[0].scheduler_job) == (scan.plan.scan_id, "4711")
    assert isinstance(lines[-1], JobEnd)
    assert any(isinstance(line, Heartbeat) for line in lines)
    assert [line.seq for line in lines] == list(range(1, len(lines) + 1))


def test_the_stop_file_ends_the_job(bench):
    scan = bench(watch=QUICK)
    order = scan.order()
    started = Path(scan.layout.journal_file(order.job))

    def ask() -> bool:
        if started.exists():
            Path(scan.layout.stop_file(order.job)).touch()
        return started.exists()

    assert run_here(scan, ask, order) is EndReason.STOPPED
    assert ends(scan) == [(EndReason.STOPPED, "stop file: the executor asked to end")]


def test_without_anything_new_the_job_ends_idle(bench):
    scan = bench(watch={**QUICK, "idle_limit_s": 0.5})
    assert run_order(scan.order(), threading.Event(), {}) is EndReason.IDLE
    assert ends(scan) == [(EndReason.IDLE, "")]


def test_the_job_leaves_before_its_time_limit(bench):
    scan = bench(watch=QUICK)
    began_s = time.monotonic()
    assert run_order(scan.order(time_limit_s=2.0), threading.Event(), {}) is EndReason.TIME_LIMIT
    assert time.monotonic() - began_s > 1.7


def test_a_second_process_for_the_same_order_writes_nothing(bench):
    scan = bench(watch={**QUICK, "idle_limit_s": 0.1})
    order = scan.order()
    run_order(order, threading.Event(), {})
    journal = Path(scan.layout.journal_file(order.job))
    before = journal.read_bytes()
    assert run_order(order, threading.Event(), {}) is EndReason.DUPLICATE
    assert journal.read_bytes() == before


def test_another_job_for_the_same_work_leaves_only_its_last_word(bench):
    scan = bench(watch={**QUICK, "idle_limit_s": 0.1})
    first = scan.order()
    run_order(first, threading.Event(), {})
    second = scan.order(claim=first.claim)
    assert run_order(second, threading.Event(), {}) is EndReason.DUPLICATE
    (last,) = scan.lines(second.job)
    assert isinstance(last, JobEnd)
    assert last.reason is EndReason.DUPLICATE


def test_of_many_processes_with_one_claim_one_goes_on(bench):
    scan = bench(watch={**QUICK, "idle_limit_s": 0.3})
    order = scan.order()
    outcomes = []
    threads = [
        threading.Thread(target=lambda: outcomes.append(run_order(order, threading.Event(), {})))
        for _ in range(5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [EndReason.DUPLICATE] * 4 + [EndReason.IDLE]


def test_an_error_that_is_not_one_points_alone_is_the_last_word(bench):
    scan = bench(watch=QUICK)
    Path(scan.layout.results_folder).write_text("a file where the results should be")
    assert run_order(scan.order(), threading.Event(), {}) is EndReason.FAILED
    ((_, message),) = ends(scan)
    assert str(scan.layout.results_folder) in message


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_killed_on_the_way_a_successor_gives_each_point_exactly_once(bench, start_process):
    scan = bench(watch=QUICK)
    for seed, point in enumerate(POINTS, 1):
        scan.put(point, seed=seed)
    first = start_process(scan.write_order())
    wait_until(lambda: len(scan.published()) >= 1, first)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    assert ends(scan) == []
    assert run_order(scan.order(), threading.Event(), {}) is EndReason.DONE
    assert scan.folders() == NAMES
    assert sorted(scan.published()) == NAMES
    assert ends(scan) == [(EndReason.DONE, "")]
    assert remove_leftovers(Path(scan.layout.results_folder)) == ()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_killed_between_folder_and_journal_a_successor_tells_of_the_take(bench):
    scan = bench(points=(CENTRE,), watch=QUICK)
    scan.put(CENTRE)
    code = (
        "import sys\n"
        "from tests.server_side.pipeline.root_take import Moment, die_at\n"
        "from server_side.cli import main\n"
        "die_at(Moment.TIDYING)\n"
        "main(['watch', sys.argv[1]])\n"
    )
    program = [sys.executable, "-c", code, str(scan.write_order())]
    killed = subprocess.run(program, cwd=Path(__file__).parents[3], check=False, timeout=PATIENCE_S)
    assert killed.returncode == -signal.SIGKILL
    assert scan.folders() == NAMES[:1]
    assert scan.published() == []
    assert run_order(scan.order(), threading.Event(), {}) is EndReason.DONE
    assert scan.folders() == scan.published() == NAMES[:1]
    root_file = Path(scan.result(NAMES[0]).provenance.root_file)
    assert [path for path in Path(scan.base).rglob("*.root*") if path.is_file()] == [root_file]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_signal_ends_the_process_cleanly_with_a_last_word(bench, start_process):
    scan = bench(watch=QUICK)
    process = start_process(scan.write_order())
    wait_until(lambda: bool(scan.lines()), process)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, errors.decode()
    assert ends(scan) == [(EndReason.STOPPED, "signal: the process was asked to end")]


def test_a_request_to_end_is_seen_while_waiting(tmp_path):
    signalled = threading.Event()
    interrupt = Interrupt(signalled, tmp_path / "stop", None)
    threading.Timer(0.1, signalled.set).start()
    with pytest.raises(EndRequested, match="signal"):
        interrupt.wait(36_000.0)


@pytest.mark.parametrize(("limit_s", "leaves_after_s"), [(100.0, 90.0), (36000.0, 35880.0)])
def test_the_margin_before_the_time_limit_is_a_tenth_and_at_most_two_minutes(
    tmp_path, limit_s, leaves_after_s
):
    now_s = 0.0
    interrupt = Interrupt(threading.Event(), tmp_path / "stop", limit_s, lambda: now_s)
    now_s = leaves_after_s - 1.0
    interrupt.check()
    now_s = leaves_after_s
    with pytest.raises(EndRequested) as request:
        interrupt.check()
    assert request.value.reason is EndReason.TIME_LIMIT


def test_published_lines_of_two_jobs_never_name_a_take_twice(bench):
    scan = bench(points=(CENTRE, RIGHT), watch=QUICK)
    scan.put(CENTRE)
    scan.put(RIGHT, seed=2)
    for _ in range(2):
        run_order(scan.order(), threading.Event(), os.environ)
    takes = [line.take for line in scan.lines() if isinstance(line, PointPublished)]
    assert len(takes) == len(set(takes)) == 2


def test_a_job_whose_scan_folder_was_moved_away_ends_and_makes_no_new_one(tmp_path):
    folder = tmp_path / "scan_output"
    folder.mkdir()
    now_s = 0.0
    interrupt = Interrupt(threading.Event(), folder / "stop", None, lambda: now_s)
    interrupt.check()
    folder.rename(tmp_path / "archived")
    now_s = 1.0
    with pytest.raises(EndRequested, match="archived or moved"):
        interrupt.check()
    assert not folder.exists()
