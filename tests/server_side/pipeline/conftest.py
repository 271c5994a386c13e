"""Plans and raw folders for the tests of what runs as a job."""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from server_side.gain_fit import GainFitter
from server_side.scan import (
    NewAcquisitions,
    PositionPoint,
    RawSource,
    ScanKind,
    ScanPlan,
    Slot,
    VoltagePoint,
)
from server_side.settings import MeasurementSettings
from tests.server_side.pipeline.bench import write_point
from tests.server_side.pipeline.watched import WatchedScan

SERIAL = "KQ0146"
STARTED_AT = datetime(2026, 2, 20, 5, 41, 23, tzinfo=UTC)
"""14:41:23 in Tokyo."""

MakePlan = Callable[..., ScanPlan]
MakeRaw = Callable[..., Path]


@pytest.fixture
def make_plan() -> MakePlan:
    def make(
        *,
        points: tuple[PositionPoint | VoltagePoint, ...] | None = None,
        kind: ScanKind = ScanKind.POSITION,
        slot: Slot = Slot.ONE,
        raw: RawSource | None = None,
        serial_number: str = SERIAL,
        settings: MeasurementSettings | None = None,
        started_at: datetime = STARTED_AT,
    ) -> ScanPlan:
        return ScanPlan(
            scan_id="0123456789ab",
            site="bench",
            kind=kind,
            serial_number=serial_number,
            slot=slot,
            started_at=started_at,
            points=points or (PositionPoint(theta_deg=10, phi_deg=90),),
            raw=raw or NewAcquisitions(began_after=started_at),
            settings=settings or MeasurementSettings(),
        )

    return make


@pytest.fixture
def make_raw(tmp_path: Path) -> MakeRaw:
    """Make the raw folder of a point with small files, and return the folder."""

    def make(
        acquisition: str,
        folder: str = "wavesave_theta10_phi90",
        names: tuple[str, ...] = ("wave0save_{p}.txt", "wave2save_{p}.txt"),
        *,
        serial_number: str = SERIAL,
        written_at: datetime | None = None,
        content: bytes = b"1\n2\n",
    ) -> Path:
        made = tmp_path / "raw" / acquisition / serial_number / folder
        made.mkdir(parents=True, exist_ok=True)
        point = folder.removeprefix("wavesave_")
        for name in names:
            path = made / name.replace("{p}", point)
            path.write_bytes(content)
            if written_at is not None:
                set_time(path, written_at)
        return made

    return make


def set_time(path: Path, moment: datetime) -> None:
    os.utime(path, (moment.timestamp(), moment.timestamp()))


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return the folder of a recorded point; each is written once in a session."""
    base = tmp_path_factory.mktemp("recorded")

    def record(seed: int = 1, events: int = 1500, channels: tuple[int, ...] = (0, 2)) -> Path:
        folder = base / f"{seed}_{events}_{'_'.join(map(str, channels))}"
        if not folder.exists():
            write_point(folder, events, channels=channels, seed=seed)
        return folder

    return record


@pytest.fixture(scope="session")
def fitter() -> GainFitter:
    return GainFitter(min_charges=100)


@pytest.fixture
def bench(
    tmp_path: Path, make_plan: MakePlan, recorded: Callable[..., Path], fitter: GainFitter
) -> Iterator[Callable[..., WatchedScan]]:
    started: list[WatchedScan] = []

    def start(**changes: object) -> WatchedScan:
        started.append(WatchedScan(tmp_path, make_plan, recorded, fitter, **changes))
        return started[-1]

    yield start
    for scan in started:
        scan.close()
