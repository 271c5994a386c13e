"""Acts that meet trouble on the server: finished or rolled back, never half done, and said."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from background_executor import queries
from background_executor.decisions import decision_queries
from background_executor.decisions.decision_commands import FlagTakes, RestoreScan, UnflagTakes
from background_executor.records import CommandState
from tests.background_executor.bench import Bench
from tests.background_executor.decisions.faulty import FaultyTransport
from tests.background_executor.decisions.shift import Shift
from tests.seed_results import Fate

CENTRE, RIGHT = "theta0_phi0", "theta10_phi0"


@pytest.fixture
def line() -> FaultyTransport:
    return FaultyTransport()


@pytest.fixture
def shift(settings_file: Path, line: FaultyTransport) -> Iterator[Shift]:
    bench = Bench(settings_file, transport=line)
    yield Shift(bench)
    bench.close()


@pytest.mark.parametrize("call", ["connect", "write", "rename"])
def test_a_lost_connection_leaves_the_act_in_hand_and_it_is_finished_later(
    shift: Shift, line: FaultyTransport, call: str
) -> None:
    scan = shift.complete_scan()
    before = shift.take_folders()
    takes = shift.seen(scan, CENTRE, RIGHT)
    line.breaks_at = call
    wish = FlagTakes(scan_id=scan.scan_id, takes=takes, reason="low gain")
    asked = shift.bench.ask(wish)
    assert asked.state is CommandState.CLAIMED
    (move,) = decision_queries.moves_in_progress(shift.bench.store, "here")
    assert call == "connect" or move.message == "it waits: connection lost"
    assert shift.decision(scan, CENTRE) == ""
    other = shift.bench.ask(wish)
    assert "is in hand: flag by tester" in other.answer
    line.breaks_at = ""
    shift.bench.step(20)
    done = queries.command(shift.bench.store, asked.command_id)
    assert done is not None
    assert done.state is CommandState.DONE
    assert shift.take_folders().keys() == before.keys()
    assert shift.decision(scan, CENTRE) == "flagged"


def test_a_full_disk_rolls_the_act_back(shift: Shift, line: FaultyTransport) -> None:
    scan = shift.complete_scan()
    before = shift.take_folders()
    line.is_full = True
    answer = shift.flag(scan, CENTRE)
    assert answer.state is CommandState.REFUSED
    assert "No space left on device" in answer.answer
    assert "everything lies where it lay" in answer.answer
    assert shift.take_folders() == before
    line.is_full = False
    assert shift.flag(scan, CENTRE).state is CommandState.DONE


def test_a_target_that_is_there_already_is_never_overwritten(shift: Shift) -> None:
    scan = shift.complete_scan()
    stranger = shift.flagged_folder(scan) / f"data_{CENTRE}"
    stranger.mkdir(parents=True)
    answer = shift.flag(scan, CENTRE, RIGHT)
    assert answer.state is CommandState.REFUSED
    assert f"data_{CENTRE} is in" in answer.answer
    assert list(stranger.iterdir()) == []
    assert (shift.results_folder(scan) / f"data_{RIGHT}").is_dir()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("content", "has changed result.json"),
        ("extra", "has extra notes.txt"),
        ("missing", "lacks result.json"),
        ("manifest", "has another MANIFEST.json"),
        ("link", "has changed result.json"),
    ],
)
def test_a_folder_that_was_changed_by_hand_is_not_moved(
    shift: Shift, change: str, words: str
) -> None:
    scan = shift.complete_scan()
    folder = shift.results_folder(scan) / f"data_{CENTRE}"
    file = folder / "result.json"
    if change == "content":
        file.write_text("{}")
    elif change == "extra":
        (folder / "notes.txt").write_text("x")
    elif change == "manifest":
        (folder / "MANIFEST.json").write_text("{}")
    else:
        file.unlink()
        if change == "link":
            file.symlink_to("/etc/passwd")
    for answer in (shift.flag(scan, CENTRE), shift.archive(scan)):
        assert answer.state is CommandState.REFUSED
        assert words in answer.answer
    assert folder.is_dir()
    assert shift.decision(scan, CENTRE) == ""


def test_a_folder_that_is_gone_is_said(shift: Shift) -> None:
    scan = shift.complete_scan()
    shutil.rmtree(shift.results_folder(scan) / f"data_{CENTRE}")
    answer = shift.flag(scan, CENTRE, RIGHT)
    assert answer.state is CommandState.REFUSED
    assert "neither in" in answer.answer
    assert shift.last_move().state == "failed"
    assert (shift.results_folder(scan) / f"data_{RIGHT}").is_dir()


def test_a_flag_that_was_moved_back_by_hand_can_be_taken_back(shift: Shift) -> None:
    scan = shift.complete_scan(Fate.POOR)
    shift.flag(scan, CENTRE)
    folder = shift.flagged_folder(scan) / f"data_{CENTRE}"
    folder.rename(shift.results_folder(scan) / folder.name)
    takes = shift.seen(scan, CENTRE)
    shift.done(UnflagTakes(scan_id=scan.scan_id, takes=takes))
    assert (shift.results_folder(scan) / folder.name).is_dir()


def test_an_archived_folder_that_was_changed_by_hand_is_not_restored(shift: Shift) -> None:
    scan = shift.complete_scan()
    shift.archive(scan)
    archived = shift.base / "archive" / shift.bench.layout(scan).scan_name
    (archived / scan.serial_number / f"data_{CENTRE}" / "result.json").write_text("{}")
    words = shift.refused(RestoreScan(scan_id=scan.scan_id, seen=shift.seen_scan(scan)))
    assert "has changed result.json" in words
    assert shift.bench.scan(scan).state == "archived"
    assert archived.is_dir()
