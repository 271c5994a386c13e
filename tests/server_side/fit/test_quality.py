"""Measured quantities of a simulated point against its truth."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from server_side.pulses import PulseReading, read_pulses
from server_side.pulses.table import unmeasured_table
from server_side.quality import measure_quality
from server_side.quality.arrival import ArrivalShape, fit_arrival_shape
from server_side.quality.light import _light_yield
from server_side.quality.quantities import drift, fraction, mean, measured
from server_side.quality.response import _spread
from server_side.quality.timing import _trigger_rate
from server_side.result import Missing, Quantity
from server_side.scan import ExistingAcquisition, PositionPoint, ScanKind, ScanPlan
from server_side.selection import Selection, select_charges
from server_side.simulate import BenchSettings, SimulatedPmt, simulate_acquisition
from server_side.spectra import fixed_window_spectra

CENTRE = PositionPoint(theta_deg=0, phi_deg=0)


@pytest.fixture(scope="module")
def plan() -> ScanPlan:
    return ScanPlan(
        scan_id="0" * 12,
        site="here",
        kind=ScanKind.POSITION,
        serial_number="SIM1",
        slot=1,
        started_at=datetime(2026, 2, 20, tzinfo=UTC),
        points=(CENTRE,),
        raw=ExistingAcquisition(folder="simulated"),
    )


@pytest.fixture(scope="module")
def reading(tmp_path_factory: pytest.TempPathFactory, plan: ScanPlan) -> PulseReading:
    bench = BenchSettings(
        pmts=(SimulatedPmt(serial_number="SIM1", slot=1),), points=(CENTRE,), triggers=12_000
    )
    now = datetime(2026, 2, 20, tzinfo=UTC)
    acquisition = simulate_acquisition(bench, tmp_path_factory.mktemp("raw"), now=now)
    found = [(n, list(acquisition.folder.rglob(f"wave{n}save_*.txt"))) for n in (0, 1, 2)]
    paths: dict[int, Path] = {number: files[0] for number, files in found}
    settings = plan.settings
    return read_pulses(paths, settings.daq, settings.analysis, ScanKind.POSITION)


@pytest.fixture(scope="module")
def selection(reading: PulseReading, plan: ScanPlan) -> Selection:
    arrival = reading.pulses.arrival_ns(2, 0, 2.0)
    return select_charges(reading.pulses.of(2).charge_pc, arrival, plan.settings.analysis, 2.0)


def test_the_spread_of_models_has_the_errors_of_its_two_ends() -> None:
    found = _spread("gain_model_systematic", "gain_peak", [(11.0, 0.4), None, (9.0, 0.3)])
    assert isinstance(found, Quantity)
    assert (found.value, found.error) == (pytest.approx(0.2), pytest.approx(0.05))


def test_the_simulated_truth_is_found(fitter, reading, selection, plan) -> None:
    window, dark = fixed_window_spectra(reading.pulses, 2)
    fits = fitter.fit(window, "dft"), fitter.fit(window, "moments", dark=dark)
    quality = {q.name: q for q in measure_quality(reading, selection, fits, plan, 2)}
    assert quality["occupancy"].value == pytest.approx(0.3, abs=0.03)
    assert quality["baseline_mean_adc"].value == pytest.approx(14_400, abs=5)
    assert quality["baseline_noise_adc"].value == pytest.approx(4.4, abs=0.3)
    assert quality["arrival_spread_ns"].value == pytest.approx(0.95, abs=0.5)
    assert quality["signal_to_noise"].value > 5
    assert quality["dark_rate_hz"].value == pytest.approx(
        4000, abs=5 * quality["dark_rate_hz"].error
    )
    assert quality["trigger_rate_hz"].value == pytest.approx(2000, rel=1e-3)
    assert isinstance(quality["occupancy_per_reference_occupancy"], Missing)
    assert quality["saturated_fraction"].value == 0
    assert quality["lost_fraction"].value == quality["damaged_fraction"].value == 0
    assert isinstance(quality["monitor_charge_pc"], Quantity)
    assert isinstance(quality["occupancy_per_monitor_charge"], Quantity)
    assert isinstance(quality["reference_charge_pc"], Missing)
    assert "reference" in quality["reference_charge_pc"].reason
    assert isinstance(quality["gain_model_systematic"], Missing)
    gains = [fit.gain_mean for fit in fits]
    spread = (max(gains) - min(gains)) / np.mean(gains)
    assert quality["gain_mean_model_systematic"].value == pytest.approx(spread)
    assert 0 < quality["occupancy_model_systematic"].value < 0.2


def test_what_was_not_fitted_is_missing_with_its_reason(reading, selection, plan) -> None:
    quality = measure_quality(reading, selection, (), plan, 2)
    names = [entry.name for entry in quality]
    assert len(set(names)) == len(names)
    occupancy = quality[names.index("occupancy")]
    assert isinstance(occupancy, Missing)
    assert "'dft' was not fitted" in occupancy.reason


def test_the_effective_occupancy_of_a_threshold_spectrum_is_no_occupancy(
    fitter, reading, selection, plan, real_spectra
) -> None:
    fits = (fitter.fit(real_spectra[0].spectrum, "dft"),)
    quality = {q.name: q for q in measure_quality(reading, selection, fits, plan, 2)}
    assert isinstance(quality["chi2_per_ndf"], Quantity)
    for name in ("occupancy", "occupancy_per_monitor_charge"):
        missing = quality[name]
        assert isinstance(missing, Missing)
        assert "threshold spectrum, which has no pedestal" in missing.reason


def test_triggers_that_the_laser_misses_do_not_lower_the_efficiency() -> None:
    rng, found = np.random.default_rng(3), []
    for share in (1.0, 0.5):
        charge = np.where(rng.random(20_000) < share, rng.normal(9.0, 1.0, 20_000), np.nan)
        monitor = replace(unmeasured_table(1, np.arange(20_000)), charge_pc=charge)
        occupancy = Quantity(name="occupancy", value=0.3 * share, error=0.001, unit="", meaning="m")
        found.append(_light_yield((occupancy,), monitor))
    assert all(isinstance(entry, Quantity) for entry in found)
    whole, half = (entry.value for entry in found)
    assert half / whole == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("tail", [0.5, 2.0])
def test_the_arrival_shape_has_unbiased_values_and_true_errors(tail: float) -> None:
    rng, pulls = np.random.default_rng(3), []
    for _ in range(25):
        delay = 325.3 + 0.95 * rng.standard_normal(4000) + rng.exponential(tail, 4000)
        phase = 2.0 * rng.random(4000)
        recorded = 2.0 * np.floor((delay + phase) / 2.0) - 2.0 * np.floor(phase / 2.0)
        shape = fit_arrival_shape(recorded, 2.0)
        assert isinstance(shape, ArrivalShape), shape
        truth = (325.3, 0.95, tail)
        rows = zip(shape.values, shape.errors, truth, strict=True)
        pulls.append([(value - true) / error for value, error, true in rows])
    assert np.all(np.abs(np.mean(pulls, axis=0)) < 0.8)
    assert np.all(np.std(pulls, axis=0) < 1.7)


def test_arrivals_that_have_no_shape_are_refused_with_the_reason() -> None:
    assert "needs 200" in str(fit_arrival_shape(np.full(10, 320.0), 2.0))
    assert "too coarse" in str(fit_arrival_shape(np.full(900, 320.0), 2.0))


def test_a_number_that_is_none_is_missing() -> None:
    assert isinstance(measured("x", np.nan, 1.0, "", "m"), Missing)
    assert isinstance(fraction("x", 0, 0, "m"), Missing)
    assert isinstance(mean("x", np.zeros(3), "", "m"), Missing)
    assert isinstance(drift("x", np.zeros(3), "", "m"), Missing)
    without_error = measured("x", 1.0, np.inf, "", "m")
    assert isinstance(without_error, Quantity)
    assert without_error.error is None


def test_a_drift_is_the_change_from_first_to_last() -> None:
    rng = np.random.default_rng(1)
    found = drift("x", 5.0 + np.linspace(0, 3, 5000) + rng.standard_normal(5000), "", "m")
    assert isinstance(found, Quantity)
    assert found.value == pytest.approx(3.0, abs=5 * (found.error or 0))
    assert found.error == pytest.approx(np.sqrt(12 / 5000), rel=0.1)


def test_the_trigger_rate_is_right_when_the_time_tag_wraps_and_events_are_lost() -> None:
    numbers = np.flatnonzero(np.random.default_rng(2).random(60_000) > 0.03)
    tags = (numbers * 62_500) % (1 << 31)
    table = replace(unmeasured_table(2, numbers), time_tag=tags)
    found = _trigger_rate(table, 8.0)
    assert isinstance(found, Quantity)
    assert found.value == pytest.approx(2000.0, rel=1e-6)


def test_files_without_time_tags_give_no_trigger_rate() -> None:
    found = _trigger_rate(unmeasured_table(2, np.arange(1000)), 8.0)
    assert isinstance(found, Missing)
    assert "no time tags" in found.reason
