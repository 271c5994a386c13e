"""What a person is told of one raw file."""

from pathlib import Path

import pytest

from server_side.errors import NotWaveDumpError
from server_side.wavedump import inspect_file
from tests.server_side.wavedump.raw_content import DAQ, STYLES, make_events

EVENTS = make_events(6)
PARTS = [STYLES["ascii"].write(event) for event in EVENTS]


def test_of_a_whole_file_there_is_nothing_to_note(raw_file: Path) -> None:
    raw_file.write_bytes(b"".join(PARTS))
    seen = inspect_file(raw_file, DAQ)
    assert (seen.path, seen.size_bytes) == (str(raw_file), sum(map(len, PARTS)))
    assert (seen.events, seen.missing_events, seen.notes, seen.damage) == (6, 0, (), ())


@pytest.mark.parametrize("style", STYLES)
def test_a_torn_last_event_is_told_with_its_byte(raw_file: Path, style: str) -> None:
    parts = [STYLES[style].write(event) for event in EVENTS]
    whole = b"".join(parts[:3])
    raw_file.write_bytes(whole + parts[3][: len(parts[3]) // 2])
    seen = inspect_file(raw_file, DAQ)
    assert (seen.events, seen.torn_events) == (3, 1)
    (note,) = seen.notes
    first_byte = len(whole) + max(0, parts[3].find(b"Record Length:"))
    assert note.startswith(f"the event that begins at byte {first_byte} is held back")


@pytest.mark.parametrize(
    ("content", "note"),
    [
        (b"", "the file is empty: nothing was written yet"),
        (PARTS[0][:60], "60 bytes do not hold a whole event: too little to tell the format"),
    ],
)
def test_a_file_without_an_event_says_what_that_can_mean(
    raw_file: Path, content: bytes, note: str
) -> None:
    raw_file.write_bytes(content)
    (found,) = inspect_file(raw_file, DAQ).notes
    assert found.startswith(note)


def test_a_file_of_nothing_but_damage_is_refused(raw_file: Path) -> None:
    parts = [STYLES["binary"].write(event) for event in EVENTS]
    raw_file.write_bytes(b"".join(part[:24] + b"\xff" * (len(part) - 24) for part in parts))
    with pytest.raises(NotWaveDumpError, match=r"found none in 432 bytes \(byte 0: sample 0 lies"):
        inspect_file(raw_file, DAQ)


def test_numbers_that_no_event_has_are_counted(raw_file: Path) -> None:
    raw_file.write_bytes(b"".join([*PARTS[:2], *PARTS[4:]]))
    assert inspect_file(raw_file, DAQ).missing_events == 2


def test_events_of_another_channel_than_the_name_s_are_noted(tmp_path: Path) -> None:
    path = tmp_path / "wave3save_theta10_phi90.txt"
    path.write_bytes(b"".join(PARTS))
    (note,) = inspect_file(path, DAQ).notes
    assert note.startswith("the file's name says channel 3, its events say 2")


def test_a_name_without_a_channel_says_nothing_about_it(tmp_path: Path) -> None:
    path = tmp_path / "old_run.txt"
    path.write_bytes(b"".join(PARTS))
    assert inspect_file(path, DAQ).notes == ()


def test_more_faults_than_are_kept_in_words_are_said(raw_file: Path) -> None:
    parts = [STYLES["ascii"].write(event) for event in make_events(50)]
    parts[1::2] = [part.replace(b"\n1", b"\n-", 1) for part in parts[1::2]]
    raw_file.write_bytes(b"".join(parts))
    seen = inspect_file(raw_file, DAQ)
    assert (len(seen.damage), seen.skipped_events) == (20, 25)
    assert seen.notes == ("the first 20 faults are in words, all 25 are counted",)
