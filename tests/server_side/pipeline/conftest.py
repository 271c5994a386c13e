"""Plans and raw folders for the tests of what runs as a job."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

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
