"""The executor killed -9 at each step of an act: afterwards it is finished or rolled back."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from background_executor import queries
from background_executor.commands import Command
from background_executor.crash_points import VARIABLE, CrashPoint, MoveCrashPoint
from background_executor.decisions import decision_queries
from background_executor.decisions.decision_commands import (
    AcceptTakes,
    ArchiveScan,
    CleanUp,
    FlagTakes,
    PlanCleanUp,
    UnflagTakes,
)
from background_executor.decisions.receipt import Receipt, ReceiptOutcome
from background_executor.records import CommandRecord, ScanRecord
from tests.background_executor.bench import ROOT
from tests.background_executor.decisions.shift import Shift
from tests.seed_results import Fate

CENTRE, RIGHT = "theta0_phi0", "theta10_phi0"
ON_THE_WAY = [
    CrashPoint.COMMAND_CLAIMED,
    MoveCrashPoint.INTENT_COMMITTED,
    MoveCrashPoint.SOURCE_VERIFIED,
    MoveCrashPoint.RECEIPT_WRITTEN,
    MoveCrashPoint.PART_RENAMED,
    MoveCrashPoint.ALL_RENAMED,
    MoveCrashPoint.MOVED_COMMITTED,
    MoveCrashPoint.TARGET_VERIFIED,
    MoveCrashPoint.ACT_COMMITTED,
]


def run_until_killed(settings: Path, moment: CrashPoint | MoveCrashPoint) -> None:
    argv = [sys.executable, "-m", "background_executor", "run", "--settings", str(settings)]
    environment = os.environ | {VARIABLE: moment.value}
    died = subprocess.run(
        argv, env=environment, cwd=ROOT, timeout=120, capture_output=True, text=True, check=False
    )
    assert died.returncode == -signal.SIGKILL, died.stderr


def enqueue(shift: Shift, wish: Command) -> int:
    return shift.bench.store.enqueue("here", wish, "tester", "once", shift.bench.now)


def answer(shift: Shift, number: int) -> CommandRecord:
    """Let another life of the executor go on, and return the answer."""
    shift.bench.restart()
    shift.bench.step()
    shift.bench.step()
    record = queries.command(shift.bench.store, number)
    assert record is not None
    assert decision_queries.moves_in_progress(shift.bench.store, "here") == ()
    return record


def assert_done_once(shift: Shift, number: int, before: dict[str, list[str]]) -> None:
    record = answer(shift, number)
    assert record.state == "done", record.answer
    after = shift.take_folders()
    assert after.keys() == before.keys()
    assert all(len(places) == 1 for places in after.values())
    (move,) = [
        move
        for move in decision_queries.moves(shift.bench.store, "here")
        if move.command_id == number
    ]
    receipts = [
        Receipt.model_validate_json(path.read_bytes())
        for path in shift.base.rglob(f"RECEIPT_{move.act.value}_*.json")
    ]
    assert [receipt.outcome for receipt in receipts] == [ReceiptOutcome.DONE]
    assert {part.folder for part in receipts[0].parts} == {part.folder for part in move.parts}


def flag(shift: Shift, scan: ScanRecord) -> FlagTakes:
    takes = shift.seen(scan, CENTRE, RIGHT)
    return FlagTakes(scan_id=scan.scan_id, takes=takes, reason="low gain")


@pytest.mark.parametrize("moment", ON_THE_WAY)
def test_a_flag_killed_at(moment: CrashPoint | MoveCrashPoint, shift: Shift) -> None:
    scan = shift.complete_scan()
    shift.measure(scan, scan.plan.points[0], take=1)
    before = shift.take_folders()
    number = enqueue(shift, flag(shift, scan))
    run_until_killed(shift.bench.settings, moment)
    assert_done_once(shift, number, before)
    assert [shift.decision(scan, name) for name in (CENTRE, RIGHT)] == ["flagged"] * 2
    assert len(list(shift.flagged_folder(scan).glob("data_*"))) == 3
    history = decision_queries.decisions_of_point(
        shift.bench.store, scan.scan_id, scan.plan.points[0]
    )
    assert [step.decision for step in history] == ["flagged"]


@pytest.mark.parametrize("moment", ON_THE_WAY)
def test_an_archive_killed_at(moment: CrashPoint | MoveCrashPoint, shift: Shift) -> None:
    scan = shift.complete_scan()
    before = shift.take_folders()
    wish = ArchiveScan(scan_id=scan.scan_id, seen=shift.seen_scan(scan))
    number = enqueue(shift, wish)
    run_until_killed(shift.bench.settings, moment)
    assert_done_once(shift, number, before)
    assert shift.bench.scan(scan).state == "archived"


@pytest.mark.parametrize("moment", [MoveCrashPoint.PART_RENAMED, MoveCrashPoint.TARGET_VERIFIED])
def test_an_unflag_killed_at(moment: MoveCrashPoint, shift: Shift) -> None:
    scan = shift.complete_scan()
    shift.flag(scan, CENTRE, RIGHT)
    before = shift.take_folders()
    takes = shift.seen(scan, CENTRE, RIGHT)
    number = enqueue(shift, UnflagTakes(scan_id=scan.scan_id, takes=takes))
    run_until_killed(shift.bench.settings, moment)
    assert_done_once(shift, number, before)
    assert [shift.decision(scan, name) for name in (CENTRE, RIGHT)] == [""] * 2


@pytest.mark.parametrize("moment", [MoveCrashPoint.RECEIPT_WRITTEN, MoveCrashPoint.TARGET_VERIFIED])
def test_an_acceptance_killed_at(moment: MoveCrashPoint, shift: Shift) -> None:
    scan = shift.complete_scan(Fate.POOR)
    before = shift.take_folders()
    takes = shift.seen(scan, CENTRE)
    number = enqueue(shift, AcceptTakes(scan_id=scan.scan_id, takes=takes, reason="known"))
    run_until_killed(shift.bench.settings, moment)
    assert_done_once(shift, number, before)
    assert shift.decision(scan, CENTRE) == "accepted"


@pytest.mark.parametrize("is_changed", [False, True])
def test_a_clean_up_killed_after_its_first_copy(is_changed: bool, shift: Shift) -> None:
    scan = shift.complete_scan()
    shift.done(PlanCleanUp())
    (count,) = decision_queries.clean_ups(shift.bench.store, "here")
    size = count.size_bytes
    number = enqueue(shift, CleanUp(plan=count.command_id, folders=3, size_bytes=size))
    run_until_killed(shift.bench.settings, MoveCrashPoint.COPY_TRASHED)
    copies, trash = shift.bench.store.results_folder, shift.bench.config.trash_folder
    assert (len(list(copies.rglob("data_*"))), len(list(trash.rglob("data_*")))) == (2, 1)
    if is_changed:
        (shift.results_folder(scan) / f"data_{CENTRE}" / "notes.txt").write_text("by hand")
    record = answer(shift, number)
    left = (len(list(copies.rglob("data_*"))), len(list(trash.rglob("data_*"))))
    assert (record.state, left) == (("refused", (3, 0)) if is_changed else ("done", (0, 3)))


def test_a_trash_that_takes_no_more_gives_everything_back(shift: Shift) -> None:
    shift.complete_scan()
    shift.done(PlanCleanUp())
    (count,) = decision_queries.clean_ups(shift.bench.store, "here")
    copies = shift.bench.store.results_folder
    *_, last = sorted(copies.rglob("data_*"))
    trash = shift.bench.config.trash_folder / f"clean-up-{count.command_id}"
    obstacle = trash / last.relative_to(copies)
    obstacle.mkdir(parents=True)
    (obstacle / "notes.txt").write_text("somebody put this here")
    wish = CleanUp(plan=count.command_id, folders=3, size_bytes=count.size_bytes)
    assert "Nothing was moved" in shift.refused(wish)
    assert len(list(copies.rglob("data_*"))) == 3


@pytest.mark.parametrize(
    "moment", [MoveCrashPoint.ROLL_BACK_COMMITTED, MoveCrashPoint.PART_RENAMED_BACK]
)
def test_a_roll_back_killed_at(moment: MoveCrashPoint, shift: Shift) -> None:
    scan = shift.complete_scan()
    before = shift.take_folders()
    number = enqueue(shift, flag(shift, scan))
    run_until_killed(shift.bench.settings, MoveCrashPoint.PART_RENAMED)
    stranger = shift.flagged_folder(scan) / f"data_{RIGHT}"
    stranger.mkdir()
    (stranger / "notes.txt").write_text("somebody put this here")
    run_until_killed(shift.bench.settings, moment)
    record = answer(shift, number)
    assert record.state == "refused"
    assert "nothing is overwritten" in record.answer
    assert "everything lies where it lay" in record.answer
    assert shift.take_folders() == before
    assert (stranger / "notes.txt").read_text() == "somebody put this here"
    assert shift.decision(scan, CENTRE) == ""
    assert shift.receipt().outcome is ReceiptOutcome.ROLLED_BACK
