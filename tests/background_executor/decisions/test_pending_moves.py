"""Acts that get no answer keep nobody else waiting, and quick ones wait their turn."""

import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

import pytest

from background_executor import queries
from background_executor.commands import Command, StartScan
from background_executor.decisions import decision_queries
from background_executor.decisions.decision_commands import (
    AcceptTakes,
    ArchiveScan,
    PlanCleanUp,
)
from background_executor.decisions.decision_records import MoveState
from background_executor.decisions.pending_moves import MAX_TRIES
from background_executor.decisions.receipt import ReceiptOutcome
from background_executor.errors import NoAnswerError, RemoteFileError
from background_executor.records import CommandRecord, CommandState, ScanRecord
from background_executor.transport import CommandOutput, LocalTransport, RemoteEntry
from server_side.scan import Slot
from tests.background_executor.bench import Bench
from tests.background_executor.decisions.shift import Shift
from tests.seed_results import Fate

CENTRE, RIGHT = "theta0_phi0", "theta10_phi0"
LONG_S = 600.0
"""Longer than any pause."""


class HangingTransport(LocalTransport):
    """Has files that no command comes to an end with, and folders that cannot be listed."""

    def __init__(self) -> None:
        self.hangs_below = ""
        self.is_closed_below = ""

    def run(
        self, argv: Sequence[str], *, timeout_s: float, stdin: bytes | None = None
    ) -> CommandOutput:
        if self.hangs_below and any(self.hangs_below in word for word in argv):
            raise NoAnswerError(f"{argv[0]} did not end within {timeout_s:g} s")
        return super().run(argv, timeout_s=timeout_s, stdin=stdin)

    def list_tree(self, folder: PurePosixPath, *, depth: int) -> tuple[RemoteEntry, ...]:
        if self.is_closed_below and self.is_closed_below in str(folder):
            raise RemoteFileError(f"cannot list {folder}: Permission denied")
        return super().list_tree(folder, depth=depth)


@pytest.fixture
def line() -> HangingTransport:
    return HangingTransport()


@pytest.fixture
def shift(settings_file: Path, line: HangingTransport) -> Iterator[Shift]:
    bench = Bench(settings_file, transport=line)
    yield Shift(bench)
    bench.close()


def other_scan(shift: Shift) -> ScanRecord:
    return shift.complete_scan(Fate.POOR, Fate.POOR, serial_number="KQ0151", slot=2)


def ask_at_once(shift: Shift, *wishes: Command) -> list[int]:
    """Enqueue wishes of several people before anybody is answered."""
    bench = shift.bench
    names = ("anna", "ben", "cora")
    return [
        bench.store.enqueue("here", wish, who, str(uuid.uuid4()), bench.now)
        for wish, who in zip(wishes, names, strict=False)
    ]


def answer(shift: Shift, number: int) -> CommandRecord:
    record = queries.command(shift.bench.store, number)
    assert record is not None
    return record


def test_a_file_that_hangs_keeps_no_other_scan_waiting_and_its_act_is_given_up(
    shift: Shift, line: HangingTransport
) -> None:
    scan, other = shift.complete_scan(), other_scan(shift)
    before = shift.take_folders()
    line.hangs_below = shift.bench.layout(scan).scan_name
    asked = shift.archive(scan)
    assert asked.state is CommandState.CLAIMED
    assert shift.last_move().message.startswith("it waits: find did not end within")
    assert shift.flag(other, CENTRE).state is CommandState.DONE
    for tried in range(2, MAX_TRIES + 1):
        assert answer(shift, asked.command_id).state is CommandState.CLAIMED, tried
        shift.bench.step(LONG_S)
    given_up = answer(shift, asked.command_id)
    assert given_up.state is CommandState.REFUSED
    assert f"no answer, {MAX_TRIES} times: find did not end" in given_up.answer
    assert "everything lies where it lay" in given_up.answer
    assert shift.bench.scan(scan).state == "complete"
    assert shift.take_folders().keys() == before.keys()
    line.hangs_below = ""
    assert shift.archive(scan).state is CommandState.DONE


def test_an_act_that_hangs_is_not_tried_in_every_turn(shift: Shift, line: HangingTransport) -> None:
    scan, other = shift.complete_scan(), other_scan(shift)
    line.hangs_below = shift.bench.layout(scan).scan_name
    asked = shift.archive(scan)
    line.hangs_below = ""
    assert shift.flag(other, CENTRE).state is CommandState.DONE
    assert answer(shift, asked.command_id).state is CommandState.CLAIMED
    shift.bench.step(20)
    assert answer(shift, asked.command_id).state is CommandState.DONE


def test_an_act_that_hangs_after_its_renames_is_never_given_up(
    shift: Shift, line: HangingTransport
) -> None:
    scan = shift.complete_scan(Fate.POOR)
    line.hangs_below = f"FLAG/{shift.bench.layout(scan).scan_name}"
    asked = shift.flag(scan, CENTRE)
    for _ in range(2 * MAX_TRIES):
        shift.bench.step(LONG_S)
    assert answer(shift, asked.command_id).state is CommandState.CLAIMED
    assert shift.last_move().state is MoveState.MOVED
    line.hangs_below = ""
    shift.bench.step(LONG_S)
    assert answer(shift, asked.command_id).state is CommandState.DONE
    assert shift.decision(scan, CENTRE) == "flagged"


def test_a_late_result_of_a_flagged_take_is_moved_however_long_the_server_hung(
    shift: Shift, line: HangingTransport
) -> None:
    scan = shift.complete_scan(Fate.POOR)
    assert shift.flag(scan, CENTRE).state is CommandState.DONE
    line.hangs_below = shift.bench.layout(scan).scan_name
    shift.publish(scan, scan.plan.points[0], Fate.POOR, take=1)
    for _ in range(2 * MAX_TRIES):
        shift.bench.step(LONG_S)
    line.hangs_below = ""
    for _ in range(3):
        shift.bench.step(LONG_S)
    assert not list(shift.results_folder(scan).glob(f"data_{CENTRE}*"))
    assert (shift.flagged_folder(scan) / f"data_{CENTRE}_rev2").is_dir()


def test_a_folder_that_cannot_be_listed_keeps_no_other_scan_waiting(
    shift: Shift, line: HangingTransport
) -> None:
    scan, other = shift.complete_scan(Fate.POOR), other_scan(shift)
    before = shift.take_folders()
    line.is_closed_below = f"FLAG/{shift.bench.layout(scan).scan_name}"
    asked = shift.flag(scan, CENTRE)
    assert shift.last_move().state is MoveState.ROLLING_BACK
    assert "Permission denied" in shift.last_move().message
    assert shift.flag(other, CENTRE).state is CommandState.DONE
    executor = queries.executor(shift.bench.store, "here")
    assert executor is not None
    assert "Permission denied" in executor.message
    line.is_closed_below = ""
    shift.bench.step(LONG_S)
    assert answer(shift, asked.command_id).state is CommandState.REFUSED
    assert shift.take_folders().keys() == before.keys()
    assert shift.decision(scan, CENTRE) == ""


def test_a_folder_that_could_not_be_listed_from_the_start_ends_the_act_at_once(
    shift: Shift, line: HangingTransport
) -> None:
    scan = shift.complete_scan(Fate.POOR, Fate.POOR)
    shift.flag(scan, RIGHT)
    line.is_closed_below = f"FLAG/{shift.bench.layout(scan).scan_name}"
    asked = shift.flag(scan, CENTRE)
    assert asked.state is CommandState.REFUSED
    assert "it renamed nothing; where its folders lie could not be looked at" in asked.answer
    assert "everything lies where it lay" not in asked.answer
    assert (shift.results_folder(scan) / f"data_{CENTRE}").is_dir()


def test_an_act_that_was_given_up_marks_its_receipt(shift: Shift, line: HangingTransport) -> None:
    scan = shift.complete_scan(Fate.POOR)
    line.hangs_below = shift.bench.layout(scan).scan_name
    shift.flag(scan, CENTRE)
    receipt = Path(shift.last_move().receipt)
    receipt.parent.mkdir(parents=True, exist_ok=True)
    receipt.write_text("{}")
    for _ in range(MAX_TRIES):
        shift.bench.step(LONG_S)
    assert shift.receipt().outcome is ReceiptOutcome.ROLLED_BACK


def test_a_scan_that_hangs_keeps_its_copies_and_the_others_are_counted(
    shift: Shift, line: HangingTransport
) -> None:
    scan, other = shift.complete_scan(), other_scan(shift)
    line.hangs_below = shift.bench.layout(scan).scan_name
    words = shift.done(PlanCleanUp())
    (count,) = decision_queries.clean_ups(shift.bench.store, "here")
    assert count.folders == len(other.plan.points)
    assert scan.scan_id in count.kept
    assert "did not end within" in count.kept
    assert "these stay" in words


def test_two_quick_acts_on_different_points_of_a_scan_are_both_done(shift: Shift) -> None:
    scan = shift.complete_scan(Fate.POOR, Fate.POOR)
    numbers = ask_at_once(
        shift,
        *(
            AcceptTakes(scan_id=scan.scan_id, takes=shift.seen(scan, name), reason="known")
            for name in (CENTRE, RIGHT)
        ),
    )
    shift.bench.step()
    assert [answer(shift, number).state for number in numbers] == ["done", "waiting"]
    shift.bench.step()
    assert [answer(shift, number).state for number in numbers] == ["done", "done"]
    assert shift.archive(scan).state is CommandState.DONE


def test_a_start_waits_until_the_scan_before_has_been_archived(shift: Shift) -> None:
    scan = shift.complete_scan()
    seen = shift.seen_scan(scan)
    numbers = ask_at_once(
        shift,
        ArchiveScan(scan_id=scan.scan_id, seen=seen),
        StartScan(serial_number=scan.serial_number, slot=Slot.ONE),
    )
    for _ in range(2):
        shift.bench.step()
    assert [answer(shift, number).state for number in numbers] == ["done", "done"]
    assert "begins with 3 points" in answer(shift, numbers[1]).answer
    assert shift.bench.scan(scan).state == "archived"
