"""A store as it looks in the middle of a shift, filled through the real writer.

For page tests (``seed_site``) and for the eye::

    python -m tests.seed_store FOLDER      makes FOLDER/site.toml and its store
"""

import socket
import struct
import sys
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from background_executor.acquisition_record import AcquisitionRecord
from background_executor.commands import Command, StartScan, StopScan, SyncNow
from background_executor.config import SiteConfig, load_config
from background_executor.decisions.decision_records import DecisionKind
from background_executor.judging.reference import ReferenceKind, shipped_template
from background_executor.judging.verdict import judge
from background_executor.records import (
    CommandState,
    ExecutorRecord,
    ExecutorState,
    JobState,
    LinkState,
    PointState,
    ScanState,
)
from background_executor.store import Store
from background_executor.writing import StoreWriter
from server_side.journal import LiveProgress
from server_side.publish import NewFile, publish_folder
from server_side.result import PointResult, ValidFit
from server_side.scan import NewAcquisitions, Point, ScanKind, ScanPlan, Slot, Take
from tests.seed_results import Fate, make_result, make_waveforms

SITE_TOML = """\
[site]
name = "demo"
transport = "local"
scheduler = "process"
base_folder = "server"
raw_base = "raw"
state_dir = "state"
"""

RUNNING_SCAN = "5ca100000001"
"""Position scan of KQ0146 in slot 1, still running."""
COMPLETE_SCAN = "5ca100000002"
"""Position scan of KQ0151 in slot 2, every point stored or failed."""
HV_SCAN = "5ca100000003"
"""HV check of KQ0146 that gives a voltage."""
POOR_HV_SCAN = "5ca100000004"
"""HV check of KQ0151 with a dead point."""
JOB = "10b00000-0000-4000-8000-00000000000{}"
OPERATOR = "night shift"

RUNNING_FATES = {
    3: Fate.CHECK,
    5: Fate.POOR,
    8: Fate.NO_LIGHT,
    10: Fate.FIT_FAILED,
    11: Fate.FAILED,
}
COMPLETE_FATES = {2: Fate.POOR, 6: Fate.CHECK, 7: Fate.POOR, 15: Fate.FAILED}


@dataclass(frozen=True)
class Seeded:
    """A site with a filled store."""

    config_path: Path
    config: SiteConfig
    now: datetime
    """Moment of the last entries."""


def make_site(folder: Path) -> SiteConfig:
    """Make the folders and settings of a local site without any scan."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "site.toml"
    path.write_text(SITE_TOML)
    config = load_config(path)
    for place in (config.site.base_folder, config.site.raw_base):
        Path(place).mkdir(exist_ok=True)
    return config


def seed_site(folder: Path, now: datetime | None = None) -> Seeded:
    """Make a site whose store holds two position scans, two HV checks and all around them."""
    now = now or datetime.now(UTC)
    config = make_site(folder)
    store = config.open_store()
    try:
        _seed_running_scan(store, config, now)
        _seed_complete_scan(store, config, now)
        _seed_hv_checks(store, config, now)
        _seed_commands(store, now)
        _seed_reference(store, now)
        _seed_acquisitions(store, now)
        beat(store, now)
    finally:
        store.close()
    return Seeded(folder / "site.toml", config, now)


def make_plan(
    config: SiteConfig,
    scan_id: str,
    serial_number: str,
    slot: Slot,
    started_at: datetime,
    *,
    points: Sequence[Point] | None = None,
) -> ScanPlan:
    """Make the plan of a scan; of the standard positions unless points are given."""
    chosen = tuple(points or config.position_points())
    return ScanPlan(
        scan_id=scan_id,
        site=config.site.name,
        kind=ScanKind(chosen[0].kind),
        serial_number=serial_number,
        slot=slot,
        started_at=started_at,
        points=chosen,
        raw=NewAcquisitions(began_after=started_at - timedelta(seconds=config.site.grace_s)),
        settings=config.measurement,
    )


def start_scan(store: Store, plan: ScanPlan, job: str, now: datetime) -> None:
    """Add a scan with a running job."""
    with store.writing(now) as writer:
        writer.add_scan(plan, OPERATOR)
        writer.add_job(job, plan.scan_id, job, "process")
        writer.advance_job(job, JobState.SUBMITTING)
        writer.advance_job(job, JobState.RUNNING, scheduler_id="4711", node="node01")


def store_point(
    store: Store,
    config: SiteConfig,
    plan: ScanPlan,
    result: PointResult,
    now: datetime,
    *,
    folder: Path | None = None,
) -> int:
    """Publish a result as a job would, and store it judged as the executor would."""
    folder = folder or config.results_folder / plan.scan_id
    published = publish_folder(
        folder,
        scan_id=plan.scan_id,
        serial_number=plan.serial_number,
        take=result.take,
        files=_files_of(result),
    )
    judgement = judge(result, config.health, now)
    with store.writing(now) as writer:
        return writer.add_result(
            result, folder / published.folder, published.manifest_sha256, judgement
        )


def beat(store: Store, now: datetime, state: ExecutorState = ExecutorState.RUNNING) -> None:
    """Write the executor's word about itself."""
    record = ExecutorRecord(
        site="demo",
        state=state,
        pid=4242,
        host=socket.gethostname(),
        version="0.1.0",
        message="",
        link=LinkState.CONNECTED,
        link_message="",
        started_at=now - timedelta(hours=2),
        beat_at=now,
        synced_at=now,
    )
    with store.writing(now) as writer:
        writer.executor_heartbeat(record)


def _files_of(result: PointResult) -> list[NewFile]:
    files = [
        NewFile("result.json", result.model_dump_json().encode()),
        NewFile("waveforms.json", make_waveforms().model_dump_json().encode()),
        NewFile(result.charge_plot, plain_png()),
    ]
    fit = result.fits[0]
    if result.gain_file is not None and isinstance(fit, ValidFit):
        files.append(NewFile(result.gain_file, f"{fit.gain_peak:.3e}\n".encode()))
    return files


def plain_png(width: int = 64, height: int = 48) -> bytes:
    """Write a plain grey picture: what a plot looks like is tested elsewhere."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\x00" + b"\xdd" * width) * height)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", rows), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _seed_points(
    store: Store,
    config: SiteConfig,
    plan: ScanPlan,
    fates: Mapping[int, Fate],
    *,
    count: int,
    job: str,
) -> None:
    """Measure the first points of a plan, one every five minutes."""
    for number, point in enumerate(plan.points[:count]):
        fate = fates.get(number, Fate.HEALTHY)
        at = plan.started_at + timedelta(minutes=5 * (number + 1))
        if fate is Fate.FAILED:
            error = f"wave2save_{point.name}.txt: no event with header before byte 4096"
            with store.writing(at) as writer:
                writer.add_failure(plan.scan_id, point, 1, 3, error, final=True)
            continue
        seed = number + 100 * int(plan.slot)
        take = Take(point=point)
        result = make_result(plan, take, at - timedelta(seconds=2), fate=fate, seed=seed, job=job)
        store_point(store, config, plan, result, at)


def _seed_running_scan(store: Store, config: SiteConfig, now: datetime) -> None:
    job = JOB.format(1)
    started_at = now - timedelta(minutes=5 * 15 + 1)
    plan = make_plan(config, RUNNING_SCAN, "KQ0146", Slot.ONE, started_at)
    start_scan(store, plan, job, started_at)
    _seed_points(store, config, plan, RUNNING_FATES, count=13, job=job)
    done, fitting, growing = plan.points[12:15]
    poor = plan.points[5]
    preliminary = make_result(plan, Take(point=growing), now, seed=42)
    fit = preliminary.fits[0]
    live = LiveProgress(
        job=job,
        at=now,
        stage="acquiring",
        point=growing,
        take=1,
        events=212_000,
        expected_events=600_000,
        spectrum=preliminary.spectra[0],
        gain_peak=fit.gain_peak if isinstance(fit, ValidFit) else None,
        gain_peak_err=fit.gain_peak_err if isinstance(fit, ValidFit) else None,
    )
    with store.writing(now) as writer:
        writer.add_data(plan.scan_id, fitting, 1, f"/raw/{fitting.name}", "a" * 64)
        writer.advance_point(plan.scan_id, fitting, PointState.PROCESSING, job=job)
        writer.add_data(plan.scan_id, growing, 1, f"/raw/{growing.name}", "b" * 64)
        writer.set_live(job, live)
        _decide(writer, plan, poor, DecisionKind.FLAGGED, "low gain")
    _seed_retake(store, config, plan, done, now)


def _seed_retake(
    store: Store, config: SiteConfig, plan: ScanPlan, point: Point, now: datetime
) -> None:
    """Measure a point a second time."""
    take = Take(point=point, take=2)
    result = make_result(plan, take, now - timedelta(minutes=2), seed=77)
    store_point(store, config, plan, result, now - timedelta(minutes=1))


def _seed_complete_scan(store: Store, config: SiteConfig, now: datetime) -> None:
    job = JOB.format(2)
    started_at = now - timedelta(hours=3)
    plan = make_plan(config, COMPLETE_SCAN, "KQ0151", Slot.TWO, started_at)
    start_scan(store, plan, job, started_at)
    _seed_points(store, config, plan, COMPLETE_FATES, count=len(plan.points), job=job)
    with store.writing(started_at + timedelta(hours=2)) as writer:
        _decide(writer, plan, plan.points[7], DecisionKind.ACCEPTED, "known dip at the dynode")
        writer.advance_job(job, JobState.COMPLETED, message="ended: done")
        writer.close_journal(job)
        writer.set_scan_state(plan.scan_id, ScanState.COMPLETE, "executor")


def _seed_hv_checks(store: Store, config: SiteConfig, now: datetime) -> None:
    serials = {
        HV_SCAN: ("KQ0146", Slot.ONE, {}),
        POOR_HV_SCAN: ("KQ0151", Slot.TWO, {0: Fate.FIT_FAILED}),
    }
    for number, (scan_id, (serial, slot, fates)) in enumerate(serials.items()):
        job = JOB.format(3 + number)
        started_at = now - timedelta(hours=5 - number)
        points = config.voltage_points(1800)
        plan = make_plan(config, scan_id, serial, slot, started_at, points=points)
        start_scan(store, plan, job, started_at)
        for step, point in enumerate(points):
            at = started_at + timedelta(minutes=5 * (step + 1))
            gain = 1.0e7 * (point.voltage_v / 1785.0) ** 6.9
            fate = fates.get(step, Fate.HEALTHY)
            result = make_result(plan, Take(point=point), at, fate=fate, gain=gain, seed=step)
            store_point(store, config, plan, result, at)
        with store.writing(started_at + timedelta(minutes=26)) as writer:
            writer.advance_job(job, JobState.COMPLETED, message="ended: done")
            writer.close_journal(job)
            writer.set_scan_state(plan.scan_id, ScanState.COMPLETE, "executor")


def _seed_commands(store: Store, now: datetime) -> None:
    begin = StartScan(serial_number="KQ0146", slot=Slot.ONE)
    refused: Command = StopScan(scan_id="000000000000", reason="wrong window")
    answers = (
        (begin, CommandState.DONE, f"scan {RUNNING_SCAN} of KQ0146 started"),
        (refused, CommandState.REFUSED, "there is no scan 000000000000: choose one of the list"),
    )
    for number, (command, state, answer) in enumerate(answers):
        at = now - timedelta(minutes=70 - number)
        store.enqueue("demo", command, OPERATOR, f"seed-{number}", at)
        with store.writing(at + timedelta(seconds=1)) as writer:
            claimed = writer.claim_next_command("demo")
            if claimed is not None:
                writer.answer_command(claimed.command_id, state, answer)
    store.enqueue("demo", SyncNow(), OPERATOR, "seed-waiting", now)


def _seed_reference(store: Store, now: datetime) -> None:
    with store.writing(now - timedelta(hours=6)) as writer:
        writer.add_reference(
            "demo",
            ReferenceKind.TYPE,
            "R12860",
            shipped_template(),
            comment="until a PMT is certified",
            operator=OPERATOR,
        )


def _seed_acquisitions(store: Store, now: datetime) -> None:
    found = [
        AcquisitionRecord(
            folder=f"wavedump_output_2026021{day}_144123",
            serial_number=serial,
            kind=kind,
            points=points,
            modified_at=now - timedelta(days=day),
            seen_at=now,
        )
        for day, serial, kind, points in (
            (1, "KQ0146", ScanKind.POSITION, 21),
            (2, "KQ0151", ScanKind.POSITION, 13),
            (3, "KQ0151", ScanKind.HV, 5),
        )
    ]
    with store.writing(now) as writer:
        writer.replace_acquisitions("demo", found)


def _decide(
    writer: StoreWriter, plan: ScanPlan, point: Point, kind: DecisionKind, why: str
) -> None:
    writer.add_decision(plan.scan_id, point, 1, kind, reason=why, comment="", operator=OPERATOR)


if __name__ == "__main__":
    seeded = seed_site(Path(sys.argv[1]))
    print(f"settings {seeded.config_path}, store {seeded.config.store_url}")
