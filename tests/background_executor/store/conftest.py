"""A real store on disk for each test, and the plan of a scan to put into it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from background_executor.store import Store
from server_side.scan import (
    NewAcquisitions,
    ScanKind,
    ScanPlan,
    Slot,
    position_points,
    voltage_points,
)
from tests.seed_store import Seeded, seed_site

NOW = datetime(2026, 2, 20, 5, 41, 23, 123456, tzinfo=UTC)


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'store.sqlite'}"


@pytest.fixture
def store(tmp_path: Path, store_url: str) -> Iterator[Store]:
    opened = Store.open(store_url, tmp_path / "results")
    yield opened
    opened.close()


@pytest.fixture
def plan() -> ScanPlan:
    return ScanPlan(
        scan_id="0123456789ab",
        site="demo",
        kind=ScanKind.POSITION,
        serial_number="KQ0146",
        slot=Slot.ONE,
        started_at=NOW,
        points=position_points(),
        raw=NewAcquisitions(began_after=NOW - timedelta(minutes=1)),
    )


@pytest.fixture
def hv_plan(plan: ScanPlan) -> ScanPlan:
    return plan.model_copy(
        update={"scan_id": "0123456789cd", "kind": ScanKind.HV, "points": voltage_points(1800)}
    )


@pytest.fixture
def job() -> str:
    return "10b00000-0000-4000-8000-000000000001"


@pytest.fixture
def scanning(store: Store, plan: ScanPlan, job: str, now: datetime) -> Store:
    """A store with one scan and its running job."""
    with store.writing(now) as writer:
        writer.add_scan(plan, "an operator")
        writer.add_job(job, plan.scan_id, job, "process")
    return store


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Seeded:
    """A site in the middle of a shift; only for looking."""
    return seed_site(tmp_path_factory.mktemp("seeded"), NOW)


@pytest.fixture
def seeded_store(seeded: Seeded) -> Iterator[Store]:
    opened = seeded.config.open_store()
    yield opened
    opened.close()
