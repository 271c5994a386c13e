"""Files that grow, vanish, are truncated or may not be read."""

import errno
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from server_side.errors import RawDataError, RawFileChangedError
from server_side.wavedump import generation_of, inspect_file, open_reader, same_generation
from server_side.wavedump.generation import GENERATION_BYTES
from tests.server_side.wavedump.raw_content import (
    DAQ,
    STYLES,
    comma_event,
    make_events,
    numbers_of,
)

NOBODY = 65534
EVENTS = make_events(400)
ASCII = STYLES["ascii"].content(EVENTS)
MANY = [name for name in STYLES if "first" not in name]


def test_an_empty_file_gives_nothing_yet(raw_file: Path) -> None:
    raw_file.touch()
    reader = open_reader(raw_file, DAQ)
    assert list(reader.blocks()) == []
    seen = reader.summary()
    assert (seen.raw_format, seen.events, seen.torn_events) == ("empty", 0, 0)
    assert inspect_file(raw_file, DAQ).baseline_mean is None


def test_the_first_bytes_of_a_file_are_not_yet_known(raw_file: Path) -> None:
    raw_file.write_bytes(ASCII[:60])
    reader = open_reader(raw_file, DAQ)
    assert list(reader.blocks()) == []
    assert (reader.summary().raw_format, reader.summary().torn_events) == ("unknown", 1)
    raw_file.write_bytes(ASCII)
    assert len(numbers_of(list(reader.blocks()))) == 400


@pytest.mark.parametrize("kept", [0, 10, len(ASCII) // 2, len(ASCII) - 1])
def test_a_file_that_shrank_is_a_new_acquisition(raw_file: Path, kept: int) -> None:
    raw_file.write_bytes(ASCII)
    reader = open_reader(raw_file, DAQ)
    list(reader.blocks())
    os.truncate(raw_file, kept)
    with pytest.raises(RawFileChangedError, match="it was truncated or a new run overwrote it"):
        list(reader.blocks())


def test_a_file_that_was_rewritten_longer_is_a_new_acquisition(raw_file: Path) -> None:
    raw_file.write_bytes(ASCII)
    reader = open_reader(raw_file, DAQ)
    list(reader.blocks())
    raw_file.write_bytes(STYLES["ascii"].content(make_events(500, seed=2)))
    with pytest.raises(RawFileChangedError, match="was rewritten"):
        list(reader.blocks())


def test_truncation_between_two_blocks_is_noticed(raw_file: Path) -> None:
    raw_file.write_bytes(ASCII)
    reader = open_reader(raw_file, DAQ, block_events=50, window_bytes=1)
    blocks = reader.blocks()
    next(blocks)
    os.truncate(raw_file, 100)
    with pytest.raises(RawFileChangedError):
        list(blocks)


def test_a_new_run_between_two_blocks_is_noticed(raw_file: Path) -> None:
    raw_file.write_bytes(ASCII)
    reader = open_reader(raw_file, DAQ, block_events=50, window_bytes=1)
    blocks = reader.blocks()
    next(blocks)
    raw_file.write_bytes(STYLES["ascii"].content(make_events(900, seed=3)))
    with pytest.raises(RawFileChangedError):
        list(blocks)


def test_a_missing_file_is_named(raw_file: Path) -> None:
    with pytest.raises(RawDataError, match=f"no raw file {raw_file}: it was removed or moved"):
        list(open_reader(raw_file, DAQ).blocks())


def test_a_file_that_vanishes_is_named(raw_file: Path) -> None:
    raw_file.write_bytes(ASCII)
    reader = open_reader(raw_file, DAQ)
    list(reader.blocks())
    raw_file.unlink()
    with pytest.raises(RawDataError, match="removed or moved"):
        list(reader.blocks())


def test_a_file_below_a_file_is_named(raw_file: Path) -> None:
    raw_file.touch()
    with pytest.raises(RawDataError, match="no raw file"):
        generation_of(raw_file / "wave0.txt")


@pytest.mark.parametrize("seen_events", range(2, 10))
@pytest.mark.parametrize("damaged", [(1,), (1, 2), (1, 2, 3), (0, 1)])
def test_damaged_numbers_of_the_first_events_seen_make_no_counter_of_the_time_tag(
    raw_file: Path, seen_events: int, damaged: tuple[int, ...]
) -> None:
    events = make_events(30)
    for i in damaged:
        events[i] = replace(events[i], number=9999 - i)
    parts = [STYLES["binary"].write(event) for event in events]
    raw_file.write_bytes(b"".join(parts[:seen_events]))
    reader = open_reader(raw_file, DAQ)
    numbers = numbers_of(list(reader.blocks()))
    with raw_file.open("ab") as file:
        file.write(b"".join(parts[seen_events:]))
    numbers += numbers_of(list(reader.all_blocks()))
    assert reader.summary().raw_format == "binary"
    assert numbers == [event.number for i, event in enumerate(events) if i not in damaged]


@contextmanager
def without_rights() -> Iterator[None]:
    """Act as an account that owns nothing; root may read everything."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


def test_a_file_without_permission_is_named(raw_file: Path) -> None:
    raw_file.write_bytes(ASCII)
    raw_file.chmod(0)
    with without_rights(), pytest.raises(RawDataError, match=r"no permission to read .*access"):
        list(open_reader(raw_file, DAQ).blocks())


def test_a_disk_error_is_named_with_its_number(
    raw_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw_file.write_bytes(ASCII)
    reader = open_reader(raw_file, DAQ)

    def fail(*_arguments: object) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "preadv", fail)
    with pytest.raises(RawDataError, match=rf"cannot read {raw_file}: Input/output error .*disk"):
        list(reader.blocks())


def test_a_file_of_a_new_run_is_no_more_that_of_the_acquisition(tmp_path: Path) -> None:
    paths = [tmp_path / f"wave{channel}.txt" for channel in range(3)]
    for path in paths[:2]:
        path.write_bytes(ASCII)
    with same_generation(paths, {}), paths[0].open("ab") as file:
        file.write(ASCII)
    rewritten = pytest.raises(RawFileChangedError, match=r"wave1\.txt .* a new take")
    with rewritten, same_generation(paths, {}):
        paths[1].write_bytes(STYLES["ascii"].content(make_events(400, seed=2)))
    chosen_by = {paths[1]: "0" * 64}
    with rewritten, same_generation(paths, chosen_by):
        pass


def test_a_directory_is_no_raw_file(tmp_path: Path) -> None:
    with pytest.raises(RawDataError, match=r"wanted a raw file, found a directory: /"):
        inspect_file(tmp_path, DAQ)


def test_a_pipe_is_refused_at_once(raw_file: Path) -> None:
    os.mkfifo(raw_file)
    with pytest.raises(RawDataError, match="found a special file"):
        list(open_reader(raw_file, DAQ).blocks())


@pytest.mark.parametrize("name", MANY)
def test_the_generation_never_changes_while_a_file_grows(raw_file: Path, name: str) -> None:
    content = STYLES[name].content(EVENTS)[:9000]
    known: set[str | None] = set()
    for size in [*range(0, 5000, 97), 9000]:
        raw_file.write_bytes(content[:size])
        generation = generation_of(raw_file)
        assert generation is not None or known <= {None}
        known.add(generation)
    assert len(known) == 2


def test_another_run_has_another_generation(raw_file: Path) -> None:
    raw_file.write_bytes(ASCII)
    first = generation_of(raw_file)
    raw_file.write_bytes(STYLES["ascii"].content(make_events(400, seed=2)))
    assert generation_of(raw_file) not in (None, first)


def test_one_whole_event_is_enough_for_a_generation(raw_file: Path) -> None:
    event = STYLES["ascii"].write(EVENTS[0])
    raw_file.write_bytes(event[:-1])
    assert generation_of(raw_file) is None
    raw_file.write_bytes(event)
    assert generation_of(raw_file) is not None


LONG = comma_event(make_events(1, length=1024)[0])
USUAL = comma_event(make_events(1, length=260)[0])
NO_FIRST_EVENT = {
    "whole-long": LONG,
    "torn": USUAL[: len(USUAL) // 2],
    "torn-behind-a-blank": USUAL[: USUAL.rindex(b", ") + 2],
    "damaged-sample": USUAL[:-4] + b"x" + USUAL[-3:] + USUAL,
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", NO_FIRST_EVENT)
def test_a_first_event_with_commas_that_does_not_end_is_no_hang(raw_file: Path, kind: str) -> None:
    """Samples that could be told apart in two ways each would take 2^n steps."""
    content = NO_FIRST_EVENT[kind]
    raw_file.write_bytes(content)
    assert (generation_of(raw_file) is None) == (len(content) < GENERATION_BYTES)


@pytest.mark.parametrize("behind", [b"\n", b"\r\n", b",\n", b", \n", b" , \r\n"])
@pytest.mark.parametrize("length", [1, 24])
def test_the_line_end_behind_the_last_sample_ends_the_first_event(
    raw_file: Path, behind: bytes, length: int
) -> None:
    event = comma_event(make_events(1, length=length)[0]).rstrip(b"\n")
    whole = event + behind
    known: set[str | None] = set()
    for size in range(len(event), len(whole)):
        raw_file.write_bytes(whole[:size])
        known.add(generation_of(raw_file))
    assert known == {None}
    raw_file.write_bytes(whole)
    generation = generation_of(raw_file)
    assert generation is not None
    raw_file.write_bytes(whole + b"\n" + whole)
    assert generation_of(raw_file) == generation


def test_a_header_without_samples_is_no_event_to_know_a_file_by(raw_file: Path) -> None:
    raw_file.write_bytes(b"Record Length: 0\nChannel: 2\n15000\n")
    assert generation_of(raw_file) is None


def test_channels_can_be_read_side_by_side(tmp_path: Path) -> None:
    paths = [tmp_path / f"wave{channel}.txt" for channel in range(4)]
    for seed, path in enumerate(paths):
        path.write_bytes(STYLES["ascii"].content(make_events(400, seed=seed)))
    expected = [inspect_file(path, DAQ) for path in paths]
    found = dict.fromkeys(paths)
    threads = [
        threading.Thread(target=lambda path=path: found.update({path: inspect_file(path, DAQ)}))
        for path in paths
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(found.values()) == expected
