"""Charges against independent plain-numpy computations and known truths."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from server_side.pulses import FixedWindows, PulseTable, extract_pulses
from server_side.scan import ScanKind
from server_side.settings import AnalysisSettings, DaqSettings, Window
from server_side.wavedump.events import EventBlock

DAQ = DaqSettings()
ANALYSIS = AnalysisSettings()
TRIGGER, MONITOR, PMT, _, _ = DAQ.channels
FIXED = FixedWindows(
    signal_low=155,
    signal_high=188,
    dark_low=118,
    noise_adc=4.4,
    charge_window=Window(low_ns=310, high_ns=376),
)


def block_of(samples: NDArray[np.float64]) -> EventBlock:
    numbers = np.arange(len(samples), dtype=np.int64)
    return EventBlock(numbers, numbers, samples.astype(np.float32))


def noisy_records(events: int, seed: int) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    return np.rint(14_000 + 4.4 * rng.standard_normal((events, 260)))


def triggers_at(sample: float, events: int) -> NDArray[np.float64]:
    return np.full(events, sample)


def pmt_table(samples: NDArray[np.float64], kind: ScanKind = ScanKind.POSITION) -> PulseTable:
    triggers = triggers_at(44.0, len(samples))
    return extract_pulses(
        block_of(samples), PMT, DAQ, ANALYSIS, kind, trigger_start=triggers, fixed=FIXED
    )


def test_charges_agree_with_plain_numpy() -> None:
    samples = noisy_records(400, seed=1)
    rng = np.random.default_rng(2)
    for i in range(0, 400, 2):
        at = rng.integers(0, 255)
        samples[i, at : at + 8] -= rng.integers(10, 300)
    table = pmt_table(samples)
    mv_per_adc = 2000.0 / 16384
    for i, record in enumerate(samples):
        voltage = (record[:40].mean() - record) * mv_per_adc
        above = np.flatnonzero(voltage > 3.0)
        assert table.baseline_adc[i] == pytest.approx(record[:40].mean(), abs=1e-9)
        assert table.noise_adc[i] == pytest.approx(record[:40].std(), abs=1e-9)
        assert table.peak_mv[i] == pytest.approx(voltage.max(), abs=1e-9)
        if len(above) == 0:
            assert np.isnan(table.start_sample[i])
            assert np.isnan(table.charge_pc[i])
        else:
            start = above[0]
            charge = voltage[max(0, start - 10) : start + 50].sum() * 2.0 / 50.0
            assert table.start_sample[i] == start
            assert table.charge_pc[i] == pytest.approx(charge, abs=1e-6)


def test_fixed_windows_agree_with_plain_numpy() -> None:
    samples = noisy_records(200, seed=3)
    samples[::3, 205:215] -= 60
    table = pmt_table(samples)
    pc = 2000.0 / 16384 * 2.0 / 50.0
    base = samples[:, : 44 + 118].mean(axis=1, keepdims=True)
    signal = (base - samples[:, 44 + 155 : 44 + 188]).sum(axis=1) * pc
    dark = (base - samples[:, 44 + 118 : 44 + 151]).sum(axis=1) * pc
    np.testing.assert_allclose(table.window_charge_pc, signal, atol=1e-6)
    np.testing.assert_allclose(table.dark_charge_pc, dark, atol=1e-6)


@given(amplitude=st.integers(40, 2000), factor=st.integers(2, 6), at=st.integers(45, 240))
def test_a_charge_is_linear_in_the_amplitude(amplitude: int, factor: int, at: int) -> None:
    pulse = np.zeros((2, 260))
    pulse[:, at : at + 12] = [[amplitude], [factor * amplitude]]
    table = pmt_table(14_500.0 - pulse)
    assert table.charge_pc[1] == pytest.approx(factor * table.charge_pc[0], rel=1e-12)
    assert table.window_charge_pc[1] == pytest.approx(
        factor * table.window_charge_pc[0], rel=1e-9, abs=1e-12
    )


@given(shift=st.integers(-8000, 2000), seed=st.integers(0, 2**32 - 1))
def test_charges_are_blind_to_a_shift_of_the_baseline(shift: int, seed: int) -> None:
    samples = noisy_records(5, seed)
    samples[:, 206:216] -= 70
    here, there = pmt_table(samples), pmt_table(samples + shift)
    np.testing.assert_array_equal(here.start_sample, there.start_sample)
    for column in ("charge_pc", "window_charge_pc", "dark_charge_pc", "peak_mv", "noise_adc"):
        np.testing.assert_allclose(
            getattr(here, column), getattr(there, column), atol=1e-9, err_msg=column
        )


def test_the_charge_ends_where_the_record_ends() -> None:
    samples = np.full((1, 260), 14_000.0)
    samples[0, 250:] -= 100
    table = pmt_table(samples)
    assert table.start_sample[0] == 250
    assert table.charge_pc[0] == pytest.approx(10 * 100 * DAQ.pc_per_adc_sample)


def test_a_hv_check_has_its_own_threshold() -> None:
    samples = np.full((1, 260), 14_000.0)
    samples[0, 210] -= 4.0 / DAQ.mv_per_adc
    assert pmt_table(samples, ScanKind.POSITION).start_sample[0] == 210
    assert np.isnan(pmt_table(samples, ScanKind.HV).start_sample[0])


def test_a_positive_pulse_in_a_channel_of_negative_ones_is_no_pulse() -> None:
    samples = np.full((1, 260), 1_000.0)
    samples[0, 100:110] += 5_000
    negative = extract_pulses(block_of(samples), PMT, DAQ, ANALYSIS, ScanKind.POSITION)
    positive = extract_pulses(block_of(samples), TRIGGER, DAQ, ANALYSIS, ScanKind.POSITION)
    assert np.isnan(negative.start_sample[0])
    assert positive.start_sample[0] == 100


def test_without_a_trigger_there_is_no_window_charge() -> None:
    samples = noisy_records(2, seed=4)
    table = extract_pulses(
        block_of(samples), PMT, DAQ, ANALYSIS, ScanKind.POSITION,
        trigger_start=np.array([44.0, np.nan]), fixed=FIXED,
    )  # fmt: skip
    assert np.isfinite(table.window_charge_pc[0])
    assert np.isnan(table.window_charge_pc[1])
    assert np.isnan(table.dark_charge_pc[1])


def test_a_window_that_the_record_cuts_off_is_not_measured() -> None:
    table = extract_pulses(
        block_of(noisy_records(1, seed=5)), PMT, DAQ, ANALYSIS, ScanKind.POSITION,
        trigger_start=np.array([80.0]), fixed=FIXED,
    )  # fmt: skip
    assert np.isnan(table.window_charge_pc[0])


@pytest.mark.parametrize("end", [0.0, 16383.0])
def test_a_sample_at_the_end_of_the_range_is_saturated(end: float) -> None:
    samples = np.full((2, 260), 14_000.0)
    samples[0, 200] = end
    assert pmt_table(samples).saturated.tolist() == [True, False]


def test_a_pulse_or_a_step_before_the_windows_disturbs_an_event() -> None:
    samples = noisy_records(2003, seed=6)
    samples[0, 100:106] -= 50
    samples[1, 80:] -= 20
    samples[2, 205:215] -= 500
    disturbed = pmt_table(samples).disturbed
    assert disturbed[:3].tolist() == [True, True, False]
    assert disturbed[3:].sum() <= 1


def test_the_pedestal_is_as_wide_as_the_noise_makes_it() -> None:
    table = pmt_table(noisy_records(20_000, seed=7))
    expected = 4.4 * np.sqrt(33 + 33**2 / 162) * DAQ.pc_per_adc_sample
    assert table.window_charge_pc.std() == pytest.approx(expected, rel=0.03)
    assert table.dark_charge_pc.std() == pytest.approx(expected, rel=0.03)
    assert table.window_charge_pc.mean() == pytest.approx(0.0, abs=5 * expected / np.sqrt(20_000))


def test_a_block_without_events_gives_an_empty_table() -> None:
    assert len(pmt_table(np.empty((0, 260)))) == 0
