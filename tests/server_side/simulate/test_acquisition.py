"""Files as the DAQ writes them: names, content, pace, end."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from server_side.scan import ScanKind, VoltagePoint
from server_side.settings import DaqSettings
from server_side.simulate import (
    BenchSettings,
    Fault,
    FaultAt,
    SimulatedPmt,
    read_truth,
    simulate_acquisition,
)
from server_side.wavedump import open_reader
from tests.server_side.simulate.conftest import NOW, Simulate

DAQ = DaqSettings()


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_two_pmts_have_folders_of_their_own_in_one_acquisition(
    two_pmts: BenchSettings, simulate: Simulate
) -> None:
    done = simulate(two_pmts)
    assert done.folder.name == "wavedump_output_20260220_144123"
    assert done.finished_points == 2
    names = {name for name in files_of(done.folder) if "theta10" in name}
    assert names == {
        "KQ0001/wavesave_theta10_phi90/DONE",
        "KQ0001/wavesave_theta10_phi90/wave0save_theta10_phi90.txt",
        "KQ0001/wavesave_theta10_phi90/wave1save_theta10_phi90.txt",
        "KQ0001/wavesave_theta10_phi90/wave2save_theta10_phi90.txt",
        "KQ0002/wavesave_theta10_phi90/DONE",
        "KQ0002/wavesave_theta10_phi90/wave0save_theta10_phi90.txt",
        "KQ0002/wavesave_theta10_phi90/wave1save_theta10_phi90.txt",
        "KQ0002/wavesave_theta10_phi90/wave3save_theta10_phi90.txt",
    }


def test_an_hv_check_has_a_folder_a_voltage_of_each_pmt(
    two_pmts: BenchSettings, simulate: Simulate
) -> None:
    first, second = two_pmts.pmts
    bench = two_pmts.model_copy(
        update={
            "kind": ScanKind.HV,
            "pmts": (first, second.model_copy(update={"nominal_v": 1750})),
            "hv_steps_v": (-50, 0),
            "triggers": 10,
        }
    )
    names = set(files_of(simulate(bench).folder))
    assert {name for name in names if name.endswith(("wave2.txt", "wave3.txt"))} == {
        "KQ0001/HV_1750/wave2.txt",
        "KQ0001/HV_1800/wave2.txt",
        "KQ0002/HV_1700/wave3.txt",
        "KQ0002/HV_1750/wave3.txt",
    }


def test_the_text_is_wavedumps_ascii_with_header(
    one_pmt: BenchSettings, simulate: Simulate
) -> None:
    folder = simulate(one_pmt).folder / "KQ0001" / "wavesave_theta0_phi0"
    lines = (folder / "wave2save_theta0_phi0.txt").read_text().splitlines()
    assert lines[:7] == [
        "Record Length: 260",
        "BoardID: 31",
        "Channel: 2",
        "Event Number: 0",
        "Pattern: 0x0000",
        "Trigger Time Stamp: 62500",
        "DC offset (DAC): 0xBFFF",
    ]
    assert len(lines) == 1000 * 267
    assert all(0 <= int(line) < 16384 for line in lines[7:267])


def test_what_is_written_depends_on_the_seed_alone(one_pmt: BenchSettings, tmp_path: Path) -> None:
    def files(bench: BenchSettings, name: str) -> dict[str, bytes]:
        return files_of(simulate_acquisition(bench, tmp_path / name, now=NOW).folder)

    bench = one_pmt.model_copy(update={"points": one_pmt.points[:1]})
    fast = files(bench, "fast")
    paced = files(bench.model_copy(update={"seconds_per_point": 0.6}), "paced")
    other = files(bench.model_copy(update={"seed": 2}), "other")
    assert fast == paced
    assert fast.keys() == other.keys()
    assert all(fast[name] != other[name] for name in fast if name.endswith(".txt"))


def test_events_need_not_begin_at_zero_and_time_tags_wrap(
    one_pmt: BenchSettings, simulate: Simulate
) -> None:
    bench = one_pmt.model_copy(update={"first_event": 17, "trigger_rate_hz": 50.0})
    path = simulate(bench).folder / "KQ0001/wavesave_theta0_phi0/wave0save_theta0_phi0.txt"
    block = next(open_reader(path, DAQ).blocks())
    assert block.event_number[:2].tolist() == [17, 18]
    assert block.time_tag.max() < 2**31
    assert (np.diff(block.time_tag) < 0).any()


def test_a_live_daq_grows_its_files_and_ends_them_anywhere(
    one_pmt: BenchSettings, tmp_path: Path
) -> None:
    bench = one_pmt.model_copy(
        update={"triggers": 3000, "seconds_per_point": 2.0, "points": one_pmt.points[:1]}
    )
    folder = tmp_path / "wavedump_output_20260220_144123" / "KQ0001" / "wavesave_theta0_phi0"
    seen: list[tuple[int, int]] = []
    with ThreadPoolExecutor(1) as threads:
        run = threads.submit(simulate_acquisition, bench, tmp_path, now=NOW)
        while not run.done():
            sizes = [path.stat().st_size for path in sorted(folder.glob("wave[02]*"))]
            if len(sizes) == 2:
                seen.append((sizes[0], sizes[1]))
            time.sleep(0.05)
        run.result()
    growing = sorted(set(seen))
    assert len(growing) > 3
    final = open_reader(folder / "wave2save_theta0_phi0.txt", DAQ)
    assert sum(len(block.event_number) for block in final.all_blocks()) == 3000


def test_a_stopped_acquisition_ends_soon_and_says_so(
    one_pmt: BenchSettings, tmp_path: Path
) -> None:
    stop = threading.Event()
    bench = one_pmt.model_copy(update={"seconds_per_point": 600.0})
    threading.Timer(0.4, stop.set).start()
    began = time.monotonic()
    done = simulate_acquisition(bench, tmp_path, now=NOW, stop=stop)
    assert time.monotonic() - began < 20
    assert done.was_stopped
    assert done.finished_points == 0
    assert "KQ0001/wavesave_theta0_phi0/DONE" not in files_of(done.folder)


def test_two_acquisitions_of_one_second_do_not_mix(
    one_pmt: BenchSettings, simulate: Simulate
) -> None:
    simulate(one_pmt)
    with pytest.raises(FileExistsError):
        simulate(one_pmt)


def test_the_truth_lies_outside_the_acquisition(
    two_pmts: BenchSettings, simulate: Simulate
) -> None:
    low = FaultAt(fault=Fault.LOW_GAIN, slot=2, point="theta10_phi90")
    bench = two_pmts.model_copy(update={"faults": (low,)})
    done = simulate(bench)
    assert done.truth_file.parent == done.folder.parent
    truth = read_truth(done.truth_file)
    assert truth.bench == bench
    assert [point.faults for point in truth.points] == [(), (), (), (Fault.LOW_GAIN,)]
    centre = truth.points[0]
    assert centre.gain_peak == 1e7
    assert centre.spe_peak_pc == pytest.approx(1.602, abs=1e-3)
    assert 0.88 < centre.gain_mean / centre.gain_peak < 1.0
    assert truth.points[3].gain_peak == pytest.approx(0.8 * truth.points[2].gain_peak)


def test_gain_follows_a_power_of_the_voltage(one_pmt: BenchSettings, simulate: Simulate) -> None:
    pmt = SimulatedPmt(serial_number="KQ0001", slot=1, hv_for_target_v=1850, gain_index=6.5)
    bench = one_pmt.model_copy(update={"kind": ScanKind.HV, "pmts": (pmt,), "triggers": 1})
    truth = read_truth(simulate(bench).truth_file)
    for point in truth.points:
        assert isinstance(point.point, VoltagePoint)
        expected = 1e7 * (point.point.voltage_v / 1850) ** 6.5
        assert point.gain_peak == pytest.approx(expected)
    assert truth.pmts[0].hv_for_target_v == 1850


def test_a_shared_fault_strikes_both_pmts(two_pmts: BenchSettings) -> None:
    drift = FaultAt(fault=Fault.LASER_DRIFT, slot=1, point="theta0_phi0")
    noise = FaultAt(fault=Fault.NOISY_BASELINE, slot=2)
    bench = two_pmts.model_copy(update={"faults": (drift, noise)})
    first, second = bench.pmts
    assert bench.faults_of(first, 0) == (Fault.LASER_DRIFT,)
    assert bench.faults_of(first, 1) == ()
    assert bench.faults_of(second, 0) == (Fault.LASER_DRIFT, Fault.NOISY_BASELINE)


def test_a_fault_where_no_point_is_names_the_points(one_pmt: BenchSettings) -> None:
    content = json.loads(one_pmt.model_dump_json())
    content["faults"] = [{"fault": "no_light", "slot": 1, "point": "theta90_phi0"}]
    with pytest.raises(ValueError, match="there are theta0_phi0, theta10_phi90"):
        BenchSettings.model_validate(content)


def test_the_settings_survive_as_json(two_pmts: BenchSettings) -> None:
    assert BenchSettings.model_validate_json(two_pmts.model_dump_json()) == two_pmts
