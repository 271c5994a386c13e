"""The files of an HV check: the voltage only while there is one, the picture always."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from background_executor import queries
from background_executor.decisions.decision_records import DecisionKind
from background_executor.judging.hv_files import HvFileNames, HvFiles, hv_file_names
from background_executor.records import ScanState
from background_executor.site import Site, open_site
from server_side.scan import ScanPlan, Slot, Take
from tests.seed_results import Fate, make_result
from tests.seed_store import make_plan, make_site, start_scan, store_point

NOW = datetime(2026, 2, 20, 5, 41, 23, tzinfo=UTC)
SCAN = "0123456789cd"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    opened = open_site(make_site(tmp_path))
    yield opened
    opened.store.close()


def _measure(site: Site, dead: int | None = None) -> tuple[ScanPlan, HvFileNames]:
    points = site.config.voltage_points(1800)
    plan = make_plan(site.config, SCAN, "KQ0146", Slot.ONE, NOW, points=points)
    start_scan(site.store, plan, "10b00000-0000-4000-8000-000000000001", NOW)
    folder = site.config.results_folder / site.layout(SCAN).scan_name / "KQ0146"
    for number, point in enumerate(points):
        gain = 1e7 * (point.voltage_v / 1785.0) ** 6.9
        fate = Fate.FIT_FAILED if number == dead else Fate.HEALTHY
        result = make_result(plan, Take(point=point), NOW, fate=fate, gain=gain, seed=number)
        store_point(site.store, site.config, plan, result, NOW, folder=folder)
    scan = queries.scan(site.store, SCAN)
    assert scan is not None
    return plan, hv_file_names(site, scan)


def _end(site: Site) -> None:
    with site.store.writing(NOW) as writer:
        writer.set_scan_state(SCAN, ScanState.COMPLETE, "executor")


def _keep_up(site: Site) -> None:
    files = HvFiles(site)
    files.keep_up()
    if files.drawing is not None:
        assert files.drawing.wait(60) == 0


def test_an_ended_check_leaves_voltage_points_and_picture(site: Site) -> None:
    _, names = _measure(site)
    _end(site)
    _keep_up(site)
    assert names.voltage.name == "KQ0146_HV_at_gain_1.00e+07.txt"
    assert float(names.voltage.read_text()) == pytest.approx(1785.0, abs=3.0)
    header, *rows = names.points.read_text().splitlines()
    assert header == "hv_V,gain,gain_err,target_gain,gain_method,model,note"
    assert [row.split(",")[3:] for row in rows] == [["10000000.0", "gain_peak", "dft", ""]] * 5
    assert names.plot.read_bytes().startswith(b"\x89PNG")
    assert names.folder.name == "KQ0146"
    assert names.folder.parent.name.startswith("HV_output_")


def test_a_check_that_still_runs_has_no_file_with_a_voltage(site: Site) -> None:
    _, names = _measure(site)
    _keep_up(site)
    assert not names.voltage.exists()
    assert names.plot.exists()


def test_a_dead_point_takes_the_file_away_and_a_flag_brings_it_back(site: Site) -> None:
    plan, names = _measure(site, dead=4)
    _end(site)
    names.voltage.write_text("1799.9")
    _keep_up(site)
    assert not names.voltage.exists()
    last = names.points.read_text().splitlines()[-1]
    assert last.startswith("1900,,,10000000.0,gain_peak,dft,dft: mean_1 ended at the end of")
    with site.store.writing(NOW + timedelta(minutes=1)) as writer:
        writer.add_decision(
            SCAN, plan.points[4], 1, DecisionKind.FLAGGED, reason="HV", comment="", operator="me"
        )
    _keep_up(site)
    assert float(names.voltage.read_text()) == pytest.approx(1785.0, abs=3.0)
    assert len(names.points.read_text().splitlines()) == 5


def test_nothing_is_written_again_while_nothing_changes(site: Site) -> None:
    _, names = _measure(site)
    _end(site)
    _keep_up(site)
    before = {path: path.stat().st_mtime_ns for path in names.folder.glob("KQ0146_*")}
    _keep_up(site)
    assert {path: path.stat().st_mtime_ns for path in names.folder.glob("KQ0146_*")} == before


def test_another_target_gain_moves_voltage_and_picture(site: Site) -> None:
    _measure(site)
    _end(site)
    _keep_up(site)
    health = site.config.health.model_copy(update={"target_gain": 9e6})
    site = replace(site, config=site.config.model_copy(update={"health": health}))
    scan = queries.scan(site.store, SCAN)
    assert scan is not None
    names = hv_file_names(site, scan)
    before = names.plot.read_bytes()
    _keep_up(site)
    texts = [path.name for path in names.folder.glob("*.txt")]
    assert texts == ["KQ0146_HV_at_gain_9.00e+06.txt"]
    expected_v = 1785.0 * 0.9 ** (1 / 6.9)
    assert float(names.voltage.read_text()) == pytest.approx(expected_v, abs=3.0)
    assert names.plot.read_bytes() != before
