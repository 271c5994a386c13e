"""Acts that meet trouble on the server: finished or rolled back, never half done, and said."""

import shutil
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from background_executor import queries
from background_executor.acts import do_next_command
from background_executor.commands import ListAcquisitions
from background_executor.decisions import decision_queries
from background_executor.decisions.decision_commands import FlagTakes, RestoreScan, UnflagTakes
from background_executor.decisions.decision_records import MoveState
from background_executor.fetch import Fetches
from background_executor.records import CommandState
from background_executor.transport import CommandOutput, LocalTransport
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
    if call == "connect":  # it was not tried yet: the other waits its turn
        assert other.state is CommandState.WAITING
    else:
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


def test_a_foreign_folder_at_the_target_is_never_brought_back(shift: Shift) -> None:
    scan = shift.complete_scan()
    source = shift.results_folder(scan) / f"data_{CENTRE}"
    shutil.rmtree(source)
    foreign = shift.flagged_folder(scan) / source.name
    foreign.mkdir(parents=True)
    (foreign / "foreign.txt").write_text("x")
    answer = shift.flag(scan, CENTRE, RIGHT)
    assert answer.state is CommandState.REFUSED
    assert "has no MANIFEST.json" in answer.answer
    assert (foreign / "foreign.txt").is_file()
    assert not source.exists()
    assert (shift.results_folder(scan) / f"data_{RIGHT}").is_dir()


def test_a_scan_that_lies_in_the_archive_already_and_was_changed_stays_there(
    shift: Shift,
) -> None:
    scan = shift.complete_scan()
    source = Path(shift.bench.layout(scan).scan_folder)
    archived = shift.base / "archive" / source.name
    archived.parent.mkdir(exist_ok=True)
    source.rename(archived)
    (archived / scan.serial_number / f"data_{CENTRE}" / "notes.txt").write_text("x")
    answer = shift.archive(scan)
    assert answer.state is CommandState.REFUSED
    assert "has extra notes.txt" in answer.answer
    assert archived.is_dir()
    assert not source.exists()


def test_a_late_result_that_cannot_follow_its_flag_is_tried_once_and_moves_nothing_else(
    shift: Shift,
) -> None:
    scan = shift.complete_scan(Fate.POOR)
    shift.flag(scan, CENTRE)
    late = shift.results_folder(scan) / f"data_{CENTRE}_rev2"
    shift.publish(scan, scan.plan.points[0], Fate.POOR, take=1)
    shift.bench.step_clock()
    Fetches(shift.bench.site).fetch_waiting(shift.bench.now)
    (late / "notes.txt").write_text("x")
    for _ in range(4):
        shift.bench.step(20)
    tried, flagged = decision_queries.moves_of_scan(shift.bench.store, scan.scan_id)
    assert (tried.state, flagged.state) == (MoveState.ROLLED_BACK, MoveState.VERIFIED)
    assert "has extra notes.txt" in tried.message
    assert late.is_dir()
    assert [path.name for path in shift.flagged_folder(scan).glob("data_*")] == [f"data_{CENTRE}"]
    assert shift.decision(scan, CENTRE) == "flagged"


class SurprisingTransport(LocalTransport):
    """Fails in a way that nobody thought of."""

    def run(
        self, argv: Sequence[str], *, timeout_s: float, stdin: bytes | None = None
    ) -> CommandOutput:
        raise ValueError(f"no such thing: {argv[0]}")


def test_a_command_that_fails_as_none_ever_should_is_refused_and_does_not_come_again(
    settings_file: Path,
) -> None:
    bench = Bench(settings_file, transport=SurprisingTransport())
    key = str(uuid.uuid4())
    number = bench.store.enqueue("here", ListAcquisitions(), "tester", key, bench.now)
    assert do_next_command(bench.site, bench.now, bench.now) is not None
    answer = queries.command(bench.store, number)
    assert answer is not None
    assert answer.state is CommandState.REFUSED
    assert "a fault of this program: ValueError: no such thing" in answer.answer
    assert do_next_command(bench.site, bench.now, bench.now) is None
    bench.close()


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
