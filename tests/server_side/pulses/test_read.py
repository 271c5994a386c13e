"""Files of a simulated point, read as the pipeline reads them."""

import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from server_side.errors import NotWaveDumpError, RawDataError
from server_side.pulses import (
    ArrivalWindow,
    FixedWindows,
    NoArrivalWindow,
    NoFixedWindows,
    PulseReading,
    read_pulses,
)
from server_side.root_file import read_root_file, write_root_file
from server_side.scan import PositionPoint, ScanKind, Slot
from server_side.settings import AnalysisSettings, DaqSettings, Window
from server_side.simulate import BenchSettings, LightSettings, SimulatedPmt, simulate_acquisition

DAQ = DaqSettings()
EVENTS = 6000


def simulated_paths(base: Path, occupancy: float) -> dict[int, Path]:
    bench = BenchSettings(
        pmts=(SimulatedPmt(serial_number="KQ0001", slot=Slot.ONE),),
        points=(PositionPoint(theta_deg=0, phi_deg=0),),
        triggers=EVENTS,
        light=LightSettings(occupancy=occupancy),
        has_reference=True,
    )
    done = simulate_acquisition(bench, base, now=datetime(2026, 2, 20, tzinfo=UTC))
    return {int(path.name[4]): path for path in done.folder.rglob("wave*.txt")}


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Files of all five channels but 3, by channel."""
    return simulated_paths(tmp_path_factory.mktemp("raw"), occupancy=0.3)


def read(
    paths: Mapping[int, Path], analysis: AnalysisSettings | None = None, kind: str = "position"
) -> PulseReading:
    return read_pulses(paths, DAQ, analysis or AnalysisSettings(), ScanKind(kind))


def test_all_channels_of_a_point_are_read_and_aligned(paths: dict[int, Path]) -> None:
    reading = read(paths)
    assert reading.pulses.channels == (0, 1, 2, 4)
    assert reading.pulses.of(2).event_number.tolist() == list(range(EVENTS))
    assert {entry.summary.events for entry in reading.channels} == {EVENTS}
    assert reading.refused == ()


def test_the_charges_of_a_file_agree_with_plain_numpy(
    paths: dict[int, Path], tmp_path: Path
) -> None:
    reading = read(paths)
    write_root_file(tmp_path / "point.root", reading.pulses)
    table = read_root_file(tmp_path / "point.root").of(2)
    lines = paths[2].read_text().split("\n")
    samples = np.array(
        [lines[event * 267 + 7 : (event + 1) * 267] for event in range(EVENTS)], dtype=np.float64
    )
    voltage = (samples[:, :40].mean(axis=1, keepdims=True) - samples) * (2000 / 16384)
    checked = 0
    for event, record in enumerate(voltage):
        above = np.flatnonzero(record > 3.0)
        if len(above) == 0:
            assert np.isnan(table.charge_pc[event])
            continue
        charge = record[max(0, above[0] - 10) : above[0] + 50].sum() * 2.0 / 50.0
        assert abs(charge - table.charge_pc[event]) < 1e-6
        checked += 1
    assert checked > 1000


def test_every_channel_has_its_own_windows(paths: dict[int, Path]) -> None:
    arrivals = [entry.arrival for entry in read(paths).channels]
    assert arrivals[0] is None
    peaks = [arrival.peak_ns for arrival in arrivals[1:] if isinstance(arrival, ArrivalWindow)]
    assert peaks == [pytest.approx(60, abs=2), *2 * [pytest.approx(324, abs=2)]]


def test_windows_of_the_settings_are_for_the_pmt_alone(paths: dict[int, Path]) -> None:
    given = AnalysisSettings(
        arrival_window=Window(low_ns=321, high_ns=330),
        charge_window=Window(low_ns=300, high_ns=380),
    )
    _, monitor, pmt, _ = read(paths, given).channels
    assert isinstance(pmt.arrival, ArrivalWindow)
    assert pmt.arrival.origin == "settings"
    assert isinstance(pmt.fixed, FixedWindows)
    assert pmt.fixed.charge_window == Window(low_ns=300, high_ns=380)
    assert isinstance(monitor.arrival, ArrivalWindow)
    assert monitor.arrival.origin == "data"


def test_low_occupancy_still_has_a_window(tmp_path: Path) -> None:
    reading = read(simulated_paths(tmp_path, occupancy=0.02))
    pmt = reading.channels[2]
    assert isinstance(pmt.arrival, ArrivalWindow)
    charge = reading.pulses.of(2).window_charge_pc
    assert np.isfinite(charge).all()
    assert charge.mean() / 1.602 == pytest.approx(0.02 * 0.93, abs=0.008)


def test_pedestal_and_dark_spectrum_have_the_same_width(paths: dict[int, Path]) -> None:
    pmt = read(paths).pulses.of(2)
    quiet = ~pmt.disturbed & np.isnan(pmt.start_sample)
    signal, dark = pmt.window_charge_pc[quiet], pmt.dark_charge_pc[quiet]
    assert 0.13 < dark.std() < 0.16
    assert np.percentile(signal, [16, 84]) == pytest.approx(np.percentile(dark, [16, 84]), abs=0.02)


def test_a_monitor_that_is_no_wavedump_file_does_not_spoil_the_point(
    paths: dict[int, Path], tmp_path: Path
) -> None:
    broken = tmp_path / "wave1.txt"
    broken.write_text("this is a letter, not a waveform\n" * 1000)
    reading = read({**paths, 1: broken})
    assert [entry.channel for entry in reading.refused] == [1]
    assert "wave1.txt" in reading.refused[0].reason
    assert len(reading.pulses) == EVENTS


@pytest.mark.parametrize("channel", [0, 2])
def test_a_trigger_or_pmt_that_is_no_wavedump_file_is_an_error(
    paths: dict[int, Path], tmp_path: Path, channel: int
) -> None:
    broken = tmp_path / "wave.txt"
    broken.write_text("this is a letter, not a waveform\n" * 1000)
    with pytest.raises(NotWaveDumpError):
        read({**paths, channel: broken})


def test_a_file_that_is_not_there_is_an_error(paths: dict[int, Path], tmp_path: Path) -> None:
    with pytest.raises(RawDataError, match="missing"):
        read({**paths, 2: tmp_path / "missing.txt"})


def test_without_a_trigger_there_are_charges_but_no_times(paths: dict[int, Path]) -> None:
    reading = read({2: paths[2]})
    entry = reading.channels[0]
    assert isinstance(entry.arrival, NoArrivalWindow)
    assert isinstance(entry.fixed, NoFixedWindows)
    assert "trigger" in entry.fixed.reason
    assert np.isnan(reading.pulses.of(2).window_charge_pc).all()
    assert np.isfinite(reading.pulses.of(2).charge_pc).any()


def test_a_pmts_file_without_events_is_refused(paths: dict[int, Path], tmp_path: Path) -> None:
    empty = tmp_path / "wave2.txt"
    empty.touch()
    with pytest.raises(RawDataError, match=r"wave2\.txt is empty: the DAQ wrote nothing to it"):
        read({**paths, 2: empty})


def test_waveforms_hold_examples_and_a_mean_pulse_of_each_channel(paths: dict[int, Path]) -> None:
    reading = read(paths)
    pmt = reading.waveforms.channels[2]
    assert (pmt.channel, pmt.role, pmt.sample_ns) == (2, "pmt", 2.0)
    assert len(pmt.examples) == 4
    assert pmt.mean is not None
    assert pmt.mean_of.endswith("in the arrival window")
    mean_mv = np.array(pmt.mean.voltage_mv)
    assert mean_mv.argmin() == pytest.approx(209, abs=4)
    assert -8 < mean_mv.min() < -4
    starts = reading.pulses.of(2).start_sample
    assert all(np.isfinite(starts[example.event_number]) for example in pmt.examples)


def test_progress_is_told_for_every_channel(paths: dict[int, Path]) -> None:
    told: dict[int, list[int]] = {}
    lock = threading.Lock()

    def report(channel: int, events: int) -> None:
        with lock:
            told.setdefault(channel, []).append(events)

    read_pulses(paths, DAQ, AnalysisSettings(), ScanKind.POSITION, report=report)
    assert set(told) == {0, 1, 2, 4}
    assert all(events[-1] == EVENTS and events == sorted(events) for events in told.values())
