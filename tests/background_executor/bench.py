"""A whole site in a temporary folder, stepped by hand: real store, files and processes."""

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from background_executor import queries
from background_executor.commands import Command, StartScan
from background_executor.config import load_config
from background_executor.executor import Executor
from background_executor.records import (
    ENDED_JOB_STATES,
    CommandRecord,
    JobRecord,
    PointRecord,
    ScanRecord,
)
from background_executor.scheduler import Scheduler
from background_executor.site import Site, open_scheduler
from background_executor.transport import LocalTransport, Transport
from server_side.journal import EndReason
from server_side.layout import ScanLayout
from server_side.scan import Slot
from tests.background_executor.fake_job import BEHAVIOUR_FILE, GO_FILE, Behaviour

ROOT = Path(__file__).parents[2]
POINTS = ("theta0_phi0", "theta10_phi0", "theta10_phi90")
PATIENCE_S = 60.0

PYTHON = """\
#!/bin/sh
# Stands in for the server's Python: the watcher is a job that analyses nothing.
export PYTHONPATH={root}
case "$*" in
*"-m server_side watch "*)
    shift 3
    exec {python} -m tests.background_executor.fake_job "$@" ;;
*)
    PYTHONPATH={root} exec {python} "$@" ;;
esac
"""

SETTINGS = """\
[site]
name = "here"
transport = "local"
scheduler = "process"
base_folder = "server"
raw_base = "raw"
state_dir = "state"
python = "{python}"
poll_s = 0.05
scheduler_poll_s = 1.0

[plan]
positions = {points}
"""


def make_site_folder(folder: Path, points: tuple[str, ...] = POINTS) -> Path:
    """Make a site's folders and settings, and return the settings file."""
    python = folder / "python"
    python.write_text(PYTHON.format(root=ROOT, python=sys.executable))
    python.chmod(0o755)
    for name in ("server", "raw"):
        (folder / name).mkdir()
    settings = folder / "site.toml"
    settings.write_text(SETTINGS.format(python=python, points=json.dumps(points)))
    return settings


class Bench:
    """A site and its executor, with a clock that only moves when told to."""

    def __init__(
        self,
        settings: Path,
        *,
        transport: Transport | None = None,
        scheduler: Scheduler | None = None,
    ) -> None:
        self.settings = settings
        self.config = load_config(settings)
        self.store = self.config.open_store()
        self.site = Site(
            self.config,
            self.store,
            transport or LocalTransport(),
            scheduler or open_scheduler(self.config),
        )
        self.now = datetime.now(UTC)
        self.executor = Executor(self.site, self.now)

    def close(self) -> None:
        """End the jobs that are left, and give the store back."""
        for record in Path(self.config.site.base_folder, ".processes").glob("*.json"):
            process = json.loads(record.read_text())
            argv = self.site.scheduler.cancel_argv(
                f"{process['pid']}-{process['start_ticks']}", record.stem
            )
            subprocess.run(argv, check=False, capture_output=True)
        # What it draws beside its turns is waited for.
        self.executor.end(self.now, "the test is over")
        self.store.close()

    def restart(self) -> None:
        """Forget all that the executor does not have in its store."""
        self.executor = Executor(self.site, self.now)

    def behave(self, behaviour: Behaviour) -> None:
        """Tell the jobs that start from now on how to behave."""
        path = Path(self.config.site.raw_base, BEHAVIOUR_FILE)
        path.write_text(json.dumps(asdict(behaviour)))

    def let_go(self) -> None:
        """Let the jobs that wait after so many points go on."""
        Path(self.config.site.raw_base, GO_FILE).touch()

    def step_clock(self, seconds: float = 1.0) -> None:
        """Let the executor's clock move on."""
        self.now += timedelta(seconds=seconds)

    def step(self, seconds: float = 1.0) -> bool:
        """Let the executor's clock move on and do one turn."""
        self.step_clock(seconds)
        return self.executor.step(self.now)

    def until(
        self, condition: Callable[[], bool], seconds: float = 1.0, patience_s: float = PATIENCE_S
    ) -> None:
        """Step until something is so; real processes get real time."""
        give_up = time.monotonic() + patience_s
        while not condition():
            assert time.monotonic() < give_up, self.words()
            self.step(seconds)
            time.sleep(0.02)

    def words(self) -> str:
        """Say how everything is, for a test that failed."""
        return "\n".join(
            str(each)
            for each in (
                queries.executor(self.store, "here"),
                *(replace_plan(scan) for scan in queries.scans(self.store, "here")),
                *(job for scan in queries.scans(self.store, "here") for job in self.jobs(scan)),
                *queries.commands(self.store, "here"),
            )
        )

    def ask(self, command: Command, key: str | None = None) -> CommandRecord:
        """Ask for something, let the executor do it, and return the answer."""
        number = self.store.enqueue("here", command, "tester", key or str(uuid.uuid4()), self.now)
        self.step()
        answered = queries.command(self.store, number)
        assert answered is not None
        return answered

    def start_scan(self, serial_number: str = "KQ0146", slot: int = 1) -> ScanRecord:
        """Start a position scan and return it."""
        answer = self.ask(StartScan(serial_number=serial_number, slot=Slot(slot)))
        assert answer.state == "done", answer.answer
        return next(
            scan
            for scan in queries.scans(self.store, "here")
            if scan.serial_number == serial_number
        )

    def scan(self, scan: ScanRecord) -> ScanRecord:
        """Return a scan as it is now."""
        found = queries.scan(self.store, scan.scan_id)
        assert found is not None
        return found

    def scan_by_id(self, scan_id: str) -> ScanRecord:
        """Return the scan with an id."""
        found = queries.scan(self.store, scan_id)
        assert found is not None
        return found

    def jobs(self, scan: ScanRecord) -> tuple[JobRecord, ...]:
        """Return the jobs of a scan, newest first."""
        return queries.jobs(self.store, scan.scan_id)

    def points(self, scan: ScanRecord) -> dict[str, PointRecord]:
        """Return the points of a scan by name."""
        return {record.point.name: record for record in queries.points(self.store, scan.scan_id)}

    def states(self, scan: ScanRecord) -> list[str]:
        """Return the states of a scan's points in the order of its plan."""
        return [record.state.value for record in queries.points(self.store, scan.scan_id)]

    def layout(self, scan: ScanRecord) -> ScanLayout:
        """Return the names of a scan on the server."""
        return self.site.layout(scan.scan_id)

    def newest_job(self, scan: ScanRecord) -> JobRecord:
        """Return the job of a scan that was made last."""
        return self.jobs(scan)[0]

    def is_complete(self, scan: ScanRecord) -> bool:
        """Tell whether a scan has all its points and no job any more."""
        ended = all(job.state in ENDED_JOB_STATES for job in self.jobs(scan))
        return self.scan(scan).state == "complete" and ended

    def assert_each_point_once(self, scan: ScanRecord) -> None:
        """Check that every point has one result, and every folder one row."""
        for point in scan.plan.points:
            results = queries.results_of_point(self.store, scan.scan_id, point)
            assert len(results) == 1, point.name
            assert results[0].folder.is_dir()
        local = Path(self.config.results_folder, self.layout(scan).scan_name, scan.serial_number)
        folders = sorted(entry.name for entry in local.iterdir() if entry.is_dir())
        assert folders == sorted(f"data_{point.name}" for point in scan.plan.points)


def replace_plan(scan: ScanRecord) -> str:
    """Say a scan without its long plan."""
    return f"{scan.scan_id} {scan.state} {scan.message} {scan.points_stored}/{scan.points_planned}"


ENDS_EARLY = Behaviour(publish=1, end="last_word", reason=EndReason.TIME_LIMIT)
HANGS = replace(ENDS_EARLY, end="hang")
WAITS = Behaviour(waits_after=1)
