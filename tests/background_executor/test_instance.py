"""One process a site: started, found, stopped, crashed and started again, for real."""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from background_executor import instance, queries
from background_executor.commands import StartScan, StopExecutor
from background_executor.errors import AlreadyRunningError, ExecutorError
from server_side.scan import Slot
from tests.background_executor.bench import HANGS, Bench

PATIENCE_S = 120.0
"""Starting Python several times takes long on a machine that has other work."""
RUN = [sys.executable, "-m", "background_executor", "run", "--settings"]


@pytest.fixture
def site(bench: Bench) -> Iterator[Bench]:
    """A site; whatever a test leaves running is ended, also what has no lock yet."""
    yield bench
    with contextlib.suppress(ExecutorError):
        instance.stop(bench.config)
    for pid in processes_of(bench.settings):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def processes_of(settings: Path) -> list[int]:
    """Return the executors that were started with a settings file, in whatever state."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if b"background_executor" in words and str(settings).encode() in words:
                found.append(int(folder.name))
    return found


def wait_until(condition: Callable[[], bool], what: str) -> None:
    give_up = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < give_up, what
        time.sleep(0.05)


def test_a_detached_executor_beats_is_found_and_is_stopped(site: Bench) -> None:
    assert not instance.is_running(site.config)
    pid = instance.start_detached(site.settings)
    assert instance.is_running(site.config)
    process = instance.holder(site.config)
    assert process is not None
    assert process.pid == pid
    assert os.getsid(pid) != os.getsid(0)

    assert instance.stop(site.config)

    assert not instance.is_running(site.config)
    record = queries.executor(site.store, "here")
    assert record is not None
    assert (record.state, record.pid) == ("stopped", pid)
    assert not instance.stop(site.config)


def test_the_second_of_two_says_that_one_runs_already(site: Bench) -> None:
    instance.start_detached(site.settings)
    with pytest.raises(AlreadyRunningError, match="runs already"):
        instance.start_detached(site.settings)
    second = subprocess.run(
        [*RUN, str(site.settings)], capture_output=True, text=True, timeout=60, check=False
    )
    assert second.returncode == 1
    assert "runs already (process" in second.stderr


def test_of_many_started_together_exactly_one_runs(site: Bench) -> None:
    started = [subprocess.Popen([*RUN, str(site.settings)]) for _ in range(3)]
    try:
        wait_until(lambda: sum(p.poll() is None for p in started) == 1, "more than one runs")
        wait_until(lambda: instance.holder(site.config) is not None, "nobody has the lock")
        process = instance.holder(site.config)
        assert process is not None
        assert [p.pid for p in started if p.poll() is None] == [process.pid]
        wait_until(lambda: queries.executor(site.store, "here") is not None, "no sign of life")
        assert instance.stop(site.config)
    finally:
        for each in started:
            each.kill()
            each.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(site: Bench, number: signal.Signals) -> None:
    executor = subprocess.Popen([*RUN, str(site.settings)])
    wait_until(lambda: queries.executor(site.store, "here") is not None, "no sign of life")
    executor.send_signal(number)
    assert executor.wait(timeout=30) == 0
    record = queries.executor(site.store, "here")
    assert record is not None
    assert record.state == "stopped"


def test_it_outlives_who_started_it(site: Bench) -> None:
    code = (
        "import sys, time; from pathlib import Path; from background_executor import instance; "
        "print(instance.start_detached(Path(sys.argv[1])), flush=True); time.sleep(600)"
    )
    page = subprocess.Popen(
        [sys.executable, "-c", code, str(site.settings)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert page.stdout is not None
    with page.stdout:
        pid = int(page.stdout.readline())
    os.killpg(page.pid, signal.SIGKILL)
    page.wait()
    process = instance.holder(site.config)
    assert process is not None
    assert process.pid == pid
    command = StartScan(serial_number="KQ0146", slot=Slot.ONE)
    site.store.enqueue("here", command, "tester", "a wish without a page")
    wait_until(lambda: len(queries.scans(site.store, "here")) == 1, "the wish was not done")
    (scan,) = queries.scans(site.store, "here")
    wait_until(lambda: site.is_complete(scan), "the scan was not completed")
    site.assert_each_point_once(scan)


def test_jobs_go_on_without_it_and_it_resumes_where_it_was(site: Bench) -> None:
    site.behave(HANGS)
    command = StartScan(serial_number="KQ0146", slot=Slot.ONE)
    site.store.enqueue("here", command, "tester", "one wish")
    pid = instance.start_detached(site.settings)
    wait_until(lambda: bool(queries.scans(site.store, "here")), "the wish was not done")
    (scan,) = queries.scans(site.store, "here")
    wait_until(lambda: site.states(scan)[0] == "stored", "nothing was stored")
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not instance.is_running(site.config), "the lock is still held")
    (job,) = site.jobs(scan)
    sighting = site.site.scheduler.queue_argv([job.job], [])
    running = subprocess.run(sighting, capture_output=True, text=True, check=True)
    assert "|running|" in running.stdout

    instance.start_detached(site.settings)

    wait_until(
        lambda: (queries.executor(site.store, "here") or job).state == "running", "not resumed"
    )
    assert len(site.jobs(scan)) == 1


def test_a_command_that_needs_the_site_for_itself_is_no_executor_and_never_stopped(
    site: Bench,
) -> None:
    with instance.hold_lock(site.config, instance.LockAct.DEPLOY):
        assert not instance.is_running(site.config)
        assert not instance.stop(site.config, timeout_s=1)
        with (
            pytest.raises(AlreadyRunningError, match=r"'deploy' is at work .* when it has ended"),
            instance.hold_lock(site.config, instance.LockAct.DOCTOR),
        ):
            pass
        with pytest.raises(ExecutorError, match="'deploy' is at work"):
            instance.start_detached(site.settings)
    with (
        instance.hold_lock(site.config),
        pytest.raises(AlreadyRunningError, match=r"executor .* runs already .* finishes its turn"),
        instance.hold_lock(site.config, instance.LockAct.DOCTOR),
    ):
        pass


def test_what_stands_in_the_lock_file_is_believed_only_with_its_start_time(site: Bench) -> None:
    stranger = subprocess.Popen(["sleep", "60"])
    with instance.hold_lock(site.config):
        text = json.dumps({"pid": stranger.pid, "start_ticks": 1})
        site.config.lock_file.write_text(text)
        assert instance.is_running(site.config)
        assert instance.holder(site.config) is None
        with pytest.raises(ExecutorError, match="unknown process still holds"):
            instance.stop(site.config, timeout_s=1)
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_a_failure_that_nobody_expected_is_a_row_and_an_exit_code(site: Bench) -> None:
    executor = subprocess.Popen([*RUN, str(site.settings)], stderr=subprocess.PIPE, text=True)
    wait_until(lambda: queries.executor(site.store, "here") is not None, "no sign of life")
    with contextlib.closing(sqlite3.connect(site.config.site.state_dir / "store.sqlite")) as store:
        store.execute("PRAGMA busy_timeout = 20000")
        store.execute("ALTER TABLE commands RENAME TO lost")
        store.commit()
    _, said = executor.communicate(timeout=30)
    assert executor.returncode == 1
    assert "crashed; see" in said
    record = queries.executor(site.store, "here")
    assert record is not None
    assert record.state == "stopped"
    assert record.message.startswith("crashed: StoreError")
    acts = [event.act for event in queries.events(site.store, "here")]
    assert "executor crashed" in acts
    assert "Traceback" in (site.config.log_folder / "executor.log").read_text()


def test_a_start_that_fails_says_why(site: Bench) -> None:
    (site.config.site.state_dir / "results").rmdir()
    (site.config.site.state_dir / "results").write_text("in the way")
    with pytest.raises(ExecutorError, match=r"^folder .*results cannot be made: File exists"):
        instance.start_detached(site.settings, timeout_s=20)
    assert processes_of(site.settings) == []
    (site.config.site.state_dir / "results").unlink()


def test_a_start_that_takes_too_long_leaves_nothing_behind(site: Bench) -> None:
    with pytest.raises(ExecutorError, match="gave no sign of life"):
        instance.start_detached(site.settings, timeout_s=0.01)
    assert processes_of(site.settings) == []


def test_wrong_settings_are_said_before_anything_starts(tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text("[site]\nname = 'here'\n")
    with pytest.raises(ExecutorError, match="transport"):
        instance.start_detached(path)


def test_the_command_that_stops_it_works_as_the_signal_does(site: Bench) -> None:
    instance.start_detached(site.settings)
    site.store.enqueue("here", StopExecutor(), "tester", "stop")
    wait_until(lambda: not instance.is_running(site.config), "it still runs")
    record = queries.executor(site.store, "here")
    assert record is not None
    assert record.state == "stopped"
