"""Pages without a browser: records made by hand, and AppTest over a filled store."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from background_executor.decisions.decision_records import DecisionRecord
from background_executor.records import (
    GainRecord,
    PointRecord,
    PointState,
    Verdict,
    VerdictRecord,
)
from background_executor.store import Store
from server_side.scan import PositionPoint
from tests.seed_store import Seeded, make_site, seed_site

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 2, 20, 3, 0, tzinfo=UTC)

PageRunner = Callable[..., AppTest]


@dataclass(frozen=True)
class EmptySite:
    config_path: Path


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Seeded:
    return seed_site(tmp_path_factory.mktemp("site"))


@pytest.fixture
def empty_site(tmp_path: Path) -> EmptySite:
    make_site(tmp_path)
    return EmptySite(tmp_path / "site.toml")


@pytest.fixture
def store(seeded: Seeded) -> Iterator[Store]:
    with closing(seeded.config.open_store()) as opened:
        yield opened


@pytest.fixture
def run_pages(monkeypatch: pytest.MonkeyPatch) -> Iterator[PageRunner]:
    """Run the pages of a site, at an address."""

    def run(
        config_path: Path | None, page: str = "", *, operator: str = "", **address: str
    ) -> AppTest:
        if config_path is None:
            monkeypatch.delenv("PMT_MONITOR_SETTINGS", raising=False)
        else:
            monkeypatch.setenv("PMT_MONITOR_SETTINGS", str(config_path))
        app = AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=60)
        for name, value in address.items():
            app.query_params[name] = value
        app.session_state["operator"] = operator
        app.run()
        if page:
            app.switch_page(page).run()
        return app

    yield run
    st.cache_data.clear()
    st.cache_resource.clear()


def shown_texts(app: AppTest) -> str:
    """Return everything that a page writes as markup."""
    return " ".join(element.value for element in app.html)


def make_point(
    state: PointState = PointState.STORED,
    verdict: Verdict | None = Verdict.HEALTHY,
    decision: DecisionRecord | None = None,
    **changes: object,
) -> PointRecord:
    """Make the record of one position; of a stored healthy one unless said otherwise."""
    is_stored = state is PointState.STORED
    judged = VerdictRecord(verdict, "every required check passed", "", (), NOW) if verdict else None
    gain = GainRecord(1.0246e7, 1.6e4, "gain_peak", "two_gaussian", 55.4, 45)
    record = PointRecord(
        scan_id="0123456789ab",
        point=PositionPoint(theta_deg=10, phi_deg=90),
        state=state,
        takes=1,
        take=1,
        revision=1 if is_stored else None,
        result_id=7 if is_stored else None,
        gain=gain if is_stored else None,
        gain_missing="",
        verdict=judged,
        decision=decision,
        error="",
        tries=0,
        measured_at=NOW - timedelta(minutes=1) if is_stored else None,
        acquired_at=None,
        stored_at=NOW if is_stored else None,
        updated_at=NOW,
    )
    return replace(record, **changes)  # type: ignore[arg-type]
