"""Damage inside a file: skipped, counted, reported with its place, and nothing else lost."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from server_side.errors import NotWaveDumpError
from server_side.wavedump import open_reader
from tests.server_side.wavedump.raw_content import (
    DAQ,
    LENGTH,
    STYLES,
    WITH_HEADER,
    as_column,
    ascii_event,
    make_events,
    read_content,
    text_header,
)

EVENTS = make_events(20)
DAMAGED = 7
"""Index of the event that is damaged."""


def all_but(*indices: int) -> list[int]:
    return [event.number for i, event in enumerate(EVENTS) if i not in indices]


def with_damaged_text(damage: Callable[[bytes], bytes], style: str = "ascii") -> bytes:
    parts = [STYLES[style].write(event) for event in EVENTS]
    parts[DAMAGED] = damage(parts[DAMAGED])
    return b"".join(parts)


def place_of_damage(style: str = "ascii") -> int:
    return len(STYLES[style].content(EVENTS[:DAMAGED]))


def cut_a_sample(content: bytes) -> bytes:
    return content[: content.rindex(b"\n", 0, -1) + 1]


TEXT_DAMAGE: list[tuple[Callable[[bytes], bytes], str]] = [
    (cut_a_sample, "23 samples instead of 24"),
    (lambda c: c + b"15000\n", "more than 24 samples"),
    (lambda c: c[:-4] + b"x" + c[-3:], "sample 23 cannot be read"),
    (lambda c: c[:-3] + b"\x00" + c[-2:], "sample 23 cannot be read"),
    (lambda c: c[:-2] + b"999\n", "sample 23 lies outside the range of the ADC"),
    (lambda c: c[:-6] + b"01500\n", "sample 23 cannot be read"),
    (lambda c: c.replace(b"Length: 24", b"Length: 25"), "record length 25 instead of 24"),
    (lambda c: c.replace(b"Length: 24", b"Length: x4"), "Record Length cannot be read"),
    (lambda c: c.replace(b"Length: 24", b"Length: 0"), "Record Length 0 in the header instead of"),
    (lambda c: c.replace(b"Event Number: 1", b"Event Nxmber: 1"), "Event Number cannot be read"),
    (lambda c: c.replace(b"Channel: 2", b"Channel: 3"), "channel 3 instead of 2"),
    (lambda c: c.replace(b"Stamp: ", b"Stamp: -"), "Trigger Time Stamp cannot be read"),
    (lambda c: c.replace(b"Stamp: ", b"Stamp: 50000000"), "Trigger Time Stamp 5000000042 in"),
    (lambda c: c.replace(b"Channel: 2", b"Channel: x"), "Channel cannot be read in the header"),
    (lambda c: c.replace(b"Record Length: 24\n", b""), "bytes that belong to no event"),
    (lambda c: bytes(len(c)), "bytes that belong to no event"),
    (lambda c: c[: len(c) // 2], "cannot be read"),
    (lambda c: c[len(c) // 2 :], "bytes that belong to no event"),
]


@pytest.mark.parametrize(("damage", "words"), TEXT_DAMAGE)
def test_a_damaged_text_event_is_skipped_and_named_with_its_byte(
    raw_file: Path, damage: Callable[[bytes], bytes], words: str
) -> None:
    numbers, seen = read_content(raw_file, with_damaged_text(damage))
    place = place_of_damage()
    expected = all_but(DAMAGED)
    if words.startswith(("bytes that", "more than")) and numbers != expected:
        expected = all_but(DAMAGED - 1, DAMAGED)
    assert numbers == expected
    assert seen.skipped_events in (1, len(EVENTS) - len(numbers))
    assert words in seen.damage[0]
    byte = int(seen.damage[0].removeprefix("byte ").partition(":")[0])
    assert place - len(ascii_event(EVENTS[0])) <= byte < place + len(ascii_event(EVENTS[0]))


@pytest.mark.parametrize("name", WITH_HEADER)
@pytest.mark.parametrize("index", [0, DAMAGED, 18])
def test_bytes_missing_in_an_event_cost_that_event_alone(
    raw_file: Path, name: str, index: int
) -> None:
    parts = [STYLES[name].write(event) for event in EVENTS]
    parts[index] = parts[index][:-30] + parts[index][-9:]
    numbers, seen = read_content(raw_file, b"".join(parts))
    assert numbers == all_but(index)
    assert seen.skipped_events == 1
    assert seen.torn_events == 0


@pytest.mark.parametrize("name", WITH_HEADER)
def test_a_hole_of_zeros_counts_as_the_events_that_stood_there(raw_file: Path, name: str) -> None:
    parts = [STYLES[name].write(event) for event in EVENTS]
    parts[5:10] = [bytes(len(part)) for part in parts[5:10]]
    numbers, seen = read_content(raw_file, b"".join(parts))
    assert set(all_but(4, 5, 6, 7, 8, 9)) <= set(numbers) <= set(all_but(5, 6, 7, 8, 9))
    assert seen.skipped_events == len(EVENTS) - len(numbers)


@pytest.mark.parametrize("name", WITH_HEADER)
def test_a_hole_up_to_the_end_is_counted_too(raw_file: Path, name: str) -> None:
    content = STYLES[name].content(EVENTS)
    _, seen = read_content(raw_file, content + bytes(len(content)))
    assert len(EVENTS) - 1 <= seen.skipped_events <= len(EVENTS) + 1
    assert seen.torn_events == 0


@pytest.mark.parametrize("name", [name for name in WITH_HEADER if not STYLES[name].is_text])
def test_binary_with_one_header_left_is_never_read_as_samples_alone(
    raw_file: Path, name: str
) -> None:
    style = STYLES[name]
    parts = [style.write(event) for event in EVENTS]
    kept = parts[0] + b"".join(b"\x99\x3a" * (len(part) // 2) for part in parts[1:])
    raw_file.write_bytes(kept)
    with pytest.raises(NotWaveDumpError, match=f"{raw_file} is no WaveDump file"):
        list(open_reader(raw_file, DAQ).all_blocks())


@pytest.mark.parametrize("name", ["ascii", "comma", "x742-text"])
def test_a_damaged_first_event_does_not_decide_what_the_others_look_like(
    raw_file: Path, name: str
) -> None:
    parts = [STYLES[name].write(event) for event in EVENTS]
    parts[0] = parts[0].replace(b"Channel: 2", b"Channel: 7")
    numbers, seen = read_content(raw_file, b"".join(parts))
    assert numbers == all_but(0)
    assert seen.channel == 2


@pytest.mark.parametrize("name", ["binary", "x742-binary", "x742-long-binary"])
def test_a_damaged_first_size_is_mended_by_the_settings(raw_file: Path, name: str) -> None:
    content = bytearray(STYLES[name].content(EVENTS))
    content[1] = 0xFF
    numbers, seen = read_content(raw_file, bytes(content))
    assert numbers == all_but(0)
    assert (seen.raw_format, seen.skipped_events) == (STYLES[name].raw_format, 1)


WRONG_WORDS = [
    (0, f"an event of 7 bytes by its header instead of {24 + 2 * LENGTH}"),
    (1, "board 7 instead of 31"),
    (3, "channel 7 instead of 2"),
]


@pytest.mark.parametrize(("word", "words"), WRONG_WORDS)
def test_a_damaged_word_of_a_binary_header_is_named_with_its_value(
    raw_file: Path, word: int, words: str
) -> None:
    parts = [STYLES["binary"].write(event) for event in EVENTS]
    bad = parts[DAMAGED]
    parts[DAMAGED] = bad[: 4 * word] + (7).to_bytes(4, "little") + bad[4 * word + 4 :]
    # The event before it is confirmed by the other words; without them it would be lost too.
    numbers, seen = read_content(raw_file, b"".join(parts))
    assert numbers == all_but(DAMAGED)
    assert seen.damage == (f"byte {place_of_damage('binary')}: {words}",)


@pytest.mark.parametrize("name", ["time-tag-first", "channel-first"])
@pytest.mark.parametrize("deleted", [1, 2, 3, 4, 8, 10, 20, 26])
def test_bytes_missing_at_the_beginning_of_reordered_headers_cost_the_first_event_alone(
    raw_file: Path, name: str, deleted: int
) -> None:
    numbers, seen = read_content(raw_file, STYLES[name].content(EVENTS)[deleted:])
    assert numbers == all_but(0)
    assert (seen.raw_format, seen.skipped_events) == ("binary-reordered", 1)


@pytest.mark.parametrize("name", WITH_HEADER)
@pytest.mark.parametrize("others", [1, 2])
def test_a_longer_event_counts_as_one(raw_file: Path, name: str, others: int) -> None:
    longer = make_events(others, first=200, length=4 * LENGTH)
    content = STYLES[name].content([*EVENTS[:9], *longer, *EVENTS[9:]])
    numbers, seen = read_content(raw_file, content)
    assert set(all_but(8)) <= set(numbers) <= set(all_but())
    assert seen.skipped_events == others + len(EVENTS) - len(numbers)
    if name in ("ascii", "binary"):
        said = "record length 96 instead of 24" if name == "ascii" else "an event of 216 bytes by"
        assert numbers == all_but()
        assert said in seen.damage[0]


@pytest.mark.parametrize("size", [100, 5_000, 300_000, 0xFFFFFFFF])
def test_a_damaged_size_hides_none_of_the_events_that_are_skipped_behind_it(
    raw_file: Path, size: int
) -> None:
    parts = [STYLES["binary"].write(event) for event in EVENTS]
    parts[9] = size.to_bytes(4, "little") + parts[9][4:]
    parts[10:15] = [bytes(len(part)) for part in parts[10:15]]
    numbers, seen = read_content(raw_file, b"".join(parts))
    assert numbers == all_but(*range(9, 15))
    assert abs(seen.skipped_events - 6) <= (2 if size == 100 else 0)


def test_events_of_another_length_are_left_out(raw_file: Path) -> None:
    longer = make_events(6, first=120, length=30)
    numbers, seen = read_content(raw_file, STYLES["ascii"].content([*EVENTS, *longer]))
    assert numbers == all_but()
    assert seen.skipped_events == 6
    assert "record length 30 instead of 24" in seen.damage[0]


def test_headers_without_samples_and_samples_without_header_are_named(raw_file: Path) -> None:
    parts = [ascii_event(event) for event in EVENTS]
    parts[4] = text_header(EVENTS[4]).encode()
    parts[9] = as_column(EVENTS[9]).encode()
    numbers, seen = read_content(raw_file, b"".join(parts))
    assert set(all_but(4, 8, 9)) <= set(numbers) <= set(all_but(4, 9))
    assert "0 samples instead of 24" in seen.damage[0]


@pytest.mark.parametrize("name", ["bare-text", "bare-comma"])
def test_a_damaged_sample_without_headers_costs_its_event_alone(raw_file: Path, name: str) -> None:
    parts = [STYLES[name].write(event) for event in EVENTS]
    parts[3] = parts[3][:2] + b"#" + parts[3][3:]
    numbers, seen = read_content(raw_file, b"".join(parts))
    assert numbers == [n for n in range(20) if n != 3]
    assert seen.skipped_events == 1
    assert "sample 0 cannot be read" in seen.damage[0]


def test_without_headers_nothing_is_read_behind_damage_that_hides_where_events_begin(
    raw_file: Path,
) -> None:
    content = STYLES["bare-text"].content(EVENTS)
    place = content.index(b"\n", len(STYLES["bare-text"].content(EVENTS[:5])) + 20)
    numbers, seen = read_content(raw_file, content[:place] + content[place + 1 :])
    assert numbers == [0, 1, 2, 3, 4]
    assert seen.skipped_events == 15
    assert "the events behind cannot be told apart without headers" in seen.damage[0]


def test_a_sample_beyond_the_adc_in_bare_binary_costs_its_event(raw_file: Path) -> None:
    content = bytearray(STYLES["bare-binary"].content(EVENTS))
    content[2 * LENGTH * 3 + 1] = 0xFF
    numbers, seen = read_content(raw_file, bytes(content))
    assert numbers == [n for n in range(20) if n != 3]
    assert seen.skipped_events == 1


def test_only_the_first_faults_are_kept_in_words_and_all_are_counted(raw_file: Path) -> None:
    parts = [ascii_event(event) for event in make_events(200)]
    damaged = [
        part.replace(b"Pattern", b"Record") if i % 2 else part for i, part in enumerate(parts)
    ]
    content = b"".join(
        part.replace(b"Channel: 2", b"Channel: 9") if i % 2 else part
        for i, part in enumerate(damaged)
    )
    numbers, seen = read_content(raw_file, content)
    assert numbers == list(range(100, 300, 2))
    assert seen.skipped_events == 100
    assert len(seen.damage) == 20


def test_blank_lines_between_events_are_no_damage(raw_file: Path) -> None:
    content = b"\n\r\n".join(ascii_event(event) for event in EVENTS) + b"\n\n"
    numbers, seen = read_content(raw_file, content)
    assert numbers == all_but()
    assert (seen.damage, seen.torn_events) == ((), 0)


@pytest.mark.parametrize("header", [b"Unix time: 1234.5\n", b"Date: 20.02.2026\n"])
@pytest.mark.parametrize("wrong", [b"25003", b"-5003"])
@pytest.mark.parametrize("style", ["ascii", "comma"])
def test_a_point_in_a_header_line_lets_no_sample_out_of_range_in(
    raw_file: Path, header: bytes, wrong: bytes, style: str
) -> None:
    parts = [_with_header_line(STYLES[style].write(event), header) for event in EVENTS]
    parts[DAMAGED] = _with_second_sample(parts[DAMAGED], wrong)
    numbers, seen = read_content(raw_file, b"".join(parts))
    assert seen.raw_format == STYLES[style].raw_format
    assert numbers == all_but(DAMAGED)
    assert seen.skipped_events == 1


@pytest.mark.parametrize("style", ["ascii", "comma"])
@pytest.mark.parametrize("index", [0, 1])
def test_a_byte_overwritten_by_a_point_makes_no_x742_file(
    raw_file: Path, style: str, index: int
) -> None:
    parts = [STYLES[style].write(event) for event in EVENTS]
    parts[index] = _with_second_sample(parts[index], b"150.3")
    parts[DAMAGED] = _with_second_sample(parts[DAMAGED], b"25003")
    numbers, seen = read_content(raw_file, b"".join(parts))
    assert seen.raw_format == STYLES[style].raw_format
    assert numbers == all_but(index, DAMAGED)
    assert seen.skipped_events == 2


@pytest.mark.parametrize("wrong", [b"25003", b"-5003", b"150.3"])
@pytest.mark.parametrize("style", ["comma", "bare-comma"])
def test_lists_have_whole_samples_in_the_range_of_the_adc_alone(
    raw_file: Path, style: str, wrong: bytes
) -> None:
    parts = [STYLES[style].write(event) for event in EVENTS]
    parts[DAMAGED] = _with_second_sample(parts[DAMAGED], wrong)
    numbers, seen = read_content(raw_file, b"".join(parts))
    first = 0 if style == "bare-comma" else EVENTS[0].number
    assert numbers == [first + i for i in range(len(EVENTS)) if i != DAMAGED]
    assert seen.skipped_events == 1


def _with_header_line(event: bytes, line: bytes) -> bytes:
    """Put a line behind the one with the DC offset."""
    behind = event.index(b"\n", event.index(b"DC offset")) + 1
    return event[:behind] + line + event[behind:]


def _with_second_sample(event: bytes, sample: bytes) -> bytes:
    """Replace an event's second sample; samples have five digits."""
    first = re.search(rb"(?m)^\d{5}(, ?|\n)", event)
    assert first is not None
    return event[: first.end()] + sample + event[first.end() + 5 :]
