"""Arrival windows found in known distributions, and windows placed on a record."""

import numpy as np
import pytest
from numpy.typing import NDArray

from server_side.pulses import (
    ArrivalWindow,
    FixedWindows,
    NoArrivalWindow,
    NoFixedWindows,
    charge_window_for,
    count_arrivals,
    find_arrival_window,
    place_windows,
)
from server_side.pulses.windows import given_arrival_window, is_inside
from server_side.settings import Window


def light_ns(pulses: int, at_ns: float, seed: int) -> NDArray[np.float64]:
    """Arrival times of light: Gaussian 0.95 ns with an exponential tail of 2 ns, in samples."""
    rng = np.random.default_rng(seed)
    times = at_ns + 0.95 * rng.standard_normal(pulses) + rng.exponential(2.0, pulses)
    return 2.0 * np.ceil(times / 2.0)


def dark_ns(pulses: int, seed: int) -> NDArray[np.float64]:
    return 2.0 * np.random.default_rng(seed).integers(-44, 216, pulses).astype(float)


@pytest.mark.parametrize(
    ("pulses", "dark"), [(30, 0), (30, 20), (400, 20), (400, 2_000), (40_000, 2_000)]
)
@pytest.mark.parametrize("at_ns", [309.0, 323.0])
def test_the_window_holds_the_light(pulses: int, dark: int, at_ns: float) -> None:
    light = light_ns(pulses, at_ns, seed=pulses)
    found = find_arrival_window(count_arrivals(np.r_[light, dark_ns(dark, seed=1)], 2.0))
    assert isinstance(found, ArrivalWindow)
    assert is_inside(found.window, light).mean() > 0.9
    assert found.window.high_ns - found.window.low_ns <= 40
    assert found.window.low_ns > at_ns - 10


def test_events_without_a_pulse_do_not_count() -> None:
    times = np.r_[light_ns(400, 323.0, seed=1), np.full(19_600, np.nan)]
    found = find_arrival_window(count_arrivals(times, 2.0))
    assert isinstance(found, ArrivalWindow)
    assert found.pulses > 390


def test_an_edge_of_a_found_window_lies_between_two_samples() -> None:
    found = find_arrival_window(count_arrivals(light_ns(4000, 323.0, seed=2), 2.0))
    assert isinstance(found, ArrivalWindow)
    assert found.window.low_ns % 2 == 1
    assert found.window.high_ns % 2 == 1


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("dark", [12, 300, 20_000])
def test_dark_pulses_alone_have_no_arrival_window(dark: int, seed: int) -> None:
    found = find_arrival_window(count_arrivals(dark_ns(dark, seed), 2.0))
    assert isinstance(found, NoArrivalWindow)
    assert f"{dark} pulses" in found.reason


def test_too_few_pulses_say_how_many_there_are() -> None:
    found = find_arrival_window(count_arrivals(np.array([324.0, 324.0, np.nan]), 2.0))
    assert found == NoArrivalWindow("2 pulses, expected at least 10", 2)


def test_the_expected_background_in_the_window_is_stated() -> None:
    times = np.r_[light_ns(4000, 323.0, seed=3), dark_ns(26_000, seed=4)]
    found = find_arrival_window(count_arrivals(times, 2.0))
    assert isinstance(found, ArrivalWindow)
    width = (found.window.high_ns - found.window.low_ns) / 2.0
    assert found.background == pytest.approx(100 * width, rel=0.05)


def test_a_window_of_the_settings_is_taken_as_it_is() -> None:
    times = np.r_[light_ns(4000, 323.0, seed=3), dark_ns(2600, seed=4), np.nan]
    window = Window(low_ns=319, high_ns=341)
    arrival = given_arrival_window(window, count_arrivals(times, 2.0))
    assert arrival.window == window
    assert arrival.pulses == is_inside(window, times).sum()
    assert arrival.background == pytest.approx(2600 / 260 * 11, rel=0.1)


def test_signal_and_dark_window_are_equally_long_and_do_not_touch() -> None:
    charge = charge_window_for(Window(low_ns=319, high_ns=333))
    placed = place_windows(charge, np.full(100, 44.0), 260, 2.0, noise_adc=4.4)
    assert isinstance(placed, FixedWindows)
    assert placed.dark_low is not None
    length = placed.signal_high - placed.signal_low
    assert placed.dark_low + length + 4 == placed.signal_low
    assert 44 + placed.dark_low >= 100
    assert placed.charge_window.low_ns == pytest.approx(charge.low_ns, abs=1.0)


def test_a_window_is_shortened_to_the_record() -> None:
    placed = place_windows(
        Window(low_ns=300, high_ns=900), np.array([44.0, 45.0]), 260, 2.0, noise_adc=4.4
    )
    assert isinstance(placed, FixedWindows)
    assert 44 <= 260 - placed.signal_high <= 45


def test_an_early_pulse_leaves_no_room_for_a_dark_window() -> None:
    placed = place_windows(Window(low_ns=0, high_ns=70), np.full(9, 44.0), 260, 2.0, noise_adc=4.4)
    assert isinstance(placed, FixedWindows)
    assert placed.dark_low is None


@pytest.mark.parametrize(
    ("window", "starts", "words"),
    [
        (Window(low_ns=300, high_ns=370), np.array([np.nan]), "no event has a trigger pulse"),
        (Window(low_ns=-80, high_ns=0), np.array([44.0]), "16 quiet samples"),
        (Window(low_ns=500, high_ns=570), np.array([44.0]), "260 samples"),
    ],
)
def test_a_window_without_room_says_why(
    window: Window, starts: NDArray[np.float64], words: str
) -> None:
    placed = place_windows(window, starts, 260, 2.0, noise_adc=4.4)
    assert isinstance(placed, NoFixedWindows)
    assert words in placed.reason
