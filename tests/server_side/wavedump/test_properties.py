"""What holds for any file and any damage."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server_side.errors import RawDataError
from server_side.wavedump import EventBlock, FileSummary, RawReader, open_reader
from tests.server_side.wavedump.raw_content import (
    DAQ,
    STYLES,
    WITH_HEADER,
    make_events,
    numbers_of,
    samples_by_number,
)

EVENTS = make_events(12)
CONTENT = {name: style.content(EVENTS) for name, style in STYLES.items()}
FIRST_BYTES = {
    name: np.cumsum([0, *(len(style.write(event)) for event in EVENTS)])
    for name, style in STYLES.items()
}
REORDERED = ("time-tag-first", "channel-first")
fast = settings(max_examples=25, deadline=None, derandomize=True)


@contextmanager
def raw_file() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "wave2.txt"


def read(content: bytes, *, block_events: int = 4096) -> tuple[list[EventBlock], FileSummary]:
    with raw_file() as path:
        path.write_bytes(content)
        reader = open_reader(path, DAQ, block_events=block_events, window_bytes=1)
        return list(reader.all_blocks()), reader.summary()


def read_while_it_grows(content: bytes, cuts: list[int]) -> tuple[list[EventBlock], RawReader]:
    with raw_file() as path:
        path.touch()
        reader = open_reader(path, DAQ, block_events=5, window_bytes=1)
        blocks = list(reader.blocks())
        begin = 0
        for cut in [*sorted(cuts), len(content)]:
            with path.open("ab") as file:
                file.write(content[begin:cut])
            begin = max(begin, cut)
            blocks += reader.blocks()
        blocks += reader.all_blocks()
        return blocks, reader


@pytest.mark.parametrize("name", STYLES)
@fast
@given(data=st.data())
def test_any_split_of_the_bytes_gives_the_same_events(name: str, data: st.DataObject) -> None:
    content = CONTENT[name]
    cuts = data.draw(st.lists(st.integers(0, len(content)), max_size=6))
    whole, seen = read(content)
    blocks, reader = read_while_it_grows(content, cuts)
    assert numbers_of(blocks) == numbers_of(whole)
    np.testing.assert_array_equal(
        np.concatenate([block.samples_adc for block in blocks]), whole[0].samples_adc
    )
    assert reader.summary() == seen


@pytest.mark.parametrize("name", STYLES)
@fast
@given(data=st.data())
def test_any_truncation_loses_at_most_the_torn_event(name: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(CONTENT[name])))
    blocks, seen = read(CONTENT[name][:cut])
    whole = int(np.searchsorted(FIRST_BYTES[name], cut, side="right")) - 1
    needed = 2 if name in REORDERED else 1  # which word is which shows only from two headers
    if whole >= needed:
        assert len(numbers_of(blocks)) == whole
        assert seen.torn_events == int(cut > FIRST_BYTES[name][whole])
    assert seen.skipped_events == 0
    assert seen.damage == ()


def damage(content: bytes, data: st.DataObject) -> tuple[bytes, int, int]:
    """Return damaged content, and from where to where in the original it is damaged."""
    begin = data.draw(st.integers(0, len(content) - 1), label="begin")
    length = data.draw(st.integers(1, 40), label="length")
    new = data.draw(st.binary(min_size=1, max_size=40), label="new")
    kind = data.draw(st.sampled_from(["flip", "delete", "insert"]), label="kind")
    if kind == "flip":
        return content[:begin] + new + content[begin + len(new) :], begin, begin + len(new)
    if kind == "delete":
        return content[:begin] + content[begin + length :], begin, begin + length
    return content[:begin] + new + content[begin:], begin - 1, begin + 1


@pytest.mark.parametrize("name", WITH_HEADER)
@fast
@given(data=st.data())
def test_damage_costs_no_event_but_its_own_and_a_neighbour(name: str, data: st.DataObject) -> None:
    content, begin, end = damage(CONTENT[name], data)
    first = int(np.searchsorted(FIRST_BYTES[name], begin, side="right")) - 1
    last = int(np.searchsorted(FIRST_BYTES[name], end, side="left")) - 1
    touched = range(first, last + 1)
    try:
        blocks, _ = read(content)
    except RawDataError:
        assert first <= 2, "only a beginning that is damaged may hide what the file is"
        return
    samples = samples_by_number(blocks)
    unhurt = [i for i in range(len(EVENTS)) if i not in touched]
    for i in unhurt:
        event = EVENTS[i]
        if event.number in samples:
            expected = STYLES[name].samples(event)
            np.testing.assert_allclose(samples[event.number], expected, rtol=1e-6)
    missing = {i for i in unhurt if EVENTS[i].number not in samples}
    assert missing <= {first - 1, last + 1}


@pytest.mark.parametrize("name", WITH_HEADER)
@fast
@given(data=st.data())
def test_missing_events_are_always_reported(name: str, data: st.DataObject) -> None:
    content, _, _ = damage(CONTENT[name], data)
    try:
        blocks, seen = read(content)
    except RawDataError:
        return
    missing = len(EVENTS) - len(set(numbers_of(blocks)) & {event.number for event in EVENTS})
    is_reported = seen.skipped_events + seen.torn_events + seen.doubled_events > 0
    has_gap = seen.last_event != EVENTS[-1].number or seen.first_event != EVENTS[0].number
    assert missing == 0 or is_reported or has_gap
    numbers = numbers_of(blocks)
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize("name", STYLES)
@fast
@given(data=st.data())
def test_bytes_of_any_kind_end_in_events_or_the_documented_error(
    name: str, data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(CONTENT[name])))
    content = CONTENT[name][:cut] + data.draw(st.binary(max_size=300))
    try:
        blocks, seen = read(content)
    except RawDataError:
        return
    numbers = numbers_of(blocks)
    assert seen.events == len(numbers)
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize("name", STYLES)
@fast
@given(taken=st.integers(1, 4), block_events=st.integers(1, 12))
def test_a_reader_that_is_left_in_the_middle_goes_on_there(
    name: str, taken: int, block_events: int
) -> None:
    with raw_file() as path:
        path.write_bytes(CONTENT[name])
        reader = open_reader(path, DAQ, block_events=block_events, window_bytes=1)
        numbers: list[int] = []
        while True:
            seen = len(numbers)
            for count, block in enumerate(reader.all_blocks(), start=1):
                numbers += block.event_number.tolist()
                if count == taken:
                    break
            if len(numbers) == seen:
                break
    assert len(numbers) == len(EVENTS)
    assert numbers == sorted(set(numbers))
