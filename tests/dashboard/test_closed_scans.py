"""Where every act would be refused a page offers none, and says why."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from background_executor.decisions.offers import takes_in_view, undo_offers
from background_executor.old_data.importing import import_tree
from dashboard.views.deciding import TakesAct, closed_acts, decide
from tests.background_executor.bench import Bench, make_site_folder
from tests.background_executor.decisions.shift import Shift
from tests.dashboard.conftest import PageRunner, shown_texts
from tests.seed_results import Fate

POINT = "theta0_phi0"
ACTS = ("flag", "accept", "acknowledge", "retake", "unflag", "withdraw")


@pytest.fixture
def shift(tmp_path: Path) -> Iterator[Shift]:
    bench = Bench(make_site_folder(tmp_path))
    yield Shift(bench)
    bench.close()


def offered(app: AppTest) -> list[str]:
    keys = [button.key or "" for button in app.button]
    return [key for key in keys if key.startswith(ACTS)]


def open_point(run_pages: PageRunner, shift: Shift, scan_id: str) -> AppTest:
    page, address = "app_pages/point.py", {"scan": scan_id, "point": POINT}
    app = run_pages(shift.bench.settings, page, operator="anna", **address)
    assert not app.exception
    return app


def test_nothing_is_offered_on_the_points_of_an_archived_scan(
    run_pages: PageRunner, shift: Shift
) -> None:
    scan = shift.complete_scan(Fate.POOR)
    assert offered(open_point(run_pages, shift, scan.scan_id))
    assert shift.archive(scan, reason="the shift ends", override=True).state == "done"
    app = open_point(run_pages, shift, scan.scan_id)
    assert offered(app) == []
    assert "restore it first" in shown_texts(app)


def test_nothing_is_offered_on_the_points_of_an_imported_scan(
    run_pages: PageRunner, shift: Shift, tmp_path: Path
) -> None:
    folder = tmp_path / "old/scan_output_20260220_144123/KQ0146" / f"data_{POINT}"
    folder.mkdir(parents=True)
    gain = f"live_data_20260220_144123_KQ0146_{POINT}_GAIN.txt"
    (folder / gain).write_text("1.033e+07\n")
    bench = shift.bench
    import_tree(bench.store, bench.config, tmp_path / "old", "anna", bench.now)
    app = open_point(run_pages, shift, "")
    assert offered(app) == []
    assert "was imported from an old tree" in shown_texts(app)


def test_the_page_says_beforehand_what_the_executor_refuses_with(shift: Shift) -> None:
    scan = shift.complete_scan(Fate.HEALTHY, Fate.POOR, Fate.FAILED)
    points = takes_in_view(shift.bench.store, scan.scan_id).shown
    said = {(closed.act, point): closed.why for point in points for closed in closed_acts((point,))}
    assert {act for act, _ in said} == set(TakesAct) - {TakesAct.RETAKE}
    for (act, point), (why,) in said.items():
        takes = shift.seen(scan, point.point.name)
        answer = shift.refused(decide(act, scan.scan_id, takes, "low gain", ""))
        assert answer == f"{why}. Nothing was done"


def test_a_flag_is_not_offered_to_be_undone_once_its_scan_is_archived(shift: Shift) -> None:
    scan = shift.complete_scan(Fate.POOR)
    shift.flag(scan, POINT)
    bench = shift.bench
    assert undo_offers(bench.store, "here", bench.now, 30)
    assert shift.archive(scan).state == "done"
    shortly = bench.now + timedelta(seconds=1)
    assert undo_offers(bench.store, "here", shortly, 30) == ()
