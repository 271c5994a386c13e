"""Numbers of events: doubled, lost, impossible, and the same for two different events."""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from server_side.wavedump import open_reader
from server_side.wavedump.sequence import MOST_HELD
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
MANY = make_events(60)
SLOW = MANY[::3]
"""A slow DAQ loses events between any two."""
DAMAGED = 7
"""Index of the event whose number is damaged."""


def all_but(*indices: int) -> list[int]:
    return [event.number for i, event in enumerate(EVENTS) if i not in indices]


def with_numbers(events: list[RawEvent], numbers: Mapping[int, int]) -> list[RawEvent]:
    """Return the events with other numbers where ``numbers`` has one for their index."""
    return [
        RawEvent(numbers.get(i, event.number), event.time_tag, event.samples)
        for i, event in enumerate(events)
    ]


def with_number(index: int, number: int) -> list[RawEvent]:
    return with_numbers(EVENTS, {index: number})


@pytest.mark.parametrize("name", WITH_HEADER)
def test_doubled_events_are_given_once_and_counted(raw_file: Path, name: str) -> None:
    doubled = [*EVENTS[:9], *EVENTS[6:9], *EVENTS[8:]]
    numbers, seen = read_content(raw_file, STYLES[name].content(doubled))
    assert numbers == all_but()
    assert (seen.doubled_events, seen.skipped_events) == (4, 0)
    assert "event number 106 a second time" in seen.damage[0]


@pytest.mark.parametrize("each", [1, 2, 5])
def test_of_a_file_in_which_many_events_are_doubled_none_is_lost(raw_file: Path, each: int) -> None:
    doubled = [event for i, event in enumerate(MANY) for _ in range(2 if i % each == 0 else 1)]
    numbers, seen = read_content(raw_file, STYLES["ascii"].content(doubled))
    assert numbers == [event.number for event in MANY]
    assert (seen.doubled_events, seen.skipped_events) == (len(doubled) - len(MANY), 0)


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
        assert numbers_of(list(reader.all_blocks())) == all_but(index)


@pytest.mark.parametrize("name", WITH_HEADER)
@pytest.mark.parametrize("index", [1, DAMAGED, 18])
@pytest.mark.parametrize("by", [-1, 1, 2])
def test_a_waveform_never_stands_under_the_number_of_another_event(
    raw_file: Path, name: str, index: int, by: int
) -> None:
    style = STYLES[name]
    raw_file.write_bytes(style.content(with_number(index, EVENTS[index].number + by)))
    reader = open_reader(raw_file, DAQ)
    samples = samples_by_number(list(reader.all_blocks()))
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
def test_a_last_event_whose_number_does_not_follow_waits_for_others(
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
        file.write(style.content(make_events(8, first=120)))
    assert numbers_of(list(reader.blocks())) == list(range(120, 128))
    seen = reader.summary()
    assert seen.torn_events == 0
    assert seen.skipped_events + seen.doubled_events == 1


def test_events_behind_lost_ones_are_given_once_enough_follow(raw_file: Path) -> None:
    raw_file.write_bytes(STYLES["ascii"].content([*EVENTS[:5], EVENTS[10]]))
    reader = open_reader(raw_file, DAQ)
    assert numbers_of(list(reader.blocks())) == [100, 101, 102, 103, 104]
    assert numbers_of(list(reader.blocks())) == []
    with raw_file.open("ab") as file:
        file.write(STYLES["ascii"].content(EVENTS[11:14]))
    assert numbers_of(list(reader.blocks())) == [110, 111, 112, 113]
    assert reader.summary().damage == ()


WITHOUT_TAG = re.compile(rb"Trigger Time Stamp: .*\n")


@pytest.mark.parametrize("name", WITH_HEADER)
@pytest.mark.parametrize("last", [1, 2, 3])
def test_last_events_behind_lost_ones_are_given_where_their_time_tags_say_so(
    raw_file: Path, name: str, last: int
) -> None:
    numbers, seen = read_content(raw_file, STYLES[name].content([*EVENTS[:12], *EVENTS[-last:]]))
    assert numbers == [*range(100, 112), *range(120 - last, 120)]
    assert (seen.torn_events, seen.skipped_events) == (0, 0)


@pytest.mark.parametrize("name", WITH_HEADER)
@pytest.mark.parametrize("last", [1, 2, 3])
def test_last_events_with_damaged_numbers_are_left_out_and_counted(
    raw_file: Path, name: str, last: int
) -> None:
    damaged = with_numbers(EVENTS, {20 - i: 520 - i for i in range(1, last + 1)})
    numbers, seen = read_content(raw_file, STYLES[name].content(damaged))
    assert numbers == all_but(*range(20 - last, 20))
    assert (seen.torn_events, seen.skipped_events) == (0, last)


@pytest.mark.parametrize(("last", "given"), [(1, []), (2, [118, 119])])
def test_without_time_tags_a_last_event_that_jumps_needs_one_that_follows_it(
    raw_file: Path, last: int, given: list[int]
) -> None:
    content = STYLES["ascii"].content([*EVENTS[:12], *EVENTS[-last:]])
    numbers, seen = read_content(raw_file, WITHOUT_TAG.sub(b"", content))
    assert numbers == [*range(100, 112), *given]
    assert (seen.torn_events, seen.skipped_events) == (0, last - len(given))


BORNE = {
    "two far up": {30: 1130, 31: 1131},
    "three far up": {30: 1130, 31: 1131, 32: 1132},
    "three without order": {30: 7000, 31: 500, 32: 901},
    "up, down, up": {30: 7000, 31: 4, 32: 7001},
    "three down": {30: 20, 31: 21, 32: 22},
    "the next numbers": {30: 133, 31: 134, 32: 135},
    "the first three": {0: 7000, 1: 7001, 2: 7002},
    "near each other": {30: 7000, 31: 8000, 34: 9000},
    "twice in a file": {10: 7000, 11: 8000, 12: 9000, 30: 400, 31: 401, 32: 402},
}


@pytest.mark.parametrize("name", WITH_HEADER)
@pytest.mark.parametrize("changes", BORNE.values(), ids=BORNE)
def test_neighbouring_damaged_numbers_cost_no_event_but_their_own(
    raw_file: Path, name: str, changes: Mapping[int, int]
) -> None:
    numbers, seen = read_content(raw_file, STYLES[name].content(with_numbers(MANY, changes)))
    assert numbers == [event.number for i, event in enumerate(MANY) if i not in changes]
    assert seen.skipped_events + seen.doubled_events == len(changes)


@pytest.mark.parametrize("first", range(2, 17))
@pytest.mark.parametrize("wrong", [(7000, 7001, 7002), (7000, 300, 900), (5, 7000, 6)])
def test_in_a_file_that_loses_events_all_along_they_cost_no_other_either(
    raw_file: Path, first: int, wrong: tuple[int, int, int]
) -> None:
    changes = dict(zip(range(first, first + 3), wrong, strict=True))
    numbers, seen = read_content(raw_file, STYLES["ascii"].content(with_numbers(SLOW, changes)))
    kept = [event.number for i, event in enumerate(SLOW) if i not in changes]
    behind = len(kept) - first
    assert numbers == kept if behind > 2 else kept[:first] == numbers[:first]
    assert seen.skipped_events + seen.doubled_events == len(SLOW) - len(numbers)


def test_a_file_that_loses_events_all_along_is_given_whole(raw_file: Path) -> None:
    numbers, seen = read_content(raw_file, STYLES["ascii"].content(SLOW))
    assert numbers == [event.number for event in SLOW]
    assert seen.damage == ()


@pytest.mark.parametrize("changes", BORNE.values(), ids=BORNE)
def test_what_is_left_out_does_not_depend_on_blocks_or_growth(
    raw_file: Path, changes: Mapping[int, int]
) -> None:
    parts = [STYLES["binary"].write(event) for event in with_numbers(MANY, changes)]
    expected = read_content(raw_file, b"".join(parts))
    for block_events in (1, 9, 13):
        reader = open_reader(raw_file, DAQ, block_events=block_events, window_bytes=1)
        assert (numbers_of(list(reader.all_blocks())), reader.summary()) == expected
    raw_file.write_bytes(b"")
    reader = open_reader(raw_file, DAQ)
    numbers: list[int] = []
    for part in parts:
        with raw_file.open("ab") as file:
            file.write(part)
        numbers += numbers_of(list(reader.blocks()))
        seen = reader.summary()
        assert seen.torn_events < MOST_HELD
    assert numbers + numbers_of(list(reader.all_blocks())) == expected[0]
    assert reader.summary() == expected[1]


@pytest.mark.parametrize("name", WITH_HEADER)
def test_a_counter_that_starts_anew_counts_all_behind_as_doubled(raw_file: Path, name: str) -> None:
    again = make_events(30, first=0, seed=2)
    numbers, seen = read_content(raw_file, STYLES[name].content([*EVENTS, *again]))
    assert numbers == all_but()
    assert (seen.doubled_events, seen.skipped_events) == (30, 0)
    assert "event number 0 a second time" in seen.damage[0]
