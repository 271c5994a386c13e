"""What a job does with the raw folders of a scan, step by step."""

import os
from pathlib import Path

import pytest
import uproot

from server_side.interrupt import EndRequested
from server_side.journal import DataSeen, EndReason, Idle
from server_side.result import ValidFit
from server_side.scan import (
    ExistingAcquisition,
    ScanKind,
    Slot,
    Take,
    VoltagePoint,
)
from tests.server_side.pipeline.bench import write_point
from tests.server_side.pipeline.watched import POINTS, ago

CENTRE, RIGHT, LEFT = POINTS
CENTRE_TAKE = Take(point=CENTRE)
NAMES = ["theta0_phi0", "theta10_phi90", "theta20_phi180"]


def test_points_in_any_order_are_each_published_once_with_all_that_belongs_to_them(bench):
    scan = bench()
    for seed, point in enumerate((LEFT, CENTRE, RIGHT), 1):
        scan.put(point, seed=seed)
    job = scan.job()
    job.run()
    assert job.watch.is_done
    assert sorted(scan.published()) == NAMES
    assert scan.folders() == NAMES
    result = scan.result("theta10_phi90")
    fit = result.fits[0]
    assert isinstance(fit, ValidFit)
    assert abs(fit.gain_peak / 1.03e7 - 1.0) < 0.1
    assert result.triggers == 1500
    provenance = result.provenance
    assert provenance.job == job.order.job
    assert provenance.settings_sha256 == scan.plan.settings.digest()
    assert provenance.acquisition.stamp == "20260220_150000"
    assert [file.channel for file in provenance.inputs] == [0, 2]
    folder = Path(scan.layout.results_folder, "data_theta10_phi90")
    stem = "live_data_20260220_150000_KQ0146_theta10_phi90"
    assert (folder / f"{stem}_GAIN.txt").read_text() == f"{fit.gain_peak:.3e}\n"
    assert (folder / f"{stem}_charge.png").read_bytes().startswith(b"\x89PNG")
    assert (folder / "waveforms.json").is_file()


def test_the_root_file_stands_where_the_result_says_when_the_folder_is_published(bench):
    scan = bench(points=(CENTRE,))
    scan.put(CENTRE)
    scan.job().run()
    path = scan.result("theta0_phi0").provenance.root_file
    assert path == str(scan.layout.root_file("20260220_150000", CENTRE_TAKE))
    with uproot.open(path) as file:
        assert file["Tree_CH2"].num_entries == file["Tree_CH0"].num_entries == 1500
    assert [p.name for p in Path(path).parent.iterdir()] == [Path(path).name]


def test_another_scan_of_the_same_acquisition_does_not_overwrite_the_root_file(bench, tmp_path):
    scan = bench(points=(CENTRE,))
    scan.put(CENTRE)
    first = Path(scan.layout.root_file("20260220_150000", CENTRE_TAKE))
    first.parent.mkdir(parents=True)
    first.write_bytes(b"of another scan")
    scan.job().run()
    assert first.read_bytes() == b"of another scan"
    own = Path(scan.result("theta0_phi0").provenance.root_file)
    assert own.name == "scan_20260220_150000_KQ0146_theta0_phi0_0123456789ab.root"
    assert own.is_file()


def test_a_failing_point_is_told_of_and_does_not_stop_the_others(bench):
    scan = bench()
    scan.put(CENTRE)
    broken = scan.put(RIGHT)
    (broken / "wave2.txt").write_bytes(b"this is no waveform at all\n" * 400)
    scan.put(LEFT)
    job = scan.job()
    job.run()
    assert job.watch.is_done
    assert scan.folders() == [NAMES[0], NAMES[2]]
    failed = scan.failed()
    assert [(f.point.name, f.attempt, f.final) for f in failed] == [
        (NAMES[1], 1, False),
        (NAMES[1], 2, True),
    ]
    assert "wave2.txt" in failed[0].error


def test_a_point_that_failed_is_tried_anew_when_its_files_have_changed(bench):
    scan = bench(points=(CENTRE, RIGHT))
    folder = scan.put(CENTRE)
    good = (folder / "wave2.txt").read_bytes()
    (folder / "wave2.txt").write_bytes(b"")
    job = scan.job()
    job.run(steps=6)
    assert [f.final for f in scan.failed()] == [False, True]
    (folder / "wave2.txt").write_bytes(good)
    job.run(steps=4)
    assert scan.folders() == [NAMES[0]]
    assert len(scan.failed()) == 2


def test_a_point_is_not_taken_while_it_grows(bench):
    scan = bench(points=(CENTRE,))
    folder = scan.put(CENTRE)
    job = scan.job()
    for number in range(3):
        job.step(after_s=15.0)
        write_point(folder, 20, first_event=1500 + 20 * number, mode="a")
    job.step(after_s=15.0)
    assert scan.folders() == []
    assert [line.take for line in scan.lines() if isinstance(line, DataSeen)] == [1]
    live = scan.live(job)
    assert (live.stage, live.point, live.events) == ("acquiring", CENTRE, 1560)
    assert live.spectrum is not None
    assert live.gain_peak is not None
    job.step(after_s=21.0)
    assert scan.folders() == [NAMES[0]]
    because = scan.result(NAMES[0]).provenance.acquisition.complete_because
    assert because == "no file has changed for 20 s"


def test_a_done_marker_makes_a_point_ready_at_once(bench):
    scan = bench(points=(CENTRE,))
    (scan.put(CENTRE) / "DONE").touch()
    scan.job().step()
    assert scan.result(NAMES[0]).provenance.acquisition.complete_because == "marker DONE is there"


def test_a_marker_older_than_the_data_is_left_over_and_says_nothing(bench):
    scan = bench(points=(CENTRE,))
    marker = scan.put(CENTRE) / "DONE"
    marker.touch()
    os.utime(marker, (marker.stat().st_mtime - 60,) * 2)
    scan.job().step()
    assert scan.folders() == []


def test_the_next_points_folder_makes_a_point_ready(bench):
    scan = bench(points=(CENTRE, RIGHT))
    first = scan.put(CENTRE)
    scan.age(first, ago(seconds=5))
    job = scan.job()
    job.step()
    job.step(after_s=1.0)
    assert scan.folders() == []
    scan.put(RIGHT)
    job.step(after_s=1.0)
    assert scan.folders() == [NAMES[0]]
    because = scan.result(NAMES[0]).provenance.acquisition.complete_because
    assert because == "the next point's folder wavesave_theta10_phi90 was begun"


def test_the_expected_number_of_events_in_every_channel_makes_a_point_ready(bench):
    scan = bench(points=(CENTRE,), watch={"expected_events": 1500})
    folder = scan.put(CENTRE)
    trigger = (folder / "wave0.txt").read_bytes()
    (folder / "wave0.txt").write_bytes(trigger[: len(trigger) // 2])
    job = scan.job()
    job.step()
    job.step(after_s=1.0)
    assert scan.folders() == []
    (folder / "wave0.txt").write_bytes(trigger)
    for _ in range(3):
        job.step(after_s=1.0)
    assert scan.folders() == [NAMES[0]]
    because = scan.result(NAMES[0]).provenance.acquisition.complete_because
    assert because == "every channel has the expected 1500 events"


def test_waiting_is_said_once_until_something_comes(bench):
    scan = bench(points=(CENTRE, RIGHT))
    job = scan.job()
    for _ in range(3):
        job.step(after_s=5.0)
    scan.put(CENTRE)
    job.run(steps=4)
    idle = [line.waiting_for for line in scan.lines() if isinstance(line, Idle)]
    assert idle == [2, 1]
    assert scan.live(job).stage == "waiting"


def test_a_request_to_end_leaves_no_half_point(bench):
    scan = bench(points=(CENTRE,))
    scan.put(CENTRE)
    calls = 0

    def check_end() -> None:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise EndRequested(EndReason.STOPPED, "asked")

    job = scan.job(check_end)
    with pytest.raises(EndRequested):
        job.run()
    assert scan.failed() == []
    assert scan.folders() == []
    assert not list(Path(scan.base).rglob("*.root"))


def test_an_existing_acquisition_is_done_at_once(bench):
    old = "wavedump_output_20250101_000000"
    scan = bench(points=(CENTRE, RIGHT), raw=ExistingAcquisition(folder=old))
    for seed, point in enumerate((CENTRE, RIGHT), 1):
        scan.age(scan.put(point, acquisition=old, seed=seed), ago(days=1))
    empty = scan.raw / old / "KQ0146" / "wavesave_theta50_phi0"
    empty.mkdir()
    job = scan.job()
    job.step()
    job.step()
    job.step()
    assert job.watch.is_done
    assert scan.folders() == NAMES[:2]


def test_an_existing_folder_without_files_fails_its_point(bench):
    old = "wavedump_output_20250101_000000"
    scan = bench(points=(CENTRE,), raw=ExistingAcquisition(folder=old))
    folder = scan.raw / old / "KQ0146" / "wavesave_theta0_phi0"
    folder.mkdir(parents=True)
    os.utime(folder, (ago(days=1).timestamp(),) * 2)
    job = scan.job()
    job.run()
    assert job.watch.is_done
    assert "no raw file" in scan.failed()[-1].error


def test_in_an_hv_check_the_gain_file_has_a_second_line_with_the_error(bench):
    point = VoltagePoint(voltage_v=1950)
    scan = bench(kind=ScanKind.HV, points=(point,))
    scan.put(point)
    scan.job().run()
    result = scan.result("HV_1950")
    fit = result.fits[0]
    assert isinstance(fit, ValidFit)
    folder = Path(scan.layout.results_folder, "data_HV_1950")
    assert result.gain_file == "hv_check_20260220_150000_KQ0146_HV_1950_GAIN.txt"
    assert (folder / result.gain_file).read_text() == (
        f"{fit.gain_peak:.3e}\n{fit.gain_peak_err:.3e}\n"
    )


def test_without_a_valid_fit_there_is_a_result_but_no_gain_file(bench):
    scan = bench(points=(CENTRE,))
    scan.put(CENTRE, events=150)
    scan.job().run()
    result = scan.result(NAMES[0])
    assert not isinstance(result.fits[0], ValidFit)
    assert result.fits[0].message
    assert result.gain_file is None
    names = [p.name for p in Path(scan.layout.results_folder, "data_theta0_phi0").iterdir()]
    assert not [name for name in names if "GAIN" in name]


def test_the_other_slots_channel_is_read_and_said_once_the_data_are_complete(bench):
    scan = bench(points=(CENTRE,))
    scan.put(CENTRE, channels=(0, 3))
    job = scan.job()
    job.step()
    job.step(after_s=1.0)
    assert not [line for line in scan.lines() if isinstance(line, DataSeen)]
    job.run()
    acquisition = scan.result(NAMES[0]).provenance.acquisition
    assert acquisition.pmt_channel == 3
    assert "channel 3 was read: channel 2 of slot 1 has no file" in acquisition.channel_note


def test_two_pmts_of_one_acquisition_are_two_scans(bench, tmp_path):
    scan = bench(points=(CENTRE,), slot=Slot.TWO)
    scan.put(CENTRE, channels=(0, 2, 3))
    scan.job().run()
    result = scan.result(NAMES[0])
    assert result.provenance.acquisition.pmt_channel == 3
    assert [file.channel for file in result.provenance.inputs] == [0, 3]


def test_a_raw_base_that_cannot_be_seen_is_looked_at_again(bench):
    scan = bench(points=(CENTRE,))
    scan.put(CENTRE)
    scan.raw.rename(scan.raw.with_name("away"))
    job = scan.job()
    assert not job.step().has_news
    scan.raw.with_name("away").rename(scan.raw)
    job.run()
    assert scan.folders() == [NAMES[0]]
