"""Old result trees come into the store as they are, often, and with nothing added."""

import itertools
import os
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from background_executor import queries
from background_executor.config import SiteConfig
from background_executor.decisions import decision_queries
from background_executor.decisions.decision_records import DecisionKind
from background_executor.errors import CommandError, StoreError
from background_executor.imported import OLD_OPERATOR, ImportedPlan, Provenance
from background_executor.judging.health import HealthSettings
from background_executor.old_data.importing import ImportReport, import_tree
from background_executor.old_data.names import read_gain
from background_executor.records import PointRecord, ScanRecord, ScanState, Verdict
from background_executor.states import is_settled
from background_executor.store import Store
from background_executor.writing.imports import OldScanState
from server_side.publish import verify_folder
from server_side.result import Missing, Quantity
from server_side.scan import ScanKind, Slot
from tests.background_executor.old_data.trees import fingerprint, put, put_hv, put_point
from tests.seed_store import make_plan, plain_png

NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)


def run(store: Store, config: SiteConfig, folder: Path, days: int = 0) -> ImportReport:
    return import_tree(store, config, folder, "night shift", NOW + timedelta(days=days))


def scan_in(store: Store, container: str, serial: str, kind: str = "position") -> ScanRecord:
    (found,) = [
        scan
        for scan in queries.scans(store, "demo")
        if (scan.serial_number, scan.kind) == (serial, kind)
        and getattr(scan.plan, "container", None) == container
    ]
    return found


def points_of(store: Store, scan: ScanRecord) -> dict[str, PointRecord]:
    return {point.point.name: point for point in queries.points(store, scan.scan_id)}


def everything(store: Store) -> list[object]:
    """Return all that pages can see of scans, points and takes."""
    scans = queries.scans(store, "demo")
    points = [queries.points(store, scan.scan_id) for scan in scans]
    results = [
        queries.imported_results_of_point(store, scan.scan_id, point.point)
        for scan, of_scan in zip(scans, points, strict=True)
        for point in of_scan
    ]
    return [scans, points, results]


def test_every_layout_becomes_scans_of_its_own(
    store: Store, config: SiteConfig, tree: Path
) -> None:
    report = run(store, config, tree)
    assert (report.unread, report.new_takes, report.known_takes) == ((), 12, 0)
    found = {
        (scan.plan.container, scan.serial_number, scan.kind.value, scan.points_stored)
        for scan in queries.scans(store, "demo")
        if scan.provenance is Provenance.IMPORTED
    }
    assert found == {
        ("", "KQ0146", "position", 1),
        ("", "KQ0151", "position", 1),
        ("20260220", "KQ0146", "position", 2),
        ("HV_output_20260216_140000", "KQ0146", "hv", 3),
        ("testHV_output_20260218", "KQ0151", "hv", 1),
        ("scan_output_20260301_100000", "KQ0146", "position", 2),
        ("scan_output_20260302_100000", "KQ0151", "position", 1),
    }
    assert report.scans == len(found)
    assert all(scan.slot is None for scan in queries.scans(store, "demo"))


def test_names_that_are_not_utf_8_are_told_in_other_words(
    store: Store, config: SiteConfig, tmp_path: Path
) -> None:
    tree = tmp_path / os.fsdecode(b"f\xfcr uns") / "scan_output_20250101"
    put_point(tree, "KQ0146", "theta0_phi0", "20250101_101010")
    (tree / os.fsdecode(b"caf\xe9.txt")).touch()
    put_point(tree / "FLAG", "KQ0151", "theta0_phi0", "20250101_101010")
    report = run(store, config, tree)
    assert report.new_takes == 2
    summary, unread = report.lines()
    assert r"f\xfcr uns" in summary
    assert r"caf\xe9.txt" in unread


def test_several_dates_of_a_point_become_takes_in_their_order(
    store: Store, config: SiteConfig, tree: Path
) -> None:
    run(store, config, tree)
    scan = scan_in(store, "", "KQ0146")
    (point,) = queries.points(store, scan.scan_id)
    takes = queries.imported_results_of_point(store, scan.scan_id, point.point)
    assert [(t.result.take.take, t.result.stamp) for t in takes] == [
        (2, "20260223_093919"),
        (1, "20260127_173532"),
    ]
    assert (point.takes, point.take) == (2, 2)
    assert point.measured_at == datetime(2026, 2, 23, 0, 39, 19, tzinfo=UTC)
    assert scan.started_at == datetime(2026, 1, 27, 8, 35, 32, tzinfo=UTC)


def test_a_gain_is_shown_as_it_was_written_and_judged_by_nobody(
    store: Store, config: SiteConfig, tree: Path
) -> None:
    run(store, config, tree)
    points = points_of(store, scan_in(store, "20260220", "KQ0146"))
    gain = points["theta0_phi0"].gain
    assert gain is not None
    assert (gain.gain, gain.gain_err, gain.chi2, gain.ndf) == (1.033e7, None, None, None)
    assert (gain.method, gain.model) == ("gain_peak", "two_gaussian")
    for point in points.values():
        assert point.verdict is not None
        assert (point.verdict.verdict, point.verdict.checks) == (Verdict.IMPORTED, ())
        assert is_settled(point)
        assert queries.results_of_point(store, point.scan_id, point.point) == ()
    no_fit = points["theta10_phi90"]
    assert no_fit.gain is None
    assert no_fit.gain_missing == "the old system wrote 0: it had no fit"


def test_an_hv_check_has_its_errors_and_no_voltage_of_ours(
    store: Store, config: SiteConfig, tree: Path
) -> None:
    run(store, config, tree)
    scan = scan_in(store, "HV_output_20260216_140000", "KQ0146", "hv")
    assert list(points_of(store, scan)) == ["HV_1900", "HV_1950", "HV_2000"]
    gain = points_of(store, scan)["HV_1950"].gain
    assert gain is not None
    assert (gain.gain, gain.gain_err) == (8.5e6, 2e5)
    assert "it wrote 2002.3 V for gain 1e+07, which was not checked" in scan.message
    curve = queries.hv_curve(store, scan.scan_id, HealthSettings())
    assert curve is not None
    assert len(curve.points) == 3
    assert (curve.curve.valid, curve.curve.hv_at_target_v) == (False, None)
    assert "imported" in curve.curve.message


def test_flagged_and_archived_stay_what_they_were(
    store: Store, config: SiteConfig, tree: Path
) -> None:
    run(store, config, tree)
    scan = scan_in(store, "scan_output_20260301_100000", "KQ0146")
    decision = points_of(store, scan)["theta30_phi180"].decision
    assert decision is not None
    assert (decision.decision, decision.operator) == (DecisionKind.FLAGGED, OLD_OPERATOR)
    assert points_of(store, scan)["theta0_phi0"].decision is None
    assert scan.state is ScanState.COMPLETE
    archived = scan_in(store, "scan_output_20260302_100000", "KQ0151")
    assert archived.state is ScanState.ARCHIVED


def test_the_plot_is_kept_beside_the_other_results_with_a_manifest(
    store: Store, config: SiteConfig, tree: Path
) -> None:
    run(store, config, tree)
    scan = scan_in(store, "20260220", "KQ0146")
    point = points_of(store, scan)["theta0_phi0"]
    assert point.result_id is not None
    record = queries.imported_result(store, point.result_id)
    assert record is not None
    assert record.result.charge_plot == "live_data_20260220_144107_KQ0146_theta0_phi0_charge.png"
    source = Path(record.result.source_folder, record.result.charge_plot)
    assert (record.folder / record.result.charge_plot).read_bytes() == source.read_bytes()
    assert record.folder.is_relative_to(store.results_folder)
    assert len(verify_folder(record.folder).files) == 3


def test_a_tree_is_left_as_it_is_byte_for_byte(
    store: Store, config: SiteConfig, tree: Path
) -> None:
    before = fingerprint(tree)
    run(store, config, tree)
    run(store, config, tree, days=1)
    assert fingerprint(tree) == before


def test_importing_again_changes_nothing(store: Store, config: SiteConfig, tree: Path) -> None:
    run(store, config, tree)
    before, copies = everything(store), fingerprint(store.results_folder)
    for folder in (tree, tree / "synced_data", tree / "server" / "FLAG"):
        assert run(store, config, folder, days=1).new_takes == 0
    assert everything(store) == before
    assert fingerprint(store.results_folder) == copies


def test_the_same_tree_elsewhere_is_the_same_data(
    store: Store, config: SiteConfig, tree: Path, tmp_path: Path
) -> None:
    run(store, config, tree)
    before = everything(store)
    tree.rename(tmp_path / "moved")
    assert run(store, config, tmp_path / "moved", days=1).known_takes == 12
    assert everything(store) == before


def test_a_date_that_is_found_later_is_the_next_take_and_other_files_the_next_revision(
    store: Store, config: SiteConfig, tree: Path
) -> None:
    run(store, config, tree)
    folder = tree / "synced_data"
    put_point(folder, "KQ0146", "theta10_phi90", "20251224_120000", "9.7e+06")
    put_point(folder, "KQ0146", "theta10_phi90", "20260223_093919", "1.02e+07")
    put_point(folder, "KQ0146", "theta50_phi0", "20260223_094500")
    assert run(store, config, tree, days=1).new_takes == 3
    scan = scan_in(store, "", "KQ0146")
    points = points_of(store, scan)
    assert list(points) == ["theta10_phi90", "theta50_phi0"]
    takes = queries.imported_results_of_point(store, scan.scan_id, scan.plan.points[0])
    assert [(t.result.take.name, t.result.stamp) for t in takes] == [
        ("theta10_phi90_take2_rev2", "20260223_093919"),
        ("theta10_phi90_take2", "20260223_093919"),
        ("theta10_phi90", "20260127_173532"),
        ("theta10_phi90_take3", "20251224_120000"),
    ]


def test_dates_stand_in_their_order_whichever_was_imported_first(
    store: Store, config: SiteConfig, tmp_path: Path
) -> None:
    dates = {
        "20260105_101010": "1.05e+07",
        "20260101_101010": "0.95e+07",
        "20260103_101010": "1e+07",
    }
    for days, (stamp, gain) in enumerate(dates.items()):
        put_point(tmp_path / "scan_output_20260101", "KQ0146", "theta0_phi0", stamp, gain)
        run(store, config, tmp_path, days)
    scan = scan_in(store, "scan_output_20260101", "KQ0146")
    (point,) = queries.points(store, scan.scan_id)
    assert point.gain is not None
    assert (point.gain.gain, point.takes) == (1.05e7, 3)
    listed = queries.imported_results_of_point(store, scan.scan_id, point.point)
    assert [record.result.stamp for record in listed] == sorted(dates, reverse=True)
    takes = decision_queries.takes_of_point(store, scan.scan_id, point.point)
    assert [take.gain and take.gain.gain for take in takes] == [1.05e7, 1e7, 0.95e7]
    before = everything(store)
    run(store, config, tmp_path, 9)
    assert everything(store) == before


@pytest.mark.parametrize("is_archive_first", [True, False])
def test_what_lies_in_the_archive_and_outside_does_not_change_from_import_to_import(
    store: Store, config: SiteConfig, tmp_path: Path, is_archive_first: bool
) -> None:
    name = "scan_output_20260301_100000"
    here, archived = tmp_path / name, tmp_path / "archive" / name
    for folder in (here, archived):
        put_point(folder, "KQ0146", "theta0_phi0", "20260301_100500")
    places = (archived, here) if is_archive_first else (here, archived)
    run(store, config, places[0])
    run(store, config, places[1], days=1)
    before = everything(store)
    assert scan_in(store, name, "KQ0146").state is ScanState.COMPLETE
    for days, folder in enumerate((archived, here, tmp_path, archived), start=2):
        run(store, config, folder, days)
        assert everything(store) == before
    shutil.rmtree(here)
    run(store, config, archived, days=9)
    assert scan_in(store, name, "KQ0146").state is ScanState.ARCHIVED


def put_three_layouts(root: Path, *, flagged: bool = False) -> None:
    """Write one scan of two points as the old system left it in three places."""
    synced = root / "synced_data"
    server = root / "FLAG" if flagged else root
    for place in (server / "scan_output_20260301_100000", synced / "20260301", synced):
        put_point(place, "KQ0146", "theta0_phi0", "20260301_100500")
        put_point(place, "KQ0146", "theta10_phi0", "20260301_101000", "0.000e+00")


def test_the_same_data_in_three_layouts_is_one_scan_and_that_is_said(
    store: Store, config: SiteConfig, tmp_path: Path
) -> None:
    put_three_layouts(tmp_path / "old")
    report = run(store, config, tmp_path / "old")
    (scan,) = queries.scans(store, "demo")
    assert isinstance(scan.plan, ImportedPlan)
    assert (scan.plan.container, scan.points_stored) == ("scan_output_20260301_100000", 2)
    assert (report.scans, report.new_takes, len(report.copies)) == (1, 2, 4)
    summary, *said = report.lines()
    assert summary.endswith("0 files or folders not read, 4 takes lie there in another layout, too")
    assert len(said) == 4
    assert all(f"the same files as theta0_phi0 of scan {scan.scan_id}" in s for s in said[::2])
    before = everything(store)
    again = run(store, config, tmp_path / "old", days=1)
    assert (again.new_takes, again.known_takes, len(again.copies)) == (0, 2, 4)
    assert everything(store) == before


def test_a_copy_that_was_known_first_stays_the_one_that_was_taken(
    store: Store, config: SiteConfig, tmp_path: Path
) -> None:
    put_three_layouts(tmp_path)
    run(store, config, tmp_path / "synced_data")
    before = everything(store)
    report = run(store, config, tmp_path, days=1)
    assert (report.new_takes, len(report.copies)) == (0, 4)
    assert everything(store) == before
    assert len(queries.scans(store, "demo")) == 1


def test_a_copy_among_the_flagged_flags_the_take_that_was_taken(
    store: Store, config: SiteConfig, tmp_path: Path
) -> None:
    put_three_layouts(tmp_path, flagged=True)
    run(store, config, tmp_path / "synced_data")
    (scan,) = queries.scans(store, "demo")
    assert all(point.decision is None for point in points_of(store, scan).values())
    run(store, config, tmp_path, days=1)
    for point in points_of(store, scan).values():
        assert point.decision is not None
        assert point.decision.decision is DecisionKind.FLAGGED


def test_a_voltage_beside_a_copy_of_an_hv_check_is_listed_with_the_reason(
    store: Store, config: SiteConfig, tmp_path: Path
) -> None:
    for name in ("HV_output_20260216_140000", "testHV_output_20260216"):
        put_hv(tmp_path / "old" / name, "KQ0146", 1950, "20260216_140200", "0.850e+07\n0.020e+07")
    copy = tmp_path / "old" / "testHV_output_20260216" / "KQ0146"
    voltage = copy / "KQ0146_HV_at_gain_1.00e+07.txt"
    voltage.write_text("2002.3")
    report = run(store, config, tmp_path / "old")
    assert (report.new_takes, len(report.copies)) == (1, 1)
    ((path, reason),) = [(each.path, each.reason) for each in report.unread]
    assert path == voltage
    assert "tells of a copy: its takes are those of scan" in reason


def test_the_same_date_with_other_files_or_of_another_pmt_is_no_copy(
    store: Store, config: SiteConfig, tmp_path: Path
) -> None:
    stamp, point = "20260301_100500", "theta0_phi0"
    put_point(tmp_path / "scan_output_20260301", "KQ0146", point, stamp)
    put_point(tmp_path / "synced_data", "KQ0146", point, stamp, "0.98e+07")
    put_point(tmp_path / "synced_data", "KQ0151", point, stamp)
    report = run(store, config, tmp_path)
    assert (report.scans, report.new_takes, report.copies) == (3, 3, ())


def test_what_cannot_be_read_is_listed_with_the_reason(
    store: Store, config: SiteConfig, tmp_path: Path
) -> None:
    point = tmp_path / "old" / "KQ0146" / "data_theta0_phi0"
    put(point, "live_data_20260220_144107_KQ0146_theta0_phi0", "many")
    put(point, "live_data_20260220_144108_KQ0146_theta0_phi0", "1.0e+07\n" * 3, plot=False)
    put(point, "live_data_20261320_144107_KQ0146_theta0_phi0")
    put(point, "live_data_20260220_144109_KQ0146_theta10_phi0")
    (point / "live_data_20260220_144110_KQ0146_theta0_phi0_charge.png").write_text("<html>")
    (point / "notes.md").write_text("warm up longer")
    (point / "live_data_20260220_144111_KQ0146_theta0_phi0_GAIN.txt").write_text("1" * 5000)
    put(tmp_path / "old" / "KQ0146" / "data_theta10", "live_data_20260220_144111_KQ0146_theta10")
    put(tmp_path / "old" / "data_HV_1900", "hv_1900_check_20260216_140100", plot=False)
    report = run(store, config, tmp_path / "old")
    assert report.new_takes == 2
    reasons = {entry.path.name: entry.reason for entry in report.unread}
    stem = "live_data_20260220_1441"
    assert "holds no gain: 'many' is no number" in reasons[f"{stem}07_KQ0146_theta0_phi0_GAIN.txt"]
    assert "expected a gain" in reasons[f"{stem}08_KQ0146_theta0_phi0_GAIN.txt"]
    assert "is no date" in reasons["live_data_20261320_144107_KQ0146_theta0_phi0_charge.png"]
    assert "in a folder data_theta0" in reasons[f"{stem}09_KQ0146_theta10_phi0_charge.png"]
    assert "no PNG" in reasons[f"{stem}10_KQ0146_theta0_phi0_charge.png"]
    assert "more than 4096" in reasons[f"{stem}11_KQ0146_theta0_phi0_GAIN.txt"]
    assert "none that the old system gave" in reasons["notes.md"]
    assert "no scan point" in reasons["data_theta10"]
    assert "serial number" in reasons["hv_1900_check_20260216_140100_GAIN.txt"]
    assert len(report.lines(2)) == 4


def test_what_tells_of_a_scan_without_takes_is_listed_and_so_is_an_empty_folder(
    store: Store, config: SiteConfig, tmp_path: Path
) -> None:
    check = tmp_path / "old" / "HV_output_20260220_144123" / "KQ0146"
    (check / "data_HV_1900").mkdir(parents=True)
    (check / "KQ0146_HV_at_gain_1.00e+07.txt").write_text("1890.5")
    (check / "KQ0146_gain_vs_hv_loglog.png").write_bytes(plain_png())
    report = run(store, config, tmp_path / "old")
    assert report.lines()[0].endswith(
        " 0 takes imported, 0 known already, 3 files or folders not read"
    )
    reasons = {entry.path.name: entry.reason for entry in report.unread}
    assert reasons == {
        "data_HV_1900": "is empty",
        "KQ0146_HV_at_gain_1.00e+07.txt": "tells of a scan of which no take was read",
        "KQ0146_gain_vs_hv_loglog.png": "tells of a scan of which no take was read",
    }
    put_hv(check.parent, "KQ0146", 1900, "20260220_144123", "0.850e+07")
    assert run(store, config, tmp_path / "old", days=1).unread == ()


def test_a_voltage_that_comes_after_its_takes_is_not_dropped(
    store: Store, config: SiteConfig, tmp_path: Path
) -> None:
    container = tmp_path / "old" / "HV_output_20260220_144123"
    put_hv(container, "KQ0146", 1900, "20260220_144123", "0.850e+07")
    run(store, config, tmp_path / "old")
    shutil.rmtree(container / "KQ0146" / "data_HV_1900")
    (container / "KQ0146" / "KQ0146_HV_at_gain_1.00e+07.txt").write_text("1890.5")
    assert run(store, config, tmp_path / "old", days=1).unread == ()
    (scan,) = queries.scans(store, "demo")
    assert "it wrote 1890.5 V for gain 1e+07" in scan.message
    assert scan.state is ScanState.COMPLETE


PIECES = ("", "archive", "scan_output_20260220_144123")


@pytest.mark.parametrize("pieces", list(itertools.permutations(PIECES)))
def test_a_scan_of_which_a_part_is_archived_is_the_same_in_whichever_order_it_came(
    store: Store, config: SiteConfig, tmp_path: Path, pieces: Sequence[str]
) -> None:
    stamp, container = "20260220_144123", "scan_output_20260220_144123"
    put_point(tmp_path / container, "KQ0146", "theta0_phi0", stamp)
    put_point(tmp_path / "archive" / container, "KQ0146", "theta10_phi0", stamp)
    put_point(tmp_path / "archive" / container, "KQ0151", "theta10_phi0", stamp)
    are_all_archived = True
    for days, piece in enumerate((*pieces, *pieces)):
        run(store, config, tmp_path / piece, days)
        are_all_archived &= piece == "archive"
        state = ScanState.ARCHIVED if are_all_archived else ScanState.COMPLETE
        assert scan_in(store, container, "KQ0146").state is state
    assert scan_in(store, container, "KQ0151").state is ScanState.ARCHIVED


def test_a_scan_that_was_archived_since_is_archived_once_all_of_it_is_seen_there(
    store: Store, config: SiteConfig, tmp_path: Path
) -> None:
    stamp, container = "20260220_144123", "scan_output_20260220_144123"
    for point in ("theta0_phi0", "theta10_phi0"):
        put_point(tmp_path / container, "KQ0146", point, stamp)
    run(store, config, tmp_path)
    (tmp_path / "archive").mkdir()
    (tmp_path / container).rename(tmp_path / "archive" / container)
    part = tmp_path / "archive" / container / "KQ0146" / "data_theta0_phi0"
    run(store, config, part, 1)
    assert scan_in(store, container, "KQ0146").state is ScanState.COMPLETE
    run(store, config, tmp_path, 2)
    assert scan_in(store, container, "KQ0146").state is ScanState.ARCHIVED


def test_links_special_files_and_closed_folders_are_left_alone(
    store: Store, config: SiteConfig, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    put_point(secret, "KQ0146", "theta0_phi0", "20260220_144107")
    tree = tmp_path / "old"
    point = tree / "KQ0146" / "data_theta0_phi0"
    point.mkdir(parents=True)
    (tree / "all").symlink_to(secret)
    (tree / "loop").symlink_to(tree)
    name = "live_data_20260220_144107_KQ0146_theta0_phi0_GAIN.txt"
    (point / name).symlink_to(secret / "KQ0146" / "data_theta0_phi0" / name)
    os.mkfifo(point / "live_data_20260220_144108_KQ0146_theta0_phi0_GAIN.txt")
    deep = tree.joinpath(*["d"] * 20)
    put_point(deep, "KQ0146", "theta0_phi0", "20260220_144109")
    report = run(store, config, tree)
    assert report.new_takes == 0
    reasons = " ".join(entry.reason for entry in report.unread)
    assert reasons.count("is a link") == 3
    assert "no regular file" in reasons
    assert "deeper than 12" in reasons
    assert queries.scans(store, "demo") == ()


@pytest.mark.parametrize(
    "name",
    [
        "live_data_20260220_144107_$(touch x)_theta0_phi0_GAIN.txt",
        "live_data_20260220_144107_<b>_theta0_phi0_GAIN.txt",
        "live_data_20260220_144107_\u202eKQ_theta0_phi0_GAIN.txt",
        "live_data_20260220_144107_" + "K" * 40 + "_theta0_phi0_GAIN.txt",
        "live_data_20260220_144107_KQ0146_theta0_phi0_GAIN.txt\n",
        "live_data_\u0662\u0660260220_144107_KQ0146_theta0_phi0_GAIN.txt",
    ],
)
def test_a_hostile_name_is_listed_and_nothing_else(
    store: Store, config: SiteConfig, tmp_path: Path, name: str
) -> None:
    point = tmp_path / "old" / "data_theta0_phi0"
    point.mkdir(parents=True)
    (point / name).write_text("1.0e+07")
    report = run(store, config, tmp_path / "old")
    assert (report.new_takes, len(report.unread)) == (0, 1)
    assert [path.name for path in (tmp_path / "old").rglob("*")] == ["data_theta0_phi0", name]


@pytest.mark.parametrize("text", ["1_0", "-1", "nan", "inf", "1e999", "", "0x10", "\u0661"])
def test_a_number_that_is_none_is_not_guessed(text: str) -> None:
    with pytest.raises(ValueError, match=r"no number|expected a gain"):
        read_gain(text)


def test_an_error_is_known_only_when_it_was_written() -> None:
    assert isinstance(read_gain("0.000e+00\n0.000e+00"), Missing)
    for text, error in (("1.0e+07\n", None), ("1.0e+07\r\n2e5", 2e5), ("1e7 0.0", None)):
        gain = read_gain(text)
        assert isinstance(gain, Quantity)
        assert (gain.value, gain.error) == (1e7, error)


def test_a_copy_that_a_killed_import_left_is_used(
    store: Store, config: SiteConfig, tree: Path, tmp_path: Path
) -> None:
    run(store, config, tree)
    copies = fingerprint(store.results_folder)
    fresh = Store.open(f"sqlite:///{tmp_path / 'fresh.sqlite'}", store.results_folder)
    report = run(fresh, config, tree)
    fresh.close()
    assert (report.new_takes, report.unread) == (12, ())
    assert fingerprint(store.results_folder) == copies


def test_what_is_no_folder_is_refused(store: Store, config: SiteConfig, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no tree")
    for wrong in ("nowhere", "file", "nul\0"):
        with pytest.raises(CommandError, match="nothing to import"):
            run(store, config, tmp_path / wrong)


def test_an_import_is_on_record_with_who_did_it(
    store: Store, config: SiteConfig, tree: Path
) -> None:
    run(store, config, tree)
    events = queries.events(store, "demo", limit=None)
    mine = {event.act for event in events if event.actor == "night shift"}
    assert mine == {"scan imported", "take imported", "tree imported"}
    assert sum(event.act == "take imported" for event in events) == 12


def test_an_imported_scan_is_not_the_current_one_and_has_nothing_on_the_server(
    store: Store, config: SiteConfig, tree: Path
) -> None:
    run(store, config, tree)
    for kind in ScanKind:
        assert queries.current_scan(store, "demo", kind, serial_number="KQ0146") is None
    assert queries.running_scans(store, "demo") == ()


def test_nothing_is_imported_into_a_scan_that_was_measured(
    store: Store, config: SiteConfig, tree: Path
) -> None:
    run(store, config, tree)
    imported = queries.scans(store, "demo")[0].plan
    assert isinstance(imported, ImportedPlan)
    measured = make_plan(config, "0123456789ab", "KQ0146", Slot.ONE, NOW)
    same_id = imported.model_copy(update={"scan_id": measured.scan_id})
    with store.writing(NOW) as writer:
        writer.add_scan(measured, "night shift")
    old = OldScanState(same_id, ScanState.COMPLETE, NOW, NOW, "")
    with pytest.raises(StoreError, match="was measured"), store.writing(NOW) as writer:
        writer.set_imported_scan(old, "night shift")
