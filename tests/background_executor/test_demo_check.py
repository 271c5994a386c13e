"""What ``make demo-check`` calls wrong: the voltage and the default model beside the truth."""

import pytest

from background_executor.commands import StopScan
from background_executor.demo.asking import wait_while_points_come
from background_executor.demo.check import HvCheck, model_fault
from server_side.result import NoFit, SpectrumName, ValidFit
from tests.background_executor.bench import HANGS, Bench

FIT = ValidFit(
    model="dft",
    spectrum=SpectrumName.WINDOW,
    charges=25_000,
    gain_peak=1.0e7,
    gain_peak_err=0.01e7,
    gain_mean=None,
    gain_mean_err=None,
    chi2=100.0,
    ndf=100,
    p_value=0.5,
    parameters=(),
)


@pytest.mark.parametrize(
    ("true_gain", "is_wrong"),
    [(1.0e7, False), (1.044e7, False), (0.957e7, False), (1.05e7, True), (0.95e7, True)],
)
def test_the_default_model_may_miss_the_true_peak_by_a_part_and_three_errors(
    true_gain: float, *, is_wrong: bool
) -> None:
    assert bool(model_fault(FIT, true_gain)) == is_wrong


def test_a_healthy_point_without_a_gain_of_the_default_model_is_wrong() -> None:
    no_fit = NoFit(
        outcome="invalid", model="dft", spectrum=SpectrumName.WINDOW, charges=9, message="no peak"
    )
    assert model_fault(no_fit, 1e7) == "no gain of the default model dft: no peak"
    assert "was not fitted" in model_fault(None, 1e7)


@pytest.mark.parametrize(
    ("hv_v", "hv_err_v", "words"),
    [
        (1762.0, 0.5, ""),
        (1764.9, 0.5, ""),
        (1765.1, 0.5, "the voltage is +3.1 V off, more than 3.0 V"),
        (1767.0, 2.0, ""),
        (1755.0, 2.0, "the voltage is -7.0 V off, more than 6.0 V"),
        (None, None, "no voltage: dead point"),
    ],
)
def test_the_voltage_is_right_within_3_volts_or_3_errors(
    hv_v: float | None, hv_err_v: float | None, words: str
) -> None:
    check = HvCheck(1762.0, hv_v, hv_err_v, hv_v, "dead point")
    assert check.fault == words


def test_the_check_waits_until_scans_have_ended_and_no_longer_than_points_come(
    bench: Bench,
) -> None:
    bench.behave(HANGS)
    scan = bench.start_scan()
    bench.until(lambda: bench.scan(scan).points_stored == 1)
    assert not wait_while_points_come(bench.store, (scan,), patience_s=0.3)
    bench.ask(StopScan(scan_id=scan.scan_id, reason="seen enough"))
    assert wait_while_points_come(bench.store, (scan,), patience_s=0.3)
