"""Every format is told by its content and read back as it was written."""

from pathlib import Path

import numpy as np
import pytest

from server_side.errors import NotWaveDumpError, RawDataError
from server_side.settings import DaqSettings
from server_side.wavedump import RawFormatName, inspect_file, open_reader
from server_side.wavedump.format_names import READABLE_FORMATS
from server_side.wavedump.formats import FORMATS
from tests.server_side.wavedump.raw_content import (
    CHANNEL,
    DAQ,
    LENGTH,
    STYLES,
    RawEvent,
    Style,
    ascii_event,
    make_events,
    numbers_of,
    samples_by_number,
)

TABLE_ENTRY = b"\x00\x04" + bytes(15) + b"%c"
"""Looks like a header that says 1024 bytes."""


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
def test_a_file_is_read_back_as_it_was_written(raw_file: Path, style: Style) -> None:
    events = make_events(50)
    raw_file.write_bytes(style.content(events))
    reader = open_reader(raw_file, DAQ)
    blocks = list(reader.all_blocks())
    seen = reader.summary()
    first = 100 if style.has_header else 0
    assert numbers_of(blocks) == list(range(first, first + 50))
    assert seen.raw_format == style.raw_format
    assert seen.channel == (CHANNEL if style.has_header else None)
    assert (seen.record_length, seen.events, seen.torn_events) == (LENGTH, 50, 0)
    assert (seen.first_event, seen.last_event) == (first, first + 49)
    assert (seen.skipped_events, seen.doubled_events, seen.damage) == (0, 0, ())
    for event, samples in zip(events, samples_by_number(blocks).values(), strict=True):
        np.testing.assert_allclose(samples, style.samples(event), rtol=1e-6)
    tags = np.concatenate([block.time_tag for block in blocks])
    assert tags.tolist() == ([e.time_tag for e in events] if style.has_header else [-1] * 50)


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
def test_the_setting_may_name_the_format(raw_file: Path, style: Style) -> None:
    raw_file.write_bytes(style.content(make_events(5)))
    daq = DAQ.model_copy(update={"raw_format": style.raw_format})
    assert inspect_file(raw_file, daq).events == 5


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
@pytest.mark.parametrize("name", READABLE_FORMATS)
def test_another_format_than_the_setting_says_is_refused(
    raw_file: Path, style: Style, name: RawFormatName
) -> None:
    raw_file.write_bytes(style.content(make_events(5)))
    daq = DAQ.model_copy(update={"raw_format": name})
    if name == style.raw_format:
        return
    with pytest.raises(NotWaveDumpError, match=rf"is no {name} file: expected .* at byte \d+"):
        list(open_reader(raw_file, daq).all_blocks())


@pytest.mark.parametrize("name", ["binary", "bare-binary", "channel-first"])
def test_binary_samples_that_look_like_letters_are_still_binary(raw_file: Path, name: str) -> None:
    events = [
        RawEvent(event.number, event.time_tag, event.samples % 16 + 0x3A41)
        for event in make_events(30)
    ]
    raw_file.write_bytes(STYLES[name].content(events))
    assert inspect_file(raw_file, DAQ).format == STYLES[name].raw_format


@pytest.mark.parametrize("count", [1, 50, 20_000])
@pytest.mark.parametrize("seed", range(3))
def test_binary_samples_near_zero_are_not_taken_for_sizes(
    raw_file: Path, count: int, seed: int
) -> None:
    noise = np.random.default_rng(seed).normal(3.0, 1.5, (count, LENGTH)).round()
    raw_file.write_bytes(noise.clip(0, 6).astype("<u2").tobytes())
    seen = inspect_file(raw_file, DAQ)
    assert (seen.format, seen.events, seen.damage) == ("binary-no-header", count, ())


@pytest.mark.parametrize("unit", [b"1", b",", b"\n", b"15000 ", b"0\r\n"])
def test_text_of_nothing_but_numbers_is_never_taken_for_binary_samples(
    raw_file: Path, unit: bytes
) -> None:
    raw_file.write_bytes(unit * 100_000)
    try:
        found = inspect_file(raw_file, DAQ).format
    except NotWaveDumpError:
        return
    assert found != RawFormatName.BINARY_NO_HEADER


def test_every_readable_name_has_one_format() -> None:
    assert sorted(each.name for each in FORMATS) == sorted(READABLE_FORMATS)


def test_an_unknown_format_name_in_the_settings_is_named_with_the_known_ones(
    raw_file: Path,
) -> None:
    daq = DAQ.model_copy(update={"raw_format": "asci"})
    with pytest.raises(RawDataError, match=r"no raw format is called 'asci'.*ascii-comma"):
        open_reader(raw_file, daq)


@pytest.mark.parametrize("name", ["ascii", "comma", "binary", "x742-text", "x742-binary"])
def test_the_record_length_comes_from_the_file_where_it_says(raw_file: Path, name: str) -> None:
    raw_file.write_bytes(STYLES[name].content(make_events(9, length=100)))
    assert inspect_file(raw_file, DAQ).record_length == 100


@pytest.mark.parametrize("name", STYLES)
def test_a_file_of_one_event_is_read(raw_file: Path, name: str) -> None:
    raw_file.write_bytes(STYLES[name].content(make_events(1)))
    if name in ("time-tag-first", "channel-first"):
        return  # which word is which shows only from one event to the next
    assert inspect_file(raw_file, DAQ).events == 1


def test_eight_bit_samples_are_read_when_the_settings_say_so(raw_file: Path) -> None:
    daq = DaqSettings(record_length=LENGTH, adc_bits=8)
    events = make_events(6)
    content = b""
    for event in events:
        words = np.array([24 + LENGTH, 31, 0, 2, event.number, event.time_tag], "<u4")
        content += words.tobytes() + (event.samples % 251).astype(np.uint8).tobytes()
    raw_file.write_bytes(content)
    reader = open_reader(raw_file, daq)
    (block,) = reader.all_blocks()
    assert reader.summary().raw_format == "binary"
    assert block.samples_adc.tolist() == [(event.samples % 251).tolist() for event in events]


def test_a_channel_that_is_no_number_is_unknown(raw_file: Path) -> None:
    content = ascii_event(make_events(1)[0]).replace(b"Channel: 2", b"Channel: TR_0_0")
    raw_file.write_bytes(content)
    inspection = inspect_file(raw_file, DAQ)
    assert (inspection.events, inspection.channel) == (1, None)


def test_a_missing_time_tag_is_minus_one(raw_file: Path) -> None:
    content = ascii_event(make_events(1)[0]).replace(b"Trigger Time Stamp: 7\n", b"")
    raw_file.write_bytes(content)
    (block,) = open_reader(raw_file, DAQ).all_blocks()
    assert block.time_tag.tolist() == [-1]


def test_the_time_tag_is_given_as_written_when_it_wraps(raw_file: Path) -> None:
    events = make_events(3)
    tags = [2**31 - 5, 2**31 - 1, 3]
    content = b"".join(
        ascii_event(event).replace(f"Stamp: {event.time_tag}\n".encode(), b"Stamp: %d\n" % tag)
        for event, tag in zip(events, tags, strict=True)
    )
    raw_file.write_bytes(content)
    (block,) = open_reader(raw_file, DAQ).all_blocks()
    assert block.time_tag.tolist() == tags


def test_inspection_agrees_with_plain_numpy(raw_file: Path) -> None:
    events = make_events(300, length=64)
    raw_file.write_bytes(STYLES["ascii"].content(events))
    inspection = inspect_file(raw_file, DAQ)
    baseline = np.array([event.samples[:40] for event in events], dtype=np.float64)
    assert inspection.baseline_mean == pytest.approx(baseline.mean(), rel=1e-12)
    assert inspection.noise_rms == pytest.approx(baseline.std(axis=1).mean(), rel=1e-12)
    assert list(inspection.model_dump()) == [
        "format",
        "events",
        "record_length",
        "channel",
        "first_event",
        "last_event",
        "baseline_mean",
        "noise_rms",
        "torn_events",
        "skipped_events",
        "doubled_events",
        "damage",
        "path",
        "size_bytes",
        "missing_events",
        "notes",
    ]


def test_inspection_of_an_empty_file_claims_nothing_that_was_not_measured(raw_file: Path) -> None:
    raw_file.write_bytes(b"")
    seen = inspect_file(raw_file, DAQ)
    assert (seen.format, seen.events) == ("empty", 0)
    measured = (seen.record_length, seen.channel, seen.first_event, seen.last_event)
    assert (*measured, seen.baseline_mean, seen.noise_rms) == (None,) * 6


def test_blocks_have_at_most_the_wanted_number_of_events(raw_file: Path) -> None:
    raw_file.write_bytes(STYLES["ascii"].content(make_events(25)))
    blocks = list(open_reader(raw_file, DAQ, block_events=10).all_blocks())
    assert [len(block.event_number) for block in blocks] == [10, 10, 5]
    assert numbers_of(blocks) == list(range(100, 125))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"theta,phi,gain\n0,0,1.033e+07\n" * 9, r"expected a header line, 'Record Length"),
        (b'{"spectra": []}\n' * 700, r"expected a header line"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40, r"expected .* at byte 0"),
        (bytes(10_000), r"expected .* at byte 0, found b?'\\x00"),
        (b"1.5\n2.5\nnan\n" * 99, r"expected 24 samples as text at byte 8, found 'nan"),
        (b"time,ch0\n" + b"0,15001\n1,14999\n" * 999, r"at byte 0, found 'time,ch0"),
        (
            b"0,15001\n1,14999\n" * 999,
            r"expected 24 samples, one on .* at byte 7, found a line of 2",
        ),
        (b"".join(b"%d\n" % row for row in range(3000)), r"expected .* at byte 0"),
        (b"192.168.0.1\n192.168.0.2\n" * 999, r"found '192\.168"),
        (b"Record Length: 24\nChannel: 2\n12\n13\n" * 99, r"expected a whole event"),
        (b"\xff\xfeR\x00e\x00c\x00" * 99, r"expected .* at byte 0"),
        ("Record Length: 24\n15001\n15002\n".encode("utf-16-le") * 99, r"found b?'R\\x00e"),
        # A small word among the first six could be the size of an event that is not whole.
        (b"\x7fELF\x02\x01\x01\x00" + bytes(range(256)) * 99, r"expected .* at byte 0"),
        (b"RIFF\xa0\x86\x01\x00WAVEfmt " + bytes(range(256)) * 99, r"expected .* at byte 0"),
        # Two words like headers far behind the beginning, as in a table of a program.
        (
            b"\xff" * 9000
            + TABLE_ENTRY % 0x43
            + b"\xff" * 1006
            + TABLE_ENTRY % 0x44
            + b"\xff" * 500,
            r"expected .* at byte 0",
        ),
    ],
)
def test_a_file_of_something_else_is_refused_with_place_expected_and_found(
    raw_file: Path, content: bytes, expected: str
) -> None:
    raw_file.write_bytes(content)
    with pytest.raises(NotWaveDumpError, match=expected) as refused:
        list(open_reader(raw_file, DAQ).all_blocks())
    assert str(refused.value).startswith(f"{raw_file} is no WaveDump file")


def table(columns: int, separator: str = ",", *, top: int = 16383) -> bytes:
    """Return a table of numbers that could all be samples."""
    rows = np.random.default_rng(3).normal(15000.0, 4.5, (400, columns)).round().astype(int) % top
    return "".join(separator.join(map(str, row)) + "\n" for row in rows).encode()


COLUMN = table(1)
NO_WAVEFORMS = {
    **{
        f"{n} columns, {sep!r}": (table(n, sep), sep.strip())
        for n in (2, 3, 10)
        for sep in (",", ", ")
    },
    "blanks": (table(2, " "), ""),
    "blanks, short": (table(2, " ", top=90), ""),
    "tabs": (table(3, "\t", top=90), ""),
    "semicolons": (table(2, ";", top=90), ""),
    "other record length": (table(2 * LENGTH), "samples, one on each line"),
    "heading of a letter": (b"V\n" + COLUMN, "header line"),
    "heading of a letter and a digit": (b"A0\n" + COLUMN, "header line"),
    "quoted heading": (b'"V"\n' + COLUMN, "header line"),
    "comment": (b"# 1\n" + COLUMN, "header line"),
    "JSON list": (b"[" + COLUMN.replace(b"\n", b", ")[:-2] + b"]", "more in a line"),
    "JSON list of small ones": (b"[" + table(900, top=90)[:-1] + b"]", "more in a line"),
    "JSON lines": (b"[\n" + COLUMN.replace(b"\n", b",\n") + b"0\n]\n", "header line"),
    "JSON rows": (b"[" + table(4).replace(b"\n", b"],\n[") + b"0]]\n", "a line of 4"),
    "one line": (COLUMN.replace(b"\n", b","), "more in a line"),
    "one whole line": (COLUMN.replace(b"\n", b",") + b"\n", "more in a line"),
}


@pytest.mark.parametrize("kind", NO_WAVEFORMS)
def test_a_table_of_numbers_is_refused_with_place_expected_and_found(
    raw_file: Path, kind: str
) -> None:
    content, expected = NO_WAVEFORMS[kind]
    raw_file.write_bytes(content)
    with pytest.raises(NotWaveDumpError, match=r"expected .* at byte \d+, found ") as refused:
        list(open_reader(raw_file, DAQ).all_blocks())
    assert expected in str(refused.value)


def test_one_damaged_line_of_the_first_makes_no_table_of_the_others(raw_file: Path) -> None:
    parts = [STYLES["bare-comma"].write(event) for event in make_events(20)]
    parts[1] = parts[1].split(b",", 1)[1]
    raw_file.write_bytes(b"".join(parts))
    assert inspect_file(raw_file, DAQ).format == "ascii-no-header"


@pytest.mark.parametrize("style", ["binary", "time-tag-first"])
@pytest.mark.parametrize("baseline", [16_255, 16_265, 16_300, 16_383])
def test_samples_near_the_top_of_the_adc_are_not_taken_for_floats(
    raw_file: Path, style: str, baseline: int
) -> None:
    samples = np.full(LENGTH, baseline)
    samples[10:12] -= 800
    events = [RawEvent(100 + i, 5 * i + 7, samples) for i in range(12)]
    raw_file.write_bytes(b"".join(STYLES[style].write(event) for event in events))
    reader = open_reader(raw_file, DAQ)
    (block,) = reader.all_blocks()
    assert reader.summary().raw_format == STYLES[style].raw_format
    assert (block.samples_adc == samples).all()


def test_a_first_event_of_zeros_does_not_decide_how_floats_are_read(raw_file: Path) -> None:
    first, *others = (STYLES["x742-binary"].write(event) for event in make_events(12))
    raw_file.write_bytes(first[:30] + bytes(len(first) - 30) + b"".join(others))
    reader = open_reader(raw_file, DAQ)
    assert numbers_of(list(reader.all_blocks()))[-11:] == list(range(101, 112))
    assert reader.summary().raw_format == "x742-binary"


@pytest.mark.parametrize("seed", range(20))
def test_samples_of_four_bytes_are_not_taken_for_headers(raw_file: Path, seed: int) -> None:
    samples = 15_000 + np.random.default_rng(seed).integers(-2, 3, 8_000)
    raw_file.write_bytes(samples.astype("<i4").tobytes())
    with pytest.raises(NotWaveDumpError, match="expected a w"):
        _read_to_the_end(raw_file)


def _read_to_the_end(path: Path) -> None:
    reader = open_reader(path, DAQ)
    assert numbers_of(list(reader.all_blocks())) == [], reader.summary()
    reader.require_event()
