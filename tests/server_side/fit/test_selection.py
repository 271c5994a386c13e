import numpy as np
import pytest

from server_side.selection import find_arrival_window, select_charges, threshold_spectrum
from server_side.settings import AnalysisSettings, Window


def light_pulses(centre_ns: float, count: int, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    late = rng.exponential(2.0, count) * (rng.random(count) < 0.2)
    return 2.0 * np.rint((centre_ns + 0.95 * rng.standard_normal(count) + late) / 2.0)


@pytest.mark.parametrize("centre", [100.0, 309.0, 325.0, 401.0])
def test_the_arrival_window_is_found_wherever_the_cables_put_it(centre: float) -> None:
    rng = np.random.default_rng(2)
    arrival = np.concatenate([light_pulses(centre, 3000), 2.0 * rng.integers(-20, 250, 200)])
    search = find_arrival_window(arrival, sample_ns=2.0)
    assert search.window is not None
    assert search.window.low_ns < centre - 2.5 < centre + 4 < search.window.high_ns
    assert search.window.high_ns - search.window.low_ns <= 20


def test_dark_pulses_alone_have_no_arrival_window() -> None:
    arrival = 2.0 * np.random.default_rng(3).integers(-100, 150, 4000)
    search = find_arrival_window(arrival, sample_ns=2.0)
    assert search.window is None
    assert "stands out" in search.note


def test_few_pulses_have_no_arrival_window() -> None:
    assert find_arrival_window(np.full(10, 320.0), 2.0).window is None
    assert find_arrival_window(np.zeros(0), 2.0).window is None


def test_both_cuts_are_applied_and_what_lies_outside_is_counted() -> None:
    settings = AnalysisSettings(arrival_window=Window(low_ns=321, high_ns=330))
    charge = np.array([0.4, 0.6, 1.6, 1.7, 4.6, 1.6, 1.6, np.nan, 1.6])
    arrival = np.array([324, 324, 324, 328, 324, 330, 321, 324, np.nan])
    selection = select_charges(charge, arrival, settings, sample_ns=2.0)
    spectrum = threshold_spectrum(selection, settings)
    assert selection.pulses == 7
    assert sum(spectrum.counts) == 3
    assert (spectrum.below, spectrum.above) == (1, 1)
    assert len(spectrum.counts) == settings.charge_bins
    assert "321" not in spectrum.definition or "settings" in spectrum.definition


def test_a_window_fixed_in_the_settings_is_not_searched_for() -> None:
    settings = AnalysisSettings(arrival_window=Window(low_ns=300, high_ns=302))
    selection = select_charges(np.ones(9), np.full(9, 301.0), settings, sample_ns=2.0)
    assert selection.charge_pc.size == 9
    assert selection.note == "arrival window from the settings"


def test_without_light_there_are_no_charges_and_the_note_says_why() -> None:
    empty = np.full(100, np.nan)
    selection = select_charges(empty, empty, AnalysisSettings(), sample_ns=2.0)
    spectrum = threshold_spectrum(selection, AnalysisSettings())
    assert sum(spectrum.counts) == 0
    assert "too few" in spectrum.definition
