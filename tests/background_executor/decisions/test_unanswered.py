"""Calls that get no answer may have been done: the server is looked at before anything is said."""

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

from background_executor import queries
from background_executor.decisions.decision_records import MoveState
from background_executor.decisions.pending_moves import MAX_TRIES
from background_executor.decisions.receipt import ReceiptOutcome
from background_executor.errors import NoAnswerError, RemoteFileError
from background_executor.records import CommandRecord, CommandState
from background_executor.transport import LocalTransport, RemoteEntry
from tests.background_executor.bench import Bench
from tests.background_executor.decisions.shift import Shift
from tests.seed_results import Fate

CENTRE = "theta0_phi0"
LONG_S = 600.0
"""Longer than any pause."""


class SilentTransport(LocalTransport):
    """Does what it is told, or not, and leaves the one as the other without an answer."""

    def __init__(self) -> None:
        self.silent_after: set[str] = set()
        """Calls that are done."""
        self.silent_before: set[str] = set()
        """Calls that are not."""
        self.is_full = False

    def heal(self) -> None:
        self.silent_after, self.silent_before, self.is_full = set(), set(), False

    def write(self, path: PurePosixPath, content: bytes) -> None:
        self._be_silent("write", self.silent_before)
        if self.is_full:
            raise RemoteFileError(f"cannot write {path}: {os.strerror(28)}")
        super().write(path, content)
        if b'"outcome": "done"' in content:
            self._be_silent("write that it is done", self.silent_after)

    def rename(self, source: PurePosixPath, target: PurePosixPath) -> None:
        self._be_silent("rename", self.silent_before)
        super().rename(source, target)
        self._be_silent("rename", self.silent_after)

    def list_tree(self, folder: PurePosixPath, *, depth: int) -> tuple[RemoteEntry, ...]:
        self._be_silent("list", self.silent_before)
        return super().list_tree(folder, depth=depth)

    def exists(self, path: PurePosixPath) -> bool:
        if path.name.startswith("RECEIPT"):
            self._be_silent("look for receipt", self.silent_before)
        return super().exists(path)

    def _be_silent(self, call: str, silent: set[str]) -> None:
        if call in silent:
            raise NoAnswerError(f"no answer to {call}")


@pytest.fixture
def line() -> SilentTransport:
    return SilentTransport()


@pytest.fixture
def shift(settings_file: Path, line: SilentTransport) -> Iterator[Shift]:
    bench = Bench(settings_file, transport=line)
    yield Shift(bench)
    bench.close()


def answer(shift: Shift, asked: CommandRecord) -> CommandRecord:
    record = queries.command(shift.bench.store, asked.command_id)
    assert record is not None
    return record


@pytest.mark.parametrize("is_done", [True, False])
def test_a_first_rename_without_an_answer_is_looked_at_and_never_given_up(
    shift: Shift, line: SilentTransport, is_done: bool
) -> None:
    scan = shift.complete_scan(Fate.POOR)
    (line.silent_after if is_done else line.silent_before).add("rename")
    asked = shift.flag(scan, CENTRE)
    line.silent_before.add("list")
    for _ in range(2 * MAX_TRIES):
        shift.bench.step(LONG_S)
        assert answer(shift, asked).state is CommandState.CLAIMED
    assert shift.decision(scan, CENTRE) == ""
    line.heal()
    shift.bench.step(LONG_S)
    assert answer(shift, asked).state is CommandState.DONE
    assert [path.name for path in shift.flagged_folder(scan).glob("data_*")] == [f"data_{CENTRE}"]
    assert not (shift.results_folder(scan) / f"data_{CENTRE}").exists()


def spoil_behind_a_receipt_that_says_done(shift: Shift, line: SilentTransport) -> CommandRecord:
    """Leave the word that an act was done unanswered, and change its folder by hand."""
    scan = shift.complete_scan(Fate.POOR)
    line.silent_after.add("write that it is done")
    asked = shift.flag(scan, CENTRE)
    assert shift.receipt().outcome is ReceiptOutcome.DONE
    assert shift.last_move().state is MoveState.MOVED
    (shift.flagged_folder(scan) / f"data_{CENTRE}" / "notes.txt").write_text("x")
    line.heal()
    return asked


def test_a_receipt_that_says_done_is_marked_before_its_act_is_said_to_be_rolled_back(
    shift: Shift, line: SilentTransport
) -> None:
    asked = spoil_behind_a_receipt_that_says_done(shift, line)
    line.silent_before.add("write")
    for _ in range(2 * MAX_TRIES):
        shift.bench.step(LONG_S)
    assert shift.receipt().outcome is ReceiptOutcome.DONE
    assert shift.last_move().state is MoveState.ROLLING_BACK
    assert answer(shift, asked).state is CommandState.CLAIMED
    line.heal()
    shift.bench.step(LONG_S)
    assert shift.receipt().outcome is ReceiptOutcome.ROLLED_BACK
    assert answer(shift, asked).state is CommandState.REFUSED
    assert "everything lies where it lay" in answer(shift, asked).answer


def test_a_full_disk_leaves_no_receipt_that_says_done_of_what_was_rolled_back(
    shift: Shift, line: SilentTransport
) -> None:
    asked = spoil_behind_a_receipt_that_says_done(shift, line)
    line.is_full = True
    shift.bench.step(LONG_S)
    assert answer(shift, asked).state is CommandState.CLAIMED
    line.heal()
    shift.bench.step(LONG_S)
    assert shift.receipt().outcome is ReceiptOutcome.ROLLED_BACK
    assert answer(shift, asked).state is CommandState.REFUSED


def test_an_act_that_was_given_up_says_what_is_not_known_of_its_receipt(
    shift: Shift, line: SilentTransport
) -> None:
    scan = shift.complete_scan(Fate.POOR)
    line.silent_before |= {"write", "look for receipt"}
    asked = shift.flag(scan, CENTRE)
    for _ in range(MAX_TRIES):
        shift.bench.step(LONG_S)
    said = answer(shift, asked)
    assert said.state is CommandState.REFUSED
    assert "everything lies where it lay (whether its receipt says so is not known" in said.answer
    assert (shift.results_folder(scan) / f"data_{CENTRE}").is_dir()


def test_an_act_whose_folders_could_not_be_looked_at_says_no_more_than_that(
    shift: Shift, line: SilentTransport
) -> None:
    scan = shift.complete_scan(Fate.POOR)
    line.silent_before.add("list")
    asked = shift.flag(scan, CENTRE)
    for _ in range(MAX_TRIES):
        shift.bench.step(LONG_S)
    said = answer(shift, asked)
    assert said.state is CommandState.REFUSED
    assert "it renamed nothing; where its folders lie could not be looked at" in said.answer
    assert "everything lies where it lay" not in said.answer
