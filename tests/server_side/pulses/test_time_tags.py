"""Rows of one trigger and rows of two, told apart by time tags alone."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from server_side.pulses import SlippedEvents, find_slipped_events, stored
from server_side.pulses.merge import align_files
from server_side.pulses.stored import FeatureFile
from server_side.pulses.table import unmeasured_table

EVENTS = 300
PERIOD = 62_500
WRAP = 1 << 31
TRIGGER, PMT = 0, 2

Tags = NDArray[np.int64]


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "ROWS_PER_CHUNK", 37)


def periodic_tags(count: int = EVENTS + 5) -> Tags:
    """Return tags of a pulser that wrap after a third of the events."""
    return (WRAP - 100 * PERIOD + PERIOD * np.arange(count, dtype=np.int64)) % WRAP


def random_tags(count: int = EVENTS + 5) -> Tags:
    steps = np.random.default_rng(3).exponential(PERIOD, count).astype(np.int64) + 70
    return np.cumsum(steps) % WRAP


def compare(trigger: Tags, pmt: Tags) -> tuple[SlippedEvents, ...]:
    files = []
    for channel, tags in ((TRIGGER, trigger), (PMT, pmt)):
        table = unmeasured_table(channel, np.arange(len(tags), dtype=np.int64))
        file = FeatureFile(channel, None)
        file.append(replace(table, time_tag=tags))
        files.append(file)
    return find_slipped_events(align_files(files, (TRIGGER, PMT), None), TRIGGER)


def slipped(events: int, first: int | None) -> tuple[SlippedEvents, ...]:
    return (SlippedEvents(PMT, events, first),)


def test_tags_of_one_board_agree_also_where_they_wrap() -> None:
    assert compare(periodic_tags(), periodic_tags()) == slipped(0, None)


@pytest.mark.parametrize("tags", [periodic_tags(), random_tags()], ids=["periodic", "random"])
@pytest.mark.parametrize("loser", [TRIGGER, PMT])
@pytest.mark.parametrize("at", [1, 2, 36, 37, 38, 150, EVENTS - 1])
def test_from_a_lost_event_on_every_row_has_slipped(tags: Tags, loser: int, at: int) -> None:
    short = np.delete(tags, at)[:EVENTS]
    whole = tags[:EVENTS]
    pair = (short, whole) if loser == TRIGGER else (whole, short)
    assert compare(*pair) == slipped(EVENTS - at, at)


@pytest.mark.parametrize("lost", [1, 2, 5])
@pytest.mark.parametrize("tags", [periodic_tags(), random_tags()], ids=["periodic", "random"])
def test_events_lost_before_the_first_row_are_noticed(tags: Tags, lost: int) -> None:
    (found,) = compare(tags[:EVENTS], tags[lost : EVENTS + lost])
    # Of random triggers the second row is the first that can tell, and two intervals may be alike.
    assert found.events >= EVENTS - 3
    assert found.first_event in (0, 1)


def test_a_second_loss_in_the_other_channel_brings_the_rows_together_again() -> None:
    tags = random_tags()
    assert compare(np.delete(tags, 200)[:EVENTS], np.delete(tags, 50)[:EVENTS]) == slipped(150, 50)


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("wrong", [-60_000, -3, 7, 60_000, 1 << 29])
def test_one_damaged_tag_costs_one_event_at_most(place: int, wrong: int) -> None:
    pair = [periodic_tags()[:EVENTS], periodic_tags()[:EVENTS]]
    pair[place][120] = (pair[place][120] + wrong) % WRAP
    (found,) = compare(*pair)
    assert found.events <= 1


@given(
    start=st.integers(0, WRAP - 1),
    drift=st.floats(-5e-5, 5e-5),
    jitter=st.integers(0, 1),
    seed=st.integers(0, 9),
)
def test_two_boards_with_clocks_of_their_own_agree(
    start: int, drift: float, jitter: int, seed: int
) -> None:
    true = np.cumsum(np.random.default_rng(seed).exponential(PERIOD, EVENTS) + 70)
    noise = np.random.default_rng(seed + 1).integers(0, jitter + 1, EVENTS)
    own = (start + np.floor(true * (1 + drift)).astype(np.int64) + noise) % WRAP
    (found,) = compare(np.floor(true).astype(np.int64) % WRAP, own)
    assert found.events in (0, EVENTS)  # all of them: the boards began whole intervals apart
    first = (own[0] - int(true[0])) % WRAP
    assert found.events == 0 or min(first, WRAP - first) < 101 * PERIOD * 1.3


def test_without_time_tags_nothing_is_compared() -> None:
    none = np.full(EVENTS, -1, np.int64)
    assert compare(periodic_tags()[:EVENTS], none) == ()
    assert compare(none, periodic_tags()[:EVENTS]) == ()


def test_without_the_trigger_s_channel_nothing_is_compared() -> None:
    file = FeatureFile(PMT, None)
    assert find_slipped_events(align_files([file], (PMT,), None), TRIGGER) == ()
