"""A scan that is watched step by step, with a clock that the test moves."""

import json
import os
import shutil
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath

from server_side.gain_fit import GainFitter
from server_side.journal import JournalLine, LiveProgress, PointFailed, PointPublished, read_lines
from server_side.journal_writer import JournalWriter, utc_now
from server_side.layout import RESULT_FILE, ScanLayout
from server_side.live import LiveFile
from server_side.order import JobOrder
from server_side.publish import verify_folder
from server_side.readiness import Moment
from server_side.result import PointResult
from server_side.scan import PositionPoint, ScanPlan, zone_stamp
from server_side.scan_watch import ScanWatch
from server_side.settings import AnalysisSettings, MeasurementSettings, WatchSettings

ACQUISITION = "wavedump_output_20260220_150000"
POINTS = (
    PositionPoint(theta_deg=0, phi_deg=0),
    PositionPoint(theta_deg=10, phi_deg=90),
    PositionPoint(theta_deg=20, phi_deg=180),
)


def settings(**watch: object) -> MeasurementSettings:
    return MeasurementSettings(
        analysis=AnalysisSettings(
            min_charges=100, models=("two_gaussian",), hv_models=("two_gaussian",)
        ),
        watch=WatchSettings.model_validate(
            {"poll_s": 0.05, "stable_s": 20.0, "heartbeat_s": 0.5, "max_tries": 2, **watch}
        ),
    )


@dataclass
class Job:
    """One job's watch over the scan."""

    order: JobOrder
    journal: JournalWriter
    watch: ScanWatch
    steady_s: float = 0.0

    def step(self, after_s: float = 0.0):
        self.steady_s += after_s
        return self.watch.step(Moment(utc_now(), self.steady_s))

    def run(self, steps: int = 30) -> None:
        """Step until nothing is to be done, with files that stay as they are."""
        for _ in range(steps):
            self.step(after_s=25.0)
            if self.watch.is_done:
                return


class WatchedScan:
    """A scan folder, a raw folder, and the jobs that watch."""

    def __init__(
        self,
        folder: Path,
        make_plan: Callable[..., ScanPlan],
        recorded: Callable[..., Path],
        fitter: GainFitter,
        **changes: object,
    ) -> None:
        self.raw = folder / "raw"
        self.raw.mkdir(exist_ok=True)
        self.base = folder / "base"
        watch = changes.pop("watch", {})
        self.plan = make_plan(**{"points": POINTS, "settings": settings(**watch), **changes})
        self.layout = ScanLayout(PurePosixPath(self.base), self.plan)
        Path(self.layout.scan_folder).mkdir(parents=True)
        self._recorded = recorded
        self._fitter = fitter
        self._journals: list[JournalWriter] = []

    def close(self) -> None:
        """Close the journals of all jobs."""
        for journal in self._journals:
            journal.close()

    def put(self, point, *, acquisition=ACQUISITION, seed=1, events=1500, channels=(0, 2)) -> Path:
        """Put recorded files of a point into an acquisition, as if just written."""
        name = f"wavesave_{point.name}" if isinstance(point, PositionPoint) else point.name
        folder = self.raw / acquisition / self.plan.serial_number / name
        folder.mkdir(parents=True, exist_ok=True)
        for file in self._recorded(seed, events, channels).iterdir():
            shutil.copyfile(file, folder / file.name)
        return folder

    def age(self, folder: Path, moment: datetime) -> None:
        """Give files and folder an own time."""
        for path in (*folder.iterdir(), folder):
            os.utime(path, (moment.timestamp(), moment.timestamp()))

    def order(self, **changes: object) -> JobOrder:
        job = str(uuid.uuid4())
        return JobOrder.model_validate(
            {
                "job": job,
                "claim": job,
                "base_folder": str(self.base),
                "raw_base": str(self.raw),
                "plan": self.plan,
                **changes,
            }
        )

    def write_order(self, **changes: object) -> Path:
        order = self.order(**changes)
        path = Path(self.layout.job_file(order.job))
        path.write_text(order.model_dump_json())
        return path

    def job(self, check_end: Callable[[], None] = lambda: None, **changes: object) -> Job:
        order = self.order(**changes)
        journal = JournalWriter(Path(self.layout.journal_file(order.job)), order.job)
        self._journals.append(journal)
        live = LiveFile(
            Path(self.layout.live_file(order.job)),
            order.job,
            self.plan.settings.watch.expected_events,
        )
        watch = ScanWatch(
            order,
            layout=self.layout,
            journal=journal,
            live=live,
            fitter=self._fitter,
            check_end=check_end,
        )
        return Job(order, journal, watch)

    def lines(self, job: str | None = None) -> list[JournalLine]:
        """Return the journal lines of a job, or of all jobs."""
        folder = Path(self.layout.scan_folder)
        names = sorted(folder.glob("journal-*.jsonl"), key=lambda path: path.stat().st_mtime_ns)
        wanted = [path for path in names if job is None or job in path.name]
        return [read.line for path in wanted for read in read_lines(path.read_bytes())]

    def published(self) -> list[str]:
        """Return what the journals say was published, in order."""
        return [n.take.name for n in self.lines() if isinstance(n, PointPublished)]

    def failed(self) -> list[PointFailed]:
        return [line for line in self.lines() if isinstance(line, PointFailed)]

    def folders(self) -> list[str]:
        """Return the takes that are published, each verified."""
        results = Path(self.layout.results_folder)
        found = sorted(results.iterdir()) if results.is_dir() else []
        return [verify_folder(folder).take.name for folder in found]

    def result(self, take: str) -> PointResult:
        folder = Path(self.layout.results_folder, f"data_{take}")
        return PointResult.model_validate_json((folder / RESULT_FILE).read_bytes())

    def live(self, job: Job) -> LiveProgress:
        return LiveProgress.model_validate(
            json.loads(Path(self.layout.live_file(job.order.job)).read_bytes())
        )


def ago(**span: float) -> datetime:
    return utc_now() - timedelta(**span)


def stamped(moment: datetime) -> str:
    """Return the name of an acquisition that began at a moment."""
    return f"wavedump_output_{zone_stamp(moment, 'Asia/Tokyo')}"
