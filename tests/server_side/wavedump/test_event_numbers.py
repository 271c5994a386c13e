"""Numbers of events: doubled, lost, impossible, and the same for two different events."""

import re
from pathlib import Path

import numpy as np
import pytest

from server_side.wavedump import open_reader
from tests.server_side.wavedump.raw_content import (
    DAQ,
    STYLES,
    WITH_HEADER,
    RawEvent,
    make_events,
    numbers_of,
    read_content,
    samples_by_number,
)

EVENTS = make_events(20)
DAMAGED = 7
"""Index of the event whose number is damaged."""


def all_but(*indices: int) -> list[int]:
    return [event.number for i, event in enumerate(EVENTS) if i not in indices]


def with_number(index: int, number: int) -> list[RawEvent]:
    bad = RawEvent(number, EVENTS[index].time_tag, EVENTS[index].samples)
    return [*EVENTS[:index], bad, *EVENTS[index + 1 :]]


@pytest.mark.parametrize("name", WITH_HEADER)
def test_doubled_events_are_given_once_and_counted(raw_file: Path, name: str) -> None:
    doubled = [*EVENTS[:9], *EVENTS[6:9], *EVENTS[8:]]
    numbers, seen = read_content(raw_file, STYLES[name].content(doubled))
    assert numbers == all_but()
    assert (seen.doubled_events, seen.skipped_events) == (4, 0)
    assert "event number 106 a second time" in seen.damage[0]


@pytest.mark.parametrize("name", WITH_HEADER)
def test_lost_events_leave_a_gap_in_the_numbers_and_no_damage(raw_file: Path, name: str) -> None:
    numbers, seen = read_content(raw_file, STYLES[name].content(EVENTS[:5] + EVENTS[9:]))
    assert numbers == all_but(5, 6, 7, 8)
    assert (seen.skipped_events, seen.doubled_events) == (0, 0)


@pytest.mark.parametrize("wrong", [100_000_017, 3, 104, 110])
def test_an_impossible_event_number_costs_that_event_alone(raw_file: Path, wrong: int) -> None:
    numbers, seen = read_content(raw_file, STYLES["ascii"].content(with_number(DAMAGED, wrong)))
    assert numbers == all_but(DAMAGED)
    assert seen.skipped_events + seen.doubled_events == 1


def test_a_wrong_number_at_the_end_of_a_block_is_left_out_too(raw_file: Path) -> None:
    for index in range(1, 19):
        raw_file.write_bytes(STYLES["ascii"].content(with_number(index, 9999)))
        reader = open_reader(raw_file, DAQ, block_events=4)
        assert numbers_of(list(reader.blocks())) == all_but(index)


@pytest.mark.parametrize("name", WITH_HEADER)
@pytest.mark.parametrize("index", [1, DAMAGED, 18])
@pytest.mark.parametrize("by", [-1, 1, 2])
def test_a_waveform_never_stands_under_the_number_of_another_event(
    raw_file: Path, name: str, index: int, by: int
) -> None:
    style = STYLES[name]
    raw_file.write_bytes(style.content(with_number(index, EVENTS[index].number + by)))
    reader = open_reader(raw_file, DAQ)
    samples = samples_by_number(list(reader.blocks()))
    assert {100, 119} <= set(samples) | {100 + index - 1, 100 + index + 1}
    for number, found in samples.items():
        np.testing.assert_allclose(found, style.samples(EVENTS[number - 100]), rtol=1e-6)
    missing = len(EVENTS) - len(samples)
    seen = reader.summary()
    assert missing <= 3
    assert seen.skipped_events + seen.doubled_events + seen.torn_events == missing


def test_without_time_tags_the_samples_tell_two_events_of_one_number_apart(raw_file: Path) -> None:
    tagged = STYLES["ascii"].content([*with_number(9, EVENTS[10].number), EVENTS[19]])
    numbers, seen = read_content(raw_file, re.sub(rb"Trigger Time Stamp: .*\n", b"", tagged))
    assert numbers == all_but(9)
    assert (seen.skipped_events, seen.doubled_events) == (1, 1)
    assert "event number 110 at two different events" in seen.damage[0]


def test_two_events_of_one_number_are_both_left_out_where_nothing_tells_which_is_right(
    raw_file: Path,
) -> None:
    numbers, seen = read_content(
        raw_file, STYLES["ascii"].content([*EVENTS[:8], *with_number(10, 109)[9:]])
    )
    assert numbers == all_but(8, 9, 10)
    assert seen.skipped_events == 2


@pytest.mark.parametrize("name", WITH_HEADER)
@pytest.mark.parametrize("wrong", [121, 199, 1_048_695])
def test_a_last_event_whose_number_does_not_follow_waits_for_another_one(
    raw_file: Path, name: str, wrong: int
) -> None:
    style = STYLES[name]
    raw_file.write_bytes(style.content(with_number(19, wrong)))
    reader = open_reader(raw_file, DAQ)
    assert numbers_of(list(reader.blocks())) == all_but(19)
    seen = reader.summary()
    assert (seen.torn_events, seen.skipped_events, seen.last_event) == (1, 0, 118)
    lines_before = len(b"Shot number : 119 ") if name == "extra-lines" else 0
    assert seen.torn_byte is not None
    assert 0 <= seen.torn_byte - len(style.content(EVENTS[:19])) <= lines_before + 7
    with raw_file.open("ab") as file:
        file.write(style.content(make_events(2, first=120)))
    assert numbers_of(list(reader.blocks())) == [120, 121]
    seen = reader.summary()
    assert seen.torn_events == 0
    assert seen.skipped_events + seen.doubled_events == 1


def test_a_last_event_behind_lost_ones_is_given_once_another_one_follows(raw_file: Path) -> None:
    raw_file.write_bytes(STYLES["ascii"].content([*EVENTS[:5], EVENTS[10]]))
    reader = open_reader(raw_file, DAQ)
    assert numbers_of(list(reader.blocks())) == [100, 101, 102, 103, 104]
    assert numbers_of(list(reader.blocks())) == []
    with raw_file.open("ab") as file:
        file.write(STYLES["ascii"].content(EVENTS[11:13]))
    assert numbers_of(list(reader.blocks())) == [110, 111, 112]
    assert reader.summary().damage == ()


@pytest.mark.parametrize("name", WITH_HEADER)
def test_a_counter_that_starts_anew_counts_all_behind_as_doubled(raw_file: Path, name: str) -> None:
    again = make_events(30, first=0, seed=2)
    numbers, seen = read_content(raw_file, STYLES[name].content([*EVENTS, *again]))
    assert numbers == all_but()
    assert (seen.doubled_events, seen.skipped_events) == (30, 0)
    assert "event number 0 a second time" in seen.damage[0]
