"""What the pages show, made from records."""

from dataclasses import replace
from datetime import timedelta

import pytest

from background_executor import queries
from background_executor.decisions.decision_records import DecisionKind, DecisionRecord
from background_executor.judging.health import HealthSettings
from background_executor.records import (
    CommandRecord,
    CommandState,
    ExecutorRecord,
    ExecutorState,
    LinkState,
    PointState,
)
from background_executor.silence import SILENT_AFTER, Silence
from background_executor.store import Store
from dashboard.theme import EXECUTOR_LOOKS, NEVER_STARTED, SILENT, Face
from dashboard.views import wording
from dashboard.views.curve import show_curve
from dashboard.views.detail import read_point
from dashboard.views.live import newest_scan, read_head, read_slot
from dashboard.views.slots import serial_number_fault
from dashboard.views.status import recent_commands, show_status
from dashboard.views.tiles import LATE_AFTER, Moment, count_faces, make_tile
from server_side.scan import ScanKind, Slot, VoltagePoint
from tests.dashboard.conftest import NOW, make_point
from tests.seed_store import COMPLETE_SCAN, HV_SCAN, POOR_HV_SCAN, RUNNING_SCAN, Seeded

EXECUTOR = ExecutorRecord(
    site="demo",
    state=ExecutorState.RUNNING,
    pid=4242,
    host="daq-pc",
    version="0.1.0",
    message="",
    link=LinkState.CONNECTED,
    link_message="",
    started_at=NOW - timedelta(hours=1),
    beat_at=NOW,
    synced_at=NOW,
)
GONE = Silence(SILENT_AFTER, is_locked=False)


@pytest.mark.parametrize(
    ("value", "error", "unit", "text"),
    [
        (1.0246, 0.00164, "", "1.0246 ± 0.0016"),
        (1800.4, 1.25, "V", "1800.4 ± 1.2 V"),
        (0.07112, None, "", "0.07112"),
        (12.0, 0.0, "pC", "12 pC"),
        (3.2e6, 1.4e4, "", "3.2e+06 ± 1.4e+04"),
    ],
)
def test_a_number_is_rounded_to_two_digits_of_its_error(
    value: float, error: float | None, unit: str, text: str
) -> None:
    assert wording.with_error(value, error, unit) == text


def test_a_gain_is_written_with_error_and_power_of_ten() -> None:
    assert wording.gain_with_error(1.0246e7, 1.64e4) == f"(1.0246 ± 0.0016) {wording.TIMES} 10⁷"
    assert wording.gain_number(0.9894e7) == "0.989"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59, "59 s"), (260, "4 min 20 s"), (7260, "2 h 1 min"), (90_000, "1 d 1 h")],
)
def test_a_span_is_written_with_its_two_largest_units(seconds: float, text: str) -> None:
    assert wording.duration(seconds) == text


def test_times_are_written_in_the_sites_zone() -> None:
    assert wording.local_time(NOW, "Asia/Tokyo") == "2026-02-20 12:00:00 JST"
    assert wording.local_time(None, "Asia/Tokyo") == wording.NO_NUMBER


def test_a_tile_says_all_of_its_point_in_one_sentence() -> None:
    decision = DecisionRecord(DecisionKind.FLAGGED, "", "", "night shift", NOW)
    tile = make_tile(make_point(decision=decision, takes=2, take=2), NOW)
    assert tile.face is Face.FLAGGED
    assert tile.number == "1.025"
    assert tile.label == (
        f"θ 10°, φ 90°: flagged, gain (1.0246 ± 0.0016) {wording.TIMES} 10⁷, "
        "gain_peak of two_gaussian, every required check passed, "
        "flagged by night shift, take 2 of 2"
    )
    assert tile.told_of == Moment("measured", NOW - timedelta(minutes=1))


@pytest.mark.parametrize("state", list(PointState))
def test_a_point_that_stands_still_becomes_late_and_no_settled_one_does(state: PointState) -> None:
    point = make_point(state, None)
    limit = LATE_AFTER.get(state)
    if limit is None:
        assert make_tile(point, NOW + timedelta(days=9)).face is not Face.LATE
    else:
        assert make_tile(point, NOW + limit).face is not Face.LATE
        assert make_tile(point, NOW + limit + timedelta(seconds=1)).face is Face.LATE


def test_faces_are_counted_in_the_order_of_the_table() -> None:
    tiles = [make_tile(make_point(PointState.EXPECTED, None), NOW)] * 3
    tiles.append(make_tile(make_point(), NOW))
    counted = [(entry.face, entry.tiles) for entry in count_faces(tuple(tiles))]
    assert counted == [(Face.HEALTHY, 1), (Face.WAITING, 3)]


@pytest.mark.parametrize("state", list(ExecutorState))
def test_an_executor_without_heartbeat_is_silent_unless_it_said_goodbye(
    state: ExecutorState,
) -> None:
    late = NOW + SILENT_AFTER + timedelta(seconds=1)
    status = show_status(replace(EXECUTOR, state=state), GONE, late)
    assert not status.is_running
    assert status.link is None
    assert (status.executor is SILENT) == (state is not ExecutorState.STOPPED)


def test_a_silent_executor_that_is_there_is_to_be_looked_at_and_not_to_be_started() -> None:
    waits = Silence(timedelta(seconds=75), is_locked=True)
    in_time = show_status(EXECUTOR, waits, NOW + timedelta(seconds=75))
    assert (in_time.executor, in_time.is_running) == (EXECUTOR_LOOKS[EXECUTOR.state], True)
    late = show_status(EXECUTOR, waits, NOW + timedelta(seconds=76))
    assert (late.executor, late.is_running) == (SILENT, True)
    assert "may be waiting for the server" in late.message
    gone = show_status(EXECUTOR, GONE, NOW + timedelta(seconds=76))
    assert "start it" in gone.message
    assert "start it" not in late.message


def test_a_running_executor_shows_its_link() -> None:
    lost = replace(EXECUTOR, link=LinkState.DISCONNECTED, link_message="no answer for 60 s")
    assert show_status(EXECUTOR, GONE, NOW).link_message == ""
    assert show_status(lost, GONE, NOW).link_message == "no answer for 60 s"
    assert show_status(lost, GONE, NOW).is_running


def test_old_answers_leave_the_page_and_waiting_commands_stay() -> None:
    old = NOW - timedelta(hours=1)
    answered = CommandRecord(1, "demo", "sync-now", '{"kind":"sync-now"}', "night shift",
                             CommandState.DONE, "ok", old, old)  # fmt: skip
    waiting = replace(answered, command_id=2, state=CommandState.WAITING, answered_at=None)
    shown = recent_commands((waiting, answered), NOW)
    assert [command.command_id for command in shown] == [2]
    assert shown[0].is_open


@pytest.mark.parametrize("text", ["KQ0146", "a", "A-1_b"])
def test_a_serial_number_has_no_fault(text: str) -> None:
    assert serial_number_fault(text) == ""


@pytest.mark.parametrize("text", ["", "-a", "KQ 1", "<script>", "a" * 33, "ä", "KQ0146\n"])
def test_anything_else_is_told_what_a_serial_number_is(text: str) -> None:
    assert "expected a letter or digit" in serial_number_fault(text)


def test_a_place_shows_its_newest_scan_and_the_newest_point(store: Store, seeded: Seeded) -> None:
    newest = newest_scan(store, seeded.config, Slot.ONE)
    assert newest is not None
    assert newest.scan_id == RUNNING_SCAN
    view = read_slot(store, seeded.config, Slot.ONE, kind=newest.kind, picked=None, now=seeded.now)
    assert view.scan is not None
    assert view.panel is not None
    assert view.scan.scan_id == RUNNING_SCAN
    assert len(view.scan.tiles) == 21
    assert view.chosen is not None
    assert view.panel.name == view.chosen.point.name == view.scan.newest
    assert view.panel.spectrum is not None
    assert len(view.panel.spectrum.pulls) == len(view.panel.spectrum.counts)
    assert view.scan.work is not None
    assert view.scan.work.preliminary.startswith("preliminary gain")


def test_a_picked_point_stays_and_an_unknown_one_is_not_believed(
    store: Store, seeded: Seeded
) -> None:
    def read(picked: str) -> str:
        view = read_slot(
            store, seeded.config, Slot.ONE, kind=ScanKind.POSITION, picked=picked, now=seeded.now
        )
        assert view.panel is not None
        return view.panel.name

    assert read("theta0_phi0") == "theta0_phi0"
    assert read("../../etc/passwd").startswith("theta")


def test_a_point_in_hand_shows_its_spectrum_as_preliminary(store: Store, seeded: Seeded) -> None:
    scan = queries.scan(store, RUNNING_SCAN)
    assert scan is not None
    growing = scan.plan.points[14].name
    view = read_slot(
        store, seeded.config, Slot.ONE, kind=ScanKind.POSITION, picked=growing, now=seeded.now
    )
    assert view.panel is not None
    assert view.panel.spectrum is not None
    assert view.panel.is_preliminary
    assert view.panel.spectrum.is_preliminary
    assert not view.panel.spectrum.is_fit_valid
    assert view.panel.gain is None


def test_a_place_without_scan_shows_nothing(empty_site, tmp_path) -> None:  # type: ignore[no-untyped-def]
    from contextlib import closing

    from background_executor.config import load_config

    config = load_config(empty_site.config_path)
    with closing(config.open_store()) as store:
        view = read_slot(store, config, Slot.ONE, kind=ScanKind.POSITION, picked=None, now=NOW)
        head = read_head(store, config, NOW)
    assert view.scan is None
    assert view.panel is None
    assert head.status.executor is NEVER_STARTED
    assert head.status.link is None
    assert not head.status.is_running
    assert head.commands == ()


def test_an_hv_check_answers_with_a_voltage_and_its_error(store: Store) -> None:
    record = queries.hv_curve(store, HV_SCAN, HealthSettings())
    assert record is not None
    view = show_curve(record)
    assert view.hv_v == pytest.approx(1785, abs=10)
    assert " ± " in view.headline
    assert view.headline.endswith("V for gain 1e7 (gain_peak of dft)")
    assert view.message.startswith("1700 V lies 3.9 errors below the curve")
    assert all(place.gain_err > 0 for place in view.band)


def test_an_hv_check_without_an_answer_says_why(store: Store) -> None:
    record = queries.hv_curve(store, POOR_HV_SCAN, HealthSettings())
    assert record is not None
    view = show_curve(record)
    assert view.hv_v is None
    assert view.headline == "No voltage for gain 1e7 (gain_peak of dft)"
    assert "1700 V" in view.message


def test_what_is_doubtful_stands_beside_the_voltage(store: Store) -> None:
    record = queries.hv_curve(store, HV_SCAN, HealthSettings())
    assert record is not None
    doubt = "1850 V is poor: number of selected charges 900"
    doubtful = replace(record, curve=replace(record.curve, message=doubt))
    view = show_curve(doubtful)
    assert view.hv_v is not None
    assert view.message == doubt


@pytest.mark.parametrize(
    ("target", "written"),
    [(1e7, "1e7"), (1.25e7, "1.25e7"), (1.5e7, "1.5e7"), (9.5e6, "9.5e6"), (1e10, "1e10")],
)
def test_the_target_gain_is_written_as_it_was_set(
    store: Store, target: float, written: str
) -> None:
    record = queries.hv_curve(store, HV_SCAN, HealthSettings(target_gain=target))
    assert record is not None
    assert f"for gain {written} (" in show_curve(record).headline


def test_a_point_shows_checks_takes_and_where_it_came_from(store: Store, seeded: Seeded) -> None:
    scan = queries.scan(store, RUNNING_SCAN)
    assert scan is not None
    name = scan.plan.points[12].name
    view = read_point(store, seeded.config, scan, name=name, result_id=None, now=seeded.now).point
    assert [take.label for take in view.takes][:1] == ["take 2, revision 1"]
    assert view.takes[0].is_shown
    assert all(check.text for check in view.checks)
    origin = dict(view.origin)
    assert origin["raw folder"].startswith("/raw/wavedump_output_")
    assert origin["settings"].startswith("sha256 ")
    assert view.plot is not None
    assert view.plot.is_file()


def test_an_older_result_is_shown_under_its_own_verdict(store: Store, seeded: Seeded) -> None:
    scan = queries.scan(store, RUNNING_SCAN)
    assert scan is not None
    point = scan.plan.points[12]
    older = queries.results_of_point(store, RUNNING_SCAN, point)[-1]
    view = read_point(
        store,
        seeded.config,
        scan,
        name=point.name,
        result_id=str(older.result_id),
        now=seeded.now,
    ).point
    assert view.panel.title.endswith("take 1, revision 1 of 2 results")
    assert [take.is_shown for take in view.takes] == [False, True]


@pytest.mark.parametrize("scan_id", [RUNNING_SCAN, COMPLETE_SCAN, HV_SCAN, POOR_HV_SCAN])
def test_every_point_of_every_scan_can_be_shown(store: Store, seeded: Seeded, scan_id: str) -> None:
    scan = queries.scan(store, scan_id)
    assert scan is not None
    for point in scan.plan.points:
        view = read_point(
            store, seeded.config, scan, name=point.name, result_id="x", now=seeded.now
        )
        assert view.point.panel.name == point.name


def test_a_voltage_is_called_by_its_volts() -> None:
    assert wording.point_label(VoltagePoint(voltage_v=1950)) == "1950 V"
