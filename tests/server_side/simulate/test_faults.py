"""Each fault, seen through the same reading that a real point gets."""

import numpy as np
import pytest

from server_side.pulses import ArrivalWindow, NoArrivalWindow, PulseReading, SlippedEvents
from server_side.scan import PositionPoint
from server_side.simulate import BenchSettings, Fault, FaultAt
from server_side.simulate.faults import _EFFECTS, Conditions, with_fault
from tests.server_side.simulate.conftest import ReadPoint, Simulate


@pytest.fixture
def bench(one_pmt: BenchSettings) -> BenchSettings:
    """One point of one PMT, enough triggers to tell a charge by a per cent or two."""
    return one_pmt.model_copy(
        update={"points": (PositionPoint(theta_deg=0, phi_deg=0),), "triggers": 8000}
    )


def with_(bench: BenchSettings, fault: Fault) -> BenchSettings:
    return bench.model_copy(update={"faults": (FaultAt(fault=fault, slot=1),)})


def spe_charge_of(reading: PulseReading) -> float:
    """Middle of the charges of one photoelectron."""
    charges = reading.pulses.of(2).charge_pc
    return float(np.median(charges[(charges > 1.0) & (charges < 2.2)]))


@pytest.fixture
def healthy(bench: BenchSettings, simulate: Simulate, read_point: ReadPoint) -> PulseReading:
    """The point without a fault."""
    return read_point(bench, simulate(bench))


def test_every_fault_does_something() -> None:
    conditions = Conditions(1e7, 0.3, 4000.0, 4.4, 14_400.0)
    assert set(_EFFECTS) == set(Fault)
    assert all(with_fault(conditions, fault) != conditions for fault in Fault)


def test_a_healthy_point_has_its_true_charge_and_occupancy(healthy: PulseReading) -> None:
    pmt = healthy.pulses.of(2)
    assert len(pmt) == 8000
    mean_pe = pmt.window_charge_pc[~pmt.disturbed].mean() / 1.602
    assert mean_pe == pytest.approx(0.3 * 0.93, abs=0.02)
    assert spe_charge_of(healthy) == pytest.approx(1.6, abs=0.06)
    assert pmt.noise_adc.mean() == pytest.approx(4.4, abs=0.1)
    assert pmt.disturbed.mean() < 0.01
    assert not pmt.saturated.any()
    assert all(loss.lost_events == 0 for loss in healthy.pulses.losses)
    arrival = healthy.channels[2].arrival
    assert isinstance(arrival, ArrivalWindow)
    assert arrival.peak_ns == pytest.approx(324, abs=2)


@pytest.mark.parametrize(("fault", "ratio"), [(Fault.LOW_GAIN, 0.8), (Fault.HIGH_GAIN, 1.25)])
def test_a_wrong_gain_scales_the_window_charge(
    bench: BenchSettings, simulate: Simulate, read_point: ReadPoint, fault: Fault, ratio: float
) -> None:
    faulty = with_(bench, fault)
    pmt = read_point(faulty, simulate(faulty)).pulses.of(2)
    expected = 0.3 * 0.93 * 1.602 * ratio
    assert np.nanmean(pmt.window_charge_pc) == pytest.approx(expected, rel=0.08)


def test_without_light_there_are_dark_pulses_but_no_arrival(
    bench: BenchSettings, simulate: Simulate, read_point: ReadPoint
) -> None:
    faulty = with_(bench, Fault.NO_LIGHT)
    reading = read_point(faulty, simulate(faulty))
    arrival = reading.channels[2].arrival
    assert isinstance(arrival, NoArrivalWindow)
    assert arrival.pulses > 0
    assert isinstance(reading.channels[1].arrival, ArrivalWindow)


def test_a_light_leak_disturbs_events(
    bench: BenchSettings, simulate: Simulate, read_point: ReadPoint
) -> None:
    faulty = with_(bench, Fault.LIGHT_LEAK)
    pmt = read_point(faulty, simulate(faulty)).pulses.of(2)
    assert pmt.disturbed.mean() > 0.05


def test_a_dead_channel_does_not_move(
    bench: BenchSettings, simulate: Simulate, read_point: ReadPoint
) -> None:
    faulty = with_(bench, Fault.DEAD_CHANNEL)
    pmt = read_point(faulty, simulate(faulty)).pulses.of(2)
    assert (pmt.noise_adc == 0).all()
    assert np.isnan(pmt.start_sample).all()


def test_a_noisy_baseline_is_three_times_as_wide(
    bench: BenchSettings, simulate: Simulate, read_point: ReadPoint
) -> None:
    faulty = with_(bench, Fault.NOISY_BASELINE)
    pmt = read_point(faulty, simulate(faulty)).pulses.of(2)
    assert pmt.noise_adc.mean() == pytest.approx(13.2, abs=0.4)


def test_a_drifting_baseline_moves_but_keeps_its_charges(
    bench: BenchSettings, simulate: Simulate, read_point: ReadPoint
) -> None:
    faulty = with_(bench, Fault.BASELINE_DRIFT)
    reading = read_point(faulty, simulate(faulty))
    baseline = reading.pulses.of(2).baseline_adc
    assert baseline[-100:].mean() - baseline[:100].mean() == pytest.approx(60, abs=2)
    assert spe_charge_of(reading) == pytest.approx(1.6, abs=0.06)


def test_saturation_is_marked(
    bench: BenchSettings, simulate: Simulate, read_point: ReadPoint
) -> None:
    faulty = with_(bench, Fault.SATURATION)
    pmt = read_point(faulty, simulate(faulty)).pulses.of(2)
    assert pmt.saturated.mean() > 0.05


def test_a_shifted_arrival_is_found_where_it_is(
    bench: BenchSettings, simulate: Simulate, read_point: ReadPoint
) -> None:
    faulty = with_(bench, Fault.SHIFTED_ARRIVAL)
    arrival = read_point(faulty, simulate(faulty)).channels[2].arrival
    assert isinstance(arrival, ArrivalWindow)
    assert arrival.peak_ns == pytest.approx(348, abs=2)


def test_a_truncated_file_holds_two_fifths_and_a_torn_event(
    bench: BenchSettings, simulate: Simulate, read_point: ReadPoint
) -> None:
    faulty = with_(bench, Fault.TRUNCATED_FILE)
    reading = read_point(faulty, simulate(faulty))
    assert reading.channels[2].summary.torn_events == 1
    assert len(reading.pulses) == 3200
    assert [loss.lost_events for loss in reading.pulses.losses] == [0, 0, 4800]


def test_lost_events_are_lost_in_one_channel_only(
    bench: BenchSettings, simulate: Simulate, read_point: ReadPoint
) -> None:
    faulty = with_(bench, Fault.LOST_EVENTS)
    reading = read_point(faulty, simulate(faulty))
    trigger, monitor, pmt = reading.pulses.losses
    assert (trigger.lost_events, monitor.lost_events) == (0, 0)
    assert pmt.lost_events == pytest.approx(240, abs=60)
    arrival = reading.channels[2].arrival
    assert isinstance(arrival, ArrivalWindow)
    assert arrival.peak_ns == pytest.approx(324, abs=2)


def test_doubled_events_are_counted_once(
    bench: BenchSettings, simulate: Simulate, read_point: ReadPoint
) -> None:
    faulty = with_(bench, Fault.DOUBLED_EVENTS)
    reading = read_point(faulty, simulate(faulty))
    assert len(reading.pulses) == 8000
    doubled = reading.channels[2].summary.doubled_events + reading.pulses.losses[2].doubled_events
    assert doubled == pytest.approx(240, abs=60)


def test_an_event_lost_without_a_gap_shows_in_the_time_tags_alone(
    bench: BenchSettings, simulate: Simulate, read_point: ReadPoint
) -> None:
    faulty = with_(bench, Fault.SLIPPED_EVENTS)
    reading = read_point(faulty, simulate(faulty))
    assert [loss.lost_events for loss in reading.pulses.losses] == [0, 0, 1]
    assert reading.slipped == (SlippedEvents(1, 0, None), SlippedEvents(2, 5999, 2000))


def test_a_slow_daq_shows_in_the_time_tags(
    bench: BenchSettings, simulate: Simulate, read_point: ReadPoint
) -> None:
    faulty = with_(bench, Fault.SLOW_DAQ)
    tags = read_point(faulty, simulate(faulty)).pulses.of(2).time_tag
    assert np.median(np.diff(tags)) == pytest.approx(5 * 62_500)


def test_a_stalled_daq_leaves_half_a_point_without_a_marker(
    bench: BenchSettings, simulate: Simulate, read_point: ReadPoint
) -> None:
    faulty = with_(bench, Fault.STALLED_DAQ)
    done = simulate(faulty)
    assert done.finished_points == 0
    assert not list(done.folder.rglob("DONE"))
    assert 3000 < len(read_point(faulty, done).pulses) <= 4000


def test_a_drifting_laser_is_seen_by_pmt_and_monitor(
    bench: BenchSettings, simulate: Simulate, read_point: ReadPoint
) -> None:
    faulty = with_(bench, Fault.LASER_DRIFT)
    pulses = read_point(faulty, simulate(faulty)).pulses
    for channel in (1, 2):
        charge = pulses.of(channel).window_charge_pc
        ratio = charge[-2000:].mean() / charge[:2000].mean()
        assert ratio == pytest.approx(0.65 / 0.95, abs=0.1)


def test_a_reference_pmt_is_written_to_channel_four(
    bench: BenchSettings, simulate: Simulate, read_point: ReadPoint
) -> None:
    with_reference = bench.model_copy(update={"has_reference": True})
    reading = read_point(with_reference, simulate(with_reference))
    assert reading.pulses.channels == (0, 1, 2, 4)
    assert np.nanmean(reading.pulses.of(4).window_charge_pc) == pytest.approx(0.45, abs=0.04)
