import numpy as np

from server_side.pulses import ArrivalWindow
from server_side.selection import select_charges, threshold_spectrum
from server_side.settings import AnalysisSettings, Window


def test_without_a_fixed_window_it_is_found_in_the_data() -> None:
    rng = np.random.default_rng(2)
    light = 2.0 * np.rint((325.0 + 0.95 * rng.standard_normal(3000)) / 2.0)
    arrival = np.concatenate([light, 2.0 * rng.integers(-20, 120, 200)])
    selection = select_charges(np.ones(3200), arrival, AnalysisSettings(), sample_ns=2.0)
    assert isinstance(selection.arrival, ArrivalWindow)
    assert selection.arrival.window.low_ns < 322
    assert selection.arrival.window.high_ns > 328
    assert 2990 < selection.in_time < 3050
    assert "from data" in selection.note


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
    assert "321 < arrival < 330 ns (from settings)" in spectrum.definition


def test_a_window_fixed_in_the_settings_is_not_searched_for() -> None:
    settings = AnalysisSettings(arrival_window=Window(low_ns=301, high_ns=303))
    selection = select_charges(np.ones(9), np.full(9, 302.0), settings, sample_ns=2.0)
    assert selection.in_time == 9
    assert "301 < arrival < 303" in selection.note


def test_without_light_there_are_no_charges_and_the_note_says_why() -> None:
    empty = np.full(100, np.nan)
    selection = select_charges(empty, empty, AnalysisSettings(), sample_ns=2.0)
    spectrum = threshold_spectrum(selection, AnalysisSettings())
    assert sum(spectrum.counts) == 0
    assert "no arrival window: 0 pulses" in spectrum.definition
