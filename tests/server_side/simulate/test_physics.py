"""What the simulation is made of, against the numbers that it is to have."""

import numpy as np
import pytest

from server_side.settings import DaqSettings
from server_side.simulate import SpeSettings, SpeShape
from server_side.simulate.pulse_shape import STEP_NS, pmt_pulse, sipm_pulse, trigger_pulse
from server_side.simulate.waveforms import Pulses, digitise, format_events, make_digitiser

DAQ = DaqSettings()


@pytest.mark.parametrize("shape", list(SpeShape))
def test_the_most_frequent_charge_is_one(shape: SpeShape) -> None:
    charges = SpeSettings(shape=shape).distribution().sample(2_000_000, np.random.default_rng(1))
    counts, edges = np.histogram(charges, np.arange(0.7, 1.3, 0.02))
    middle = (edges[1:] + edges[:-1]) / 2
    curvature, slope, _ = np.polyfit(middle, counts, 2)
    assert -slope / (2 * curvature) == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("shape", list(SpeShape))
def test_the_stated_mean_is_that_of_the_charges(shape: SpeShape) -> None:
    spe = SpeSettings(shape=shape).distribution()
    charges = spe.sample(1_000_000, np.random.default_rng(2))
    assert charges.mean() == pytest.approx(spe.mean, abs=4 * charges.std() / 1000)


def test_the_box_and_line_table_has_its_published_ratios() -> None:
    spe = SpeSettings(shape=SpeShape.BOX_AND_LINE).distribution()
    charges = spe.sample(1_000_000, np.random.default_rng(3))
    assert 1 / spe.mean == pytest.approx(1.13, abs=0.03)
    assert charges.std() / charges.mean() == pytest.approx(0.45, abs=0.02)
    assert (charges < 0.5).mean() == pytest.approx(0.18, abs=0.03)


def test_a_pmt_pulse_is_11_ns_wide_and_6_2_mv_high_at_a_gain_of_1e7() -> None:
    pulse = pmt_pulse()
    above = np.flatnonzero(pulse.height >= 0.5)
    assert len(above) * STEP_NS == pytest.approx(11.0, abs=0.3)
    assert pulse.first_ns + above[0] * STEP_NS == pytest.approx(0.0, abs=STEP_NS)
    height_mv = 1.602 * DAQ.impedance_ohm / pulse.area_ns
    assert height_mv == pytest.approx(6.2, abs=0.05)


def test_all_pulses_have_height_one_and_time_zero_at_half_of_it() -> None:
    for pulse in (pmt_pulse(), sipm_pulse(), trigger_pulse()):
        zero = round(-pulse.first_ns / STEP_NS)
        assert pulse.height.max() == 1.0
        assert pulse.height[zero] == pytest.approx(0.5, abs=0.03)


def test_noise_is_white_gaussian_and_as_wide_as_asked() -> None:
    digitiser = make_digitiser(DAQ)
    none = Pulses(np.empty(0, dtype=np.int64), np.empty(0), np.empty(0))
    counts = digitise(
        digitiser, none, pmt_pulse(), baseline_adc=np.full(4000, 14_000.0), noise_adc=4.4, seed=5
    ).astype(float)
    assert counts.mean() == pytest.approx(14_000, abs=0.03)
    assert counts.std() == pytest.approx(np.hypot(4.4, np.sqrt(1 / 12)), rel=0.005)
    deviation = counts - counts.mean()
    for lag in (1, 2, 3, 4, 8):
        correlation = (deviation[:, lag:] * deviation[:, :-lag]).mean() / counts.var()
        assert correlation == pytest.approx(0.0, abs=0.006)
    assert (deviation**4).mean() / counts.var() ** 2 == pytest.approx(3.0, abs=0.05)


def test_counts_stay_within_the_range() -> None:
    digitiser = make_digitiser(DAQ)
    pulses = Pulses(np.array([0, 1]), np.array([200.0, 200.0]), np.array([1e6, -1e6]))
    counts = digitise(
        digitiser, pulses, pmt_pulse(), baseline_adc=np.full(2, 8000.0), noise_adc=0.0, seed=1
    )
    assert counts[0].max() == 16383
    assert counts[1].min() == 0


def test_a_charge_comes_out_as_it_went_in() -> None:
    digitiser, pulse = make_digitiser(DAQ), pmt_pulse()
    rng = np.random.default_rng(6)
    height_adc = 1000.0
    times = 300.0 + rng.uniform(0, 2, 500)
    counts = digitise(
        digitiser, Pulses(np.arange(500), times, np.full(500, -height_adc)), pulse,
        baseline_adc=np.full(500, 14_000.0), noise_adc=0.0, seed=1,
    )  # fmt: skip
    area = (14_000.0 - counts).sum(axis=1) * DAQ.sample_ns
    assert area.mean() == pytest.approx(height_adc * pulse.area_ns, rel=1e-3)
    assert area.std() / area.mean() < 2e-3


def test_text_holds_the_counts_of_the_chosen_rows() -> None:
    digitiser = make_digitiser(DAQ)
    counts = np.array([[0, 9, 10], [99, 100, 16383], [9999, 10000, 1]], dtype=np.uint16)
    text = format_events(
        digitiser, counts, np.array([2, 2, 0]),
        event_number=np.array([7, 8, 1234567]), time_tag=np.array([0, 1, 2147483647]), channel=3,
    )  # fmt: skip
    head = (
        "Record Length: 3\nBoardID: 31\nChannel: 3\nEvent Number: {}\nPattern: 0x0000\n"
        "Trigger Time Stamp: {}\nDC offset (DAC): 0xBFFF\n"
    )
    last = head.format(1234567, 2147483647) + "9999\n10000\n1\n"
    assert text.tobytes().decode() == 2 * last + head.format(7, 0) + "0\n9\n10\n"
