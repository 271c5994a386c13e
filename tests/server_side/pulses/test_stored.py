"""Features on disk behave as those in memory do."""

import os
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server_side.errors import FeatureFileError
from server_side.pulses import PulseTable, align, merge, scratch, stored, triggers
from server_side.pulses.merge import align_files
from server_side.pulses.stored import FeatureFile
from server_side.pulses.table import COLUMNS, unmeasured_table
from server_side.pulses.triggers import TriggerStarts
from server_side.root_file import read_root_file, write_root_file

CHUNK = 7
NUMBERS = st.lists(st.integers(0, 60), unique=True).map(sorted)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (stored, merge, triggers):
        monkeypatch.setattr(module, "ROWS_PER_CHUNK", CHUNK)


def table_of(channel: int, numbers: list[int]) -> PulseTable:
    """Return rows whose columns tell channel and event."""
    table = unmeasured_table(channel, np.array(numbers, np.int64))
    table.start_sample[:] = [1000.0 * channel + number for number in numbers]
    table.disturbed[:] = [number % 3 == 0 for number in numbers]
    return table


def file_of(channel: int, numbers: list[int], folder: Path | None = None) -> FeatureFile:
    file = FeatureFile(channel, folder)
    for first in range(0, len(numbers), 5):
        file.append(table_of(channel, numbers[first : first + 5]))
    return file


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@given(channels=st.lists(NUMBERS, min_size=1, max_size=4), required=st.sets(st.integers(0, 3)))
def test_files_align_as_tables_in_memory_do(channels: list[list[int]], required: set[int]) -> None:
    in_memory = align([table_of(c, numbers) for c, numbers in enumerate(channels)], required)
    on_disk = align_files(
        [file_of(c, numbers) for c, numbers in enumerate(channels)], required, None
    )
    assert on_disk.channels == in_memory.channels
    assert on_disk.losses == in_memory.losses
    assert len(on_disk) == len(in_memory)
    for channel in on_disk.channels:
        for name in COLUMNS:
            wanted = getattr(in_memory.of(channel), name)
            np.testing.assert_array_equal(getattr(on_disk.of(channel), name), wanted)


@given(trigger=NUMBERS, channel=NUMBERS, block=st.integers(1, 20))
def test_every_event_finds_its_own_trigger(
    trigger: list[int], channel: list[int], block: int
) -> None:
    starts = TriggerStarts(file_of(5, trigger))
    for first in range(0, len(channel), block):
        wanted = channel[first : first + block]
        expected = [5000.0 + number if number in trigger else np.nan for number in wanted]
        np.testing.assert_array_equal(starts.of(np.array(wanted, np.int64)), expected)


def test_chunks_hold_every_row_once() -> None:
    pulses = align_files([file_of(0, list(range(23))), file_of(2, list(range(23)))], {0, 2}, None)
    parts = [chunk.of(2).event_number.tolist() for chunk in pulses.chunks()]
    assert [number for part in parts for number in part] == list(range(23))
    assert max(map(len, parts)) == CHUNK


def test_a_root_file_written_in_chunks_reads_back_as_it_was(tmp_path: Path) -> None:
    pulses = align_files([file_of(c, list(range(3 * c, 40))) for c in (0, 2, 4)], {0, 2}, tmp_path)
    write_root_file(tmp_path / "point.root", pulses)
    back = read_root_file(tmp_path / "point.root")
    assert back.channels == pulses.channels == (0, 2, 4)
    assert len(back) == len(pulses) == 34
    for channel in back.channels:
        for name in COLUMNS:
            written = getattr(pulses.of(channel), name)
            np.testing.assert_array_equal(getattr(back.of(channel), name), written)


def test_a_very_long_table_is_thinned_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "MAX_TABLE_ROWS", 10)
    monkeypatch.setattr(scratch, "VALUES_PER_READ", 7)
    pulses = align_files([file_of(0, list(range(23))), file_of(2, list(range(23)))], {0, 2}, None)
    table = pulses.of(2)
    assert len(pulses) == 23
    assert len(table) == len(table.start_sample) == 8
    assert table.event_number.tolist() == list(range(0, 23, 3))
    assert pulses.arrival_ns(2, 0, 2.0).tolist() == [4000.0] * 8


def test_event_numbers_that_do_not_rise_are_refused() -> None:
    file = file_of(2, [1, 2, 3])
    with pytest.raises(ValueError, match="channel 2"):
        file.append(table_of(2, [3]))


def test_a_stored_table_has_every_column_of_a_table() -> None:
    pulses = align_files([file_of(2, [1, 2])], {2}, None)
    for field in fields(PulseTable):
        assert hasattr(pulses.of(2), field.name)


def test_the_files_have_no_name_and_their_room_is_given_back(tmp_path: Path) -> None:
    file = file_of(2, [1, 2, 3], tmp_path)
    opened = open_files()
    assert list(tmp_path.iterdir()) == []
    del file
    assert open_files() == opened - len(COLUMNS)


def test_a_file_system_that_needs_names_works_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # O_DIRECTORY alone is what such a file system makes of O_TMPFILE: it refuses to write.
    monkeypatch.setattr(os, "O_TMPFILE", os.O_DIRECTORY)
    file = file_of(2, [1, 2, 3], tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert file.column("event_number", range(3)).tolist() == [1, 2, 3]


def test_a_folder_that_is_not_there_is_named_in_the_error(tmp_path: Path) -> None:
    with pytest.raises(FeatureFileError, match="nowhere"):
        FeatureFile(2, tmp_path / "nowhere")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_an_error_of_the_features(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scratch, "_open_nameless", lambda _folder: os.open("/dev/full", os.O_RDWR))
    with pytest.raises(FeatureFileError, match="No space left"):
        file_of(2, [1, 2, 3], tmp_path)
