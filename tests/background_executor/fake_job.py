"""A job that analyses nothing: it publishes made-up results through the real ``publish``.

Everything else of it is real: claim, journal, stop file, SIGTERM, exit. How it
behaves stands in ``behaviour.json`` in the raw base::

    python fake_job.py ORDER_FILE
"""

import hashlib
import json
import os
import signal
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NoReturn

from server_side import __version__
from server_side.journal import EndReason, LiveProgress
from server_side.journal_writer import JournalWriter, write_live
from server_side.layout import RESULT_FILE, ScanLayout
from server_side.order import JobOrder
from server_side.publish import NewFile, publish_folder
from server_side.result import Acquisition, NoFit, PointResult, Provenance, SpectrumName
from server_side.scan import Point, ScanPlan, Take

BEHAVIOUR_FILE = "behaviour.json"
GO_FILE = "go"
HASH = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True)
class Behaviour:
    """What the job does."""

    publish: int = 1000
    """So many points are published by this job, then it ends."""
    end: Literal["last_word", "exit_0", "exit_1", "killed", "hang"] = "last_word"
    reason: EndReason = EndReason.TIME_LIMIT
    """Of the last word when points are left."""
    silent: tuple[str, ...] = ()
    """Points that the journal does not tell of."""
    fail: tuple[str, ...] = ()
    """Points that give no result."""
    backwards: bool = False
    """Begins with the last point of the plan."""
    waits_after: int | None = None
    """After so many points it waits until a file ``go`` lies in the raw base."""
    pace_s: float = 0.0
    deaf: bool = False
    """Heeds neither stop file nor SIGTERM."""

    @classmethod
    def read(cls, raw_base: Path) -> "Behaviour":
        """Read it, or take the defaults."""
        path = raw_base / BEHAVIOUR_FILE
        return cls(**json.loads(path.read_text())) if path.exists() else cls()


def make_result(plan: ScanPlan, take: Take, job: str | None) -> PointResult:
    """Make the result of a point that saw no light."""
    now = datetime.now(UTC)
    acquisition = Acquisition(folder="/raw", generation=HASH, stamp=plan.stamp, pmt_channel=2)
    return PointResult(
        site=plan.site,
        scan_id=plan.scan_id,
        kind=plan.kind,
        serial_number=plan.serial_number,
        slot=plan.slot,
        take=take,
        triggers=1000,
        selected_charges=3,
        spectra=(),
        fits=(
            NoFit(
                outcome="too_few_charges",
                model="two_gaussian",
                spectrum=SpectrumName.THRESHOLD,
                charges=3,
                message="3 charges, 500 are needed",
            ),
        ),
        quality=(),
        provenance=Provenance(
            software_version=__version__,
            job=job,
            host="here",
            measured_at=now,
            settings_sha256=HASH,
            acquisition=acquisition,
            inputs=(),
            root_file=None,
            duration_s=0.1,
        ),
        charge_plot="charge.png",
        gain_file=None,
    )


def files_of(result: PointResult) -> list[NewFile]:
    """Return the files that are published with a result."""
    return [
        NewFile("charge.png", b"\x89PNG\r\n\x1a\n" + os.urandom(2000)),
        NewFile(RESULT_FILE, result.model_dump_json().encode()),
    ]


def publish(layout: ScanLayout, take: Take, job: str | None) -> str:
    """Publish a take and return the hash of its manifest."""
    published = publish_folder(
        Path(layout.results_folder),
        scan_id=layout.plan.scan_id,
        serial_number=layout.plan.serial_number,
        take=take,
        files=files_of(make_result(layout.plan, take, job)),
    )
    return published.manifest_sha256


class FakeJob:
    """One job at work."""

    def __init__(self, order: JobOrder) -> None:
        self.order = order
        self.layout = ScanLayout(Path(order.base_folder), order.plan)  # type: ignore[arg-type]
        self.behaviour = Behaviour.read(Path(order.raw_base))
        self.asked_to_end = False

    def run(self) -> None:
        try:
            Path(self.layout.claim_folder(self.order.claim)).mkdir()
        except FileExistsError:
            print("a duplicate")
            return
        signal.signal(signal.SIGTERM, self._ask_to_end)
        with JournalWriter(
            Path(self.layout.journal_file(self.order.job)), self.order.job
        ) as journal:
            journal.job_start(
                scan_id=self.order.plan.scan_id,
                software_version=__version__,
                host="here",
                scheduler_job="",
            )
            self._end(journal, self._work(journal))

    def _ask_to_end(self, *_: object) -> None:
        self.asked_to_end = not self.behaviour.deaf

    def _must_end(self) -> bool:
        stop = Path(self.layout.stop_file(self.order.job)).exists()
        return self.asked_to_end or (stop and not self.behaviour.deaf)

    def _work(self, journal: JournalWriter) -> EndReason:
        published = 0
        points = self.order.plan.points
        awaited = {entry.point: entry.take for entry in self.order.awaited}
        for point in reversed(points) if self.behaviour.backwards else points:
            take = Take(point=point, take=awaited.get(point, 1))
            if Path(self.layout.take_folder(take)).exists() or self._is_flagged(take):
                continue
            if published == self.behaviour.waits_after:
                self._wait_to_go_on(journal)
            if self._must_end():
                return EndReason.STOPPED
            if published == self.behaviour.publish:
                return self.behaviour.reason
            self._process(journal, point, take)
            published += 1
            time.sleep(self.behaviour.pace_s)
        return EndReason.DONE

    def _wait_to_go_on(self, journal: JournalWriter) -> None:
        go = Path(self.order.raw_base) / GO_FILE
        while not go.exists() and not self._must_end():
            journal.heartbeat()
            time.sleep(0.1)

    def _is_flagged(self, take: Take) -> bool:
        flagged = Path(self.layout.flagged_folder(self.order.flag_folder))
        return (flagged / f"data_{take.name}").exists()

    def _process(self, journal: JournalWriter, point: Point, take: Take) -> None:
        journal.data_seen(point, take.take, "/raw", HASH)
        live = LiveProgress(
            job=self.order.job, at=datetime.now(UTC), stage="fitting", point=point, take=take.take
        )
        write_live(Path(self.layout.live_file(self.order.job)), live)
        if point.name in self.behaviour.fail:
            journal.point_failed(point, take.take, attempt=3, final=True, error="the file is torn")
            return
        digest = publish(self.layout, take, self.order.job)
        if point.name not in self.behaviour.silent:
            journal.point_published(take, f"data_{take.name}", digest)
        else:
            journal.heartbeat()

    def _end(self, journal: JournalWriter, reason: EndReason) -> None:
        print("the last thing that the job printed", flush=True)
        is_early = reason is self.behaviour.reason
        if not is_early or self.behaviour.end == "last_word":
            journal.job_end(reason)
            return
        if self.behaviour.end == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        while self.behaviour.end == "hang" and not self._must_end():
            time.sleep(0.02)
        if self.behaviour.end == "hang":
            journal.job_end(EndReason.STOPPED)
            return
        sys.exit(1 if self.behaviour.end == "exit_1" else 0)


def main() -> NoReturn:
    """Run the job whose order file is named."""
    FakeJob(JobOrder.model_validate_json(Path(sys.argv[1]).read_bytes())).run()
    sys.exit(0)


if __name__ == "__main__":
    main()
