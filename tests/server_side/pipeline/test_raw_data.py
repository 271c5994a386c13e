"""Which folders belong to a scan, and which files of them are read."""

import os
import pwd
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from server_side.acquisitions import list_acquisitions
from server_side.candidates import RawView
from server_side.chosen_files import choose_files
from server_side.errors import RawDataError
from server_side.raw_data import (
    find_raw_points,
    older_acquisitions,
    question_about,
)
from server_side.raw_names import RawNames, stamp_moment
from server_side.readiness import Moment
from server_side.scan import (
    ExistingAcquisition,
    NewAcquisitions,
    PositionPoint,
    ScanKind,
    Slot,
    VoltagePoint,
)
from server_side.settings import DaqSettings, MeasurementSettings

START = datetime(2026, 2, 20, 5, 41, 23, tzinfo=UTC)
BEFORE = "wavedump_output_20260220_144122"
AT_START = "wavedump_output_20260220_144123"
LATER = "wavedump_output_20260220_150000"
MUCH_LATER = "wavedump_output_20260220_160000"


@pytest.fixture
def chosen_of(tmp_path, make_plan, make_raw):
    """Return what is chosen of a point's folder with files of these names."""

    def choose(names, slot=Slot.ONE):
        make_raw(LATER, names=names)
        plan = make_plan(slot=slot)
        (found,) = find_raw_points(tmp_path / "raw", plan)
        return choose_files(found, plan)

    return choose


def acquisitions(raw, plan):
    return [found.acquisition for found in find_raw_points(raw, plan)]


def test_data_of_an_acquisition_that_began_before_the_scan_are_not_taken(
    tmp_path, make_plan, make_raw
):
    make_raw(BEFORE)
    make_raw(AT_START)
    assert acquisitions(tmp_path / "raw", make_plan()) == [AT_START]


def test_older_acquisitions_of_the_same_points_are_named(tmp_path, make_plan, make_raw, caplog):
    make_raw(BEFORE)
    make_raw(AT_START)
    (tmp_path / "raw" / "wavedump_output_20260101_000000" / "KQ0999").mkdir(parents=True)
    plan = make_plan()
    assert older_acquisitions(tmp_path / "raw", plan) == (BEFORE,)
    picked = make_plan(raw=ExistingAcquisition(folder=BEFORE))
    assert older_acquisitions(tmp_path / "raw", picked) == ()
    view = RawView(tmp_path / "raw", plan)
    with caplog.at_level("INFO"):
        for _ in range(2):
            view.look(Moment(START, 0.0))
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith(f"Left out, because they began before the scan was started: {BEFORE}.")


def test_an_acquisition_of_the_very_second_of_the_start_is_taken(tmp_path, make_plan, make_raw):
    make_raw(AT_START)
    plan = make_plan(raw=NewAcquisitions(began_after=START + timedelta(milliseconds=700)))
    assert acquisitions(tmp_path / "raw", plan) == [AT_START]


def test_a_file_written_after_the_start_does_not_make_an_old_acquisition_new(
    tmp_path, make_plan, make_raw
):
    make_raw(BEFORE, written_at=START + timedelta(hours=1))
    assert acquisitions(tmp_path / "raw", make_plan()) == []


def test_a_copy_of_old_data_is_as_old_as_its_name_says(tmp_path, make_plan, make_raw):
    make_raw(f"{BEFORE}_copy")
    assert acquisitions(tmp_path / "raw", make_plan()) == []


def test_a_copy_of_data_of_the_scan_is_a_question(tmp_path, make_plan, make_raw):
    make_raw(LATER)
    make_raw(f"{LATER}_copy")
    found = find_raw_points(tmp_path / "raw", make_plan())
    assert len(found) == 2
    assert all(question_about(candidate, found) for candidate in found)


def test_without_a_stamp_the_time_of_the_folder_decides(tmp_path, make_plan, make_raw):
    settings = MeasurementSettings(daq=DaqSettings(acquisition_pattern="run_{stamp}"))
    for name, moment in (("run_old", START - timedelta(1)), ("run_new", START + timedelta(1))):
        make_raw(name)
        os.utime(tmp_path / "raw" / name, (moment.timestamp(), moment.timestamp()))
    plan = make_plan(settings=settings)
    found = find_raw_points(tmp_path / "raw", plan)
    assert [(p.acquisition, p.is_stamped, p.stamp) for p in found] == [
        ("run_new", False, plan.stamp)
    ]


def test_the_picked_acquisition_is_taken_whenever_it_began_and_no_other(
    tmp_path, make_plan, make_raw
):
    make_raw(BEFORE)
    make_raw(LATER)
    plan = make_plan(raw=ExistingAcquisition(folder=BEFORE))
    assert acquisitions(tmp_path / "raw", plan) == [BEFORE]


def test_a_picked_acquisition_that_is_gone_is_said(tmp_path, make_plan):
    (tmp_path / "raw").mkdir()
    with pytest.raises(RawDataError, match=rf"picked acquisition .*{BEFORE} is not there"):
        find_raw_points(tmp_path / "raw", make_plan(raw=ExistingAcquisition(folder=BEFORE)))


def test_folders_of_another_serial_number_or_point_are_left_alone(tmp_path, make_plan, make_raw):
    make_raw(LATER, serial_number="KQ0147")
    make_raw(LATER, "wavesave_theta20_phi0")
    make_raw(LATER, "wavesave_theta10_phi90_old")
    make_raw(LATER, "HV_1950", ("wave2.txt",))
    assert acquisitions(tmp_path / "raw", make_plan()) == []


def test_the_points_of_an_hv_check_are_found_in_their_folders(tmp_path, make_plan, make_raw):
    make_raw(LATER, "HV_1950", ("wave0.txt", "wave2.txt"))
    make_raw(LATER, "wavesave_theta10_phi90")
    plan = make_plan(kind=ScanKind.HV, points=(VoltagePoint(voltage_v=1950),))
    assert [p.folder.name for p in find_raw_points(tmp_path / "raw", plan)] == ["HV_1950"]


def test_two_pmts_in_one_acquisition_each_find_their_own_folder(tmp_path, make_plan, make_raw):
    first = make_raw(LATER, names=("wave0save_{p}.txt", "wave2save_{p}.txt"))
    second = make_raw(
        LATER, names=("wave0save_{p}.txt", "wave3save_{p}.txt"), serial_number="KQ0200"
    )
    for serial, slot, folder, channel in (
        ("KQ0146", Slot.ONE, first, 2),
        ("KQ0200", Slot.TWO, second, 3),
    ):
        plan = make_plan(serial_number=serial, slot=slot)
        (found,) = find_raw_points(tmp_path / "raw", plan)
        assert found.folder == folder
        assert choose_files(found, plan).pmt.channel == channel


@pytest.mark.parametrize(
    ("present", "slot", "channel", "note"),
    [
        ((2, 3), Slot.ONE, 2, ""),
        ((2, 3), Slot.TWO, 3, ""),
        ((3,), Slot.ONE, 3, "channel 3 was read: channel 2 of slot 1 has no file"),
        ((2,), Slot.TWO, 2, "channel 2 was read: channel 3 of slot 2 has no file"),
    ],
)
def test_the_slot_decides_the_channel_and_a_lone_other_one_is_taken_and_said(
    chosen_of, present, slot, channel, note
):
    chosen = chosen_of(tuple(f"wave{c}.txt" for c in (0, *present)), slot)
    assert (chosen.pmt.channel, chosen.note) == (channel, note)
    assert [file.channel for file in chosen.all] == [0, channel]


@pytest.mark.parametrize("pattern", ["wave{c}save_{p}.txt", "wave{c}_{p}.txt", "wave{c}.txt"])
def test_names_with_and_without_save_are_read_and_channel_four_may_be_absent(
    tmp_path, make_plan, make_raw, pattern
):
    make_raw(LATER, names=tuple(pattern.replace("{c}", str(c)) for c in (0, 1, 2)))
    plan = make_plan()
    (found,) = find_raw_points(tmp_path / "raw", plan)
    chosen = choose_files(found, plan)
    assert [file.channel for file in chosen.all] == [0, 1, 2]
    assert chosen.trigger.channel == 0


def test_without_a_file_of_the_trigger_there_is_nothing_to_read(tmp_path, make_plan, make_raw):
    make_raw(LATER, names=("wave2.txt",))
    plan = make_plan()
    (found,) = find_raw_points(tmp_path / "raw", plan)
    with pytest.raises(RawDataError, match="no file of the trigger in"):
        choose_files(found, plan)


def test_channel_ten_is_not_taken_for_channel_one(tmp_path, make_plan, make_raw):
    make_raw(LATER, names=("wave0.txt", "wave2.txt", "wave10.txt", "wave1x.txt"))
    plan = make_plan()
    (found,) = find_raw_points(tmp_path / "raw", plan)
    assert [file.channel for file in choose_files(found, plan).all] == [0, 2]


def test_a_file_that_names_another_point_is_not_read(tmp_path, make_plan, make_raw):
    make_raw(LATER, names=("wave0.txt", "wave2save_theta20_phi0.txt"))
    plan = make_plan()
    (found,) = find_raw_points(tmp_path / "raw", plan)
    with pytest.raises(RawDataError, match="no file of the PMT's channel 2 in"):
        choose_files(found, plan)


def test_two_files_of_one_channel_are_a_question_not_a_choice(tmp_path, make_plan, make_raw):
    make_raw(LATER, names=("wave0.txt", "wave2.txt", "wave2save_{p}.txt"))
    plan = make_plan()
    (found,) = find_raw_points(tmp_path / "raw", plan)
    with pytest.raises(RawDataError, match=r"channel 2 has 2 files .* Leave the one that is meant"):
        choose_files(found, plan)


def test_a_retake_in_a_later_acquisition_follows_the_take_that_was_complete(
    tmp_path, make_plan, make_raw
):
    make_raw(MUCH_LATER)
    make_raw(LATER, written_at=datetime(2026, 2, 20, 6, 5, tzinfo=UTC))
    found = find_raw_points(tmp_path / "raw", make_plan())
    assert [p.acquisition for p in found] == [LATER, MUCH_LATER]
    assert [question_about(p, found) for p in found] == [None, None]


def test_two_candidates_of_which_none_was_complete_before_the_other_are_a_question(
    tmp_path, make_plan, make_raw
):
    make_raw(LATER, written_at=datetime(2026, 2, 20, 7, 30, tzinfo=UTC))
    make_raw(MUCH_LATER, written_at=datetime(2026, 2, 20, 7, 31, tzinfo=UTC))
    found = find_raw_points(tmp_path / "raw", make_plan())
    for candidate in found:
        question = question_about(candidate, found)
        assert question is not None
        assert LATER in question
        assert MUCH_LATER in question
        assert "process existing data" in question


def test_candidates_without_stamps_cannot_be_ordered(tmp_path, make_plan, make_raw):
    settings = MeasurementSettings(daq=DaqSettings(acquisition_pattern="run_{stamp}"))
    make_raw("run_a")
    make_raw("run_b")
    plan = make_plan(settings=settings)
    found = find_raw_points(tmp_path / "raw", plan)
    assert all(question_about(candidate, found) for candidate in found)


def test_a_folder_that_cannot_be_looked_into_is_a_problem_of_its_point_alone(
    tmp_path, make_plan, make_raw, monkeypatch
):
    make_raw(LATER)
    blocked = make_raw(LATER, "wavesave_theta20_phi0")
    real = os.scandir

    def refuse(path):
        if Path(path) == blocked:
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", refuse)
    points = (PositionPoint(theta_deg=10, phi_deg=90), PositionPoint(theta_deg=20, phi_deg=0))
    found = find_raw_points(tmp_path / "raw", make_plan(points=points))
    problems = {p.folder.name: p.problem for p in found}
    assert problems["wavesave_theta10_phi90"] == ""
    assert "Permission denied" in problems["wavesave_theta20_phi0"]


@pytest.fixture(params=[LATER, f"{LATER}/KQ0146"])
def two_acquisitions(request, tmp_path, make_raw):
    """Act as an account that may not look into the first of two acquisitions, or its serial."""
    make_raw(LATER)
    make_raw(MUCH_LATER)
    # What Python loads late may lie where that account cannot read it.
    list_acquisitions(tmp_path / "raw", DaqSettings(), "Asia/Tokyo")
    hidden = tmp_path / "raw" / request.param
    hidden.chmod(0)
    is_root = os.geteuid() == 0
    if is_root:
        for folder in (tmp_path, *tmp_path.parents[:3]):
            folder.chmod(folder.stat().st_mode | 0o055)
        os.seteuid(pwd.getpwnam("nobody").pw_uid)
    yield tmp_path / "raw"
    if is_root:
        os.seteuid(0)
    hidden.chmod(0o755)


def test_an_acquisition_without_permission_keeps_nobody_from_the_others(
    two_acquisitions, make_plan, caplog
):
    raw = two_acquisitions
    with caplog.at_level("WARNING"):
        view = RawView(raw, make_plan())
        for _ in range(2):
            found = view.look(Moment(START, 0.0))
        listed = list_acquisitions(raw, DaqSettings(), "Asia/Tokyo")
        picked = make_plan(raw=ExistingAcquisition(folder=LATER))
        with pytest.raises(RawDataError, match="Permission denied"):
            find_raw_points(raw, picked)
    assert [candidate.raw_point.acquisition for candidate in found] == [MUCH_LATER]
    assert [entry.folder for entry in listed] == [MUCH_LATER]
    passed_over, left_out = [record.getMessage() for record in caplog.records]
    assert passed_over.startswith("Passed over, it may belong to somebody else: cannot ")
    assert left_out.startswith("Left out of the list: cannot ")
    for said in (passed_over, left_out):
        assert LATER in said
        assert said.endswith("Permission denied")


def test_the_repeated_hour_of_summer_time_is_read_by_what_is_known_of_the_folder():
    stamp, zone = "20260405_023000", "Australia/Melbourne"
    summer = datetime(2026, 4, 4, 15, 30, tzinfo=UTC)
    winter = datetime(2026, 4, 4, 16, 30, tzinfo=UTC)
    assert stamp_moment(stamp, zone, summer + timedelta(minutes=5)) == summer
    assert stamp_moment(stamp, zone, winter + timedelta(minutes=5)) == winter


@pytest.mark.parametrize(
    ("name", "stamp"),
    [
        ("wavedump_output_20260220_144123", "20260220_144123"),
        ("wavedump_output_20261320_144123", None),
        ("wavedump_output_test", None),
        ("wavedump_output_00010101_000000", None),
        ("wavedump_output_99991231_235959", None),
        ("wavedump_output_20260220_144123_copy", "20260220_144123"),
        ("wavedump_output_test_20260220_144123", "20260220_144123"),
        ("wavedump_output_20260220_1441234", None),
        ("other_20260220_144123", None),
    ],
)
def test_only_a_stamp_that_is_a_time_is_one(name, stamp):
    assert RawNames(DaqSettings()).stamp_of(name) == stamp


def test_the_list_of_acquisitions_has_one_line_for_each_serial_number_and_kind(tmp_path, make_raw):
    make_raw(LATER)
    make_raw(LATER, "wavesave_theta20_phi0")
    make_raw(LATER, "HV_1950", ("wave2.txt",))
    make_raw(BEFORE, serial_number="KQ0200")
    (tmp_path / "raw" / "something_else").mkdir()
    found = list_acquisitions(tmp_path / "raw", DaqSettings(), "Asia/Tokyo")
    assert {(e.folder, e.serial_number, e.kind, e.point_names, e.points) for e in found} == {
        (LATER, "KQ0146", ScanKind.POSITION, ("theta10_phi90", "theta20_phi0"), 2),
        (LATER, "KQ0146", ScanKind.HV, ("HV_1950",), 1),
        (BEFORE, "KQ0200", ScanKind.POSITION, ("theta10_phi90",), 1),
    }
    assert next(e.began_at for e in found if e.folder == BEFORE) == START - timedelta(seconds=1)
