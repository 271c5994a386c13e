"""Every scan is reached from every page, and none is shown in the place of another."""

from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from background_executor.config import load_config
from background_executor.records import ScanState
from background_executor.scan_filter import ScanFilter
from dashboard.views.picking import LISTED, read_choice
from server_side.scan import ScanKind, Slot
from tests.dashboard.conftest import NOW, PageRunner, shown_texts
from tests.seed_store import HV_SCAN, RUNNING_SCAN, Seeded, make_plan, make_site

OLD_SCAN, UNKNOWN = "0001dd000001", "feedfeedfeed"
NEWER = 60
PAGES = ["scans", "point", "log", "hv"]


@dataclass(frozen=True)
class BusySite:
    config_path: Path
    newest: str


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> BusySite:
    """A site with an archived HV check of long ago, and more newer ones than a page lists."""
    folder = tmp_path_factory.mktemp("busy")
    config = make_site(folder)
    points = config.voltage_points(1800)
    with closing(config.open_store()) as store:
        for number in range(NEWER + 1):
            scan_id = OLD_SCAN if number == 0 else f"{number:012x}"
            serial = "KX0001" if number == 0 else f"KQ{number:04d}"
            begun = NOW + timedelta(days=number)
            plan = make_plan(config, scan_id, serial, Slot.ONE, begun, points=points)
            with store.writing(begun) as writer:
                writer.add_scan(plan, "night shift")
                writer.set_scan_state(scan_id, ScanState.STOPPED, "night shift")
                if number == 0:
                    writer.set_scan_state(scan_id, ScanState.ARCHIVED, "night shift")
    return BusySite(folder / "site.toml", f"{NEWER:012x}")


def address(app: AppTest) -> str:
    named = app.query_params["scan"]
    return named if isinstance(named, str) else named[0]


def options(app: AppTest) -> list[str]:
    return list(app.selectbox[0].options)


@pytest.mark.parametrize("page", PAGES)
def test_an_old_scan_that_the_address_names_is_shown(
    run_pages: PageRunner, busy: BusySite, page: str
) -> None:
    app = run_pages(busy.config_path, f"app_pages/{page}.py", scan=OLD_SCAN)
    # A page that is switched to loses its address: it is opened there once more.
    app.query_params["scan"] = OLD_SCAN
    app.run()
    assert not app.exception
    assert (app.selectbox[0].value, address(app)) == (OLD_SCAN, OLD_SCAN)


@pytest.mark.parametrize("page", PAGES)
def test_an_unknown_scan_is_said_and_no_other_is_shown(
    run_pages: PageRunner, busy: BusySite, page: str
) -> None:
    app = run_pages(busy.config_path, f"app_pages/{page}.py")
    app.query_params["scan"] = UNKNOWN
    app.run()
    assert not app.exception
    assert f"knows no scan &#x27;{UNKNOWN}&#x27;" in shown_texts(app)
    assert (app.selectbox[0].value, address(app)) == (None, UNKNOWN)
    assert not [button for button in app.button if button.key in ("restore", "archive")]


def test_an_old_scan_is_restored_on_its_page(run_pages: PageRunner, busy: BusySite) -> None:
    app = run_pages(busy.config_path, "app_pages/scans.py", operator="anna")
    app.query_params["scan"] = OLD_SCAN
    app.run()
    assert not app.button(key="restore").disabled


def test_a_search_finds_a_scan_of_any_age_and_changes_nothing_by_itself(
    run_pages: PageRunner, busy: BusySite
) -> None:
    app = run_pages(busy.config_path, "app_pages/scans.py")
    assert (len(options(app)), address(app)) == (LISTED, busy.newest)
    app.text_input(key="find").set_value("kx00").run()
    assert address(app) == busy.newest
    assert [busy.newest in option or OLD_SCAN in option for option in options(app)] == [True] * 2
    app.selectbox[0].select(OLD_SCAN).run()
    assert address(app) == OLD_SCAN
    app.text_input(key="find").set_value("nobody's").run()
    assert "No serial number has" in shown_texts(app)


def test_all_scans_are_listed_on_demand(run_pages: PageRunner, busy: BusySite) -> None:
    app = run_pages(busy.config_path, "app_pages/scans.py")
    app.toggle(key="all-scans").set_value(True).run()
    assert len(options(app)) == NEWER + 1


def test_a_list_of_one_kind_is_full_of_that_kind(busy: BusySite, seeded: Seeded) -> None:
    config = load_config(busy.config_path)
    with closing(config.open_store()) as store:
        only = ScanFilter(kind=ScanKind.POSITION)
        none = read_choice(store, "demo", only, address=None, is_all=False)
        assert (none.scans, none.word.startswith("No position scan yet")) == ((), True)
    with closing(seeded.config.open_store()) as store:
        checks = ScanFilter(kind=ScanKind.HV)
        other = read_choice(store, "demo", checks, address=RUNNING_SCAN, is_all=False)
        assert (other.chosen, other.found) == (None, 2)
        assert "is a position scan, no HV check" in other.word
        one = read_choice(store, "demo", checks, address=HV_SCAN, is_all=False)
        assert one.chosen is not None
        foreign = read_choice(store, "elsewhere", checks, address=HV_SCAN, is_all=False)
        assert (foreign.chosen, "knows no scan" in foreign.word) == (None, True)


@pytest.mark.parametrize("text", ["%", "_", "'; --", "\\"])
def test_what_is_searched_for_is_text(busy: BusySite, text: str) -> None:
    with closing(load_config(busy.config_path).open_store()) as store:
        choice = read_choice(store, "demo", ScanFilter(text), address=None, is_all=False)
    assert (choice.found, choice.scans) == (0, ())
