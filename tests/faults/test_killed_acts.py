"""Every act over a real sshd and SLURM, its executor killed -9 at each of its steps.

An act is gone on with by executors of which each dies one step later than the
one before: after every death each file is there once, and after the last one
folders, store, receipts and audit agree. What an act did is undone by the next,
so that one scan serves for all.
"""

import shutil

import pytest

from background_executor import queries
from background_executor.commands import Command, StartScan
from background_executor.crash_points import MoveCrashPoint
from background_executor.decisions import decision_queries
from background_executor.decisions.decision_commands import (
    AcceptTakes,
    AcknowledgeTakes,
    ArchiveScan,
    CleanUp,
    FlagTakes,
    KeepAside,
    NoLongerAside,
    PlanCleanUp,
    RestoreScan,
    RetakeTakes,
    UnflagTakes,
    WithdrawDecisions,
)
from background_executor.decisions.receipt import ReceiptOutcome
from background_executor.records import JobState, ScanRecord
from server_side.scan import Slot
from tests.background_executor.decisions.truth import TrueTake
from tests.background_executor.fake_job import Behaviour
from tests.faults.cluster_bench import ClusterBench
from tests.faults.killed_acts import KilledActs

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

CENTRE, RIGHT, TOP = "theta0_phi0", "theta10_phi0", "theta10_phi90"
MOVING = (
    MoveCrashPoint.INTENT_COMMITTED,
    MoveCrashPoint.SOURCE_VERIFIED,
    MoveCrashPoint.RECEIPT_WRITTEN,
    MoveCrashPoint.PART_RENAMED,
    MoveCrashPoint.ALL_RENAMED,
    MoveCrashPoint.MOVED_COMMITTED,
    MoveCrashPoint.TARGET_VERIFIED,
    MoveCrashPoint.ACT_COMMITTED,
)
STILL = tuple(moment for moment in MOVING if moment is not MoveCrashPoint.PART_RENAMED)
"""Moments of an act that renames nothing."""
ROLLING_BACK = (MoveCrashPoint.ROLL_BACK_COMMITTED, MoveCrashPoint.PART_RENAMED_BACK)
MEASURES = Behaviour(fail=(TOP,))
WAITS = Behaviour(fail=(TOP,), waits_after=0)
"""A job that waits for data until it is asked to end."""


@pytest.fixture(scope="module")
def acts(shared_bench: ClusterBench) -> KilledActs:
    return KilledActs(shared_bench)


@pytest.fixture(scope="module")
def scan(acts: KilledActs) -> ScanRecord:
    """Return a scan of two measured points and one that failed, by a job of SLURM."""
    acts.bench.behave(MEASURES)
    scan = acts.bench.start_scan()
    acts.bench.until(lambda: acts.bench.is_complete(scan))
    acts.note(scan, failed=[TOP])
    return scan


def decide(acts: KilledActs, decision: str, *names: str) -> None:
    """Let a decision be the truth about the newest takes of points."""
    for point in acts.truths[0].points:
        if point.name in names:
            point.takes[-1].decision = decision
    acts.assert_consistent()


def reasons(acts: KilledActs, scan: ScanRecord) -> dict[str, str]:
    """Return why each point is decided about as it is, of those that are."""
    points = acts.bench.points(scan).values()
    return {p.point.name: p.decision.reason for p in points if p.decision is not None}


def test_a_flag_that_another_operator_runs_into_and_its_undoing(
    acts: KilledActs, scan: ScanRecord
) -> None:
    takes = acts.shift.seen(scan, CENTRE, RIGHT)
    flag = FlagTakes(scan_id=scan.scan_id, takes=takes, reason="noise")
    first = acts.enqueue(flag, "anna")
    second = acts.enqueue(AcceptTakes(scan_id=scan.scan_id, takes=takes, reason="known"), "ben")
    assert acts.killed(first, MOVING).state == "done"
    assert acts.answer(second).state == "refused"
    assert "by anna" in acts.answer(second).answer
    decide(acts, "flagged", CENTRE, RIGHT)
    takes = acts.shift.seen(scan, CENTRE, RIGHT)
    acts.done(UnflagTakes(scan_id=scan.scan_id, takes=takes), MOVING)
    decide(acts, "", CENTRE, RIGHT)


def test_an_archive_that_two_operators_ask_for_and_its_undoing(
    acts: KilledActs, scan: ScanRecord
) -> None:
    wish = ArchiveScan(
        scan_id=scan.scan_id, seen=acts.shift.seen_scan(scan), reason="moving on", override=True
    )
    first, second = acts.enqueue(wish, "anna"), acts.enqueue(wish, "ben")
    assert acts.killed(first, MOVING).state == "done"
    assert acts.answer(second).state == "refused"
    acts.truths[0].state = "archived"
    acts.assert_consistent()
    acts.done(RestoreScan(scan_id=scan.scan_id, seen=acts.shift.seen_scan(scan)), MOVING)
    acts.truths[0].state = "complete"
    acts.assert_consistent()


def test_an_acceptance_and_an_acknowledgement_and_their_undoing(
    acts: KilledActs, scan: ScanRecord
) -> None:
    takes = acts.shift.seen(scan, CENTRE)
    acts.done(AcceptTakes(scan_id=scan.scan_id, takes=takes, reason="known"), STILL)
    decide(acts, "accepted", CENTRE)
    takes = acts.shift.seen(scan, TOP)
    acts.done(AcknowledgeTakes(scan_id=scan.scan_id, takes=takes, reason="laser"), STILL)
    decide(acts, "acknowledged", TOP)
    assert reasons(acts, scan) == {CENTRE: "known", TOP: "laser"}
    takes = acts.shift.seen(scan, CENTRE, TOP)
    acts.done(WithdrawDecisions(scan_id=scan.scan_id, takes=takes), STILL)
    decide(acts, "", CENTRE, TOP)
    assert reasons(acts, scan) == {}


def test_a_retake_that_is_taken_back(acts: KilledActs, scan: ScanRecord) -> None:
    jobs = len(acts.bench.jobs(scan))
    acts.bench.behave(WAITS)
    point = acts.truths[0].points[0]
    takes = acts.shift.seen(scan, CENTRE)
    acts.shift.done(RetakeTakes(scan_id=scan.scan_id, takes=takes))
    point.awaits, acts.truths[0].state = True, "running"
    acts.bench.until(lambda: acts.bench.newest_job(scan).state is JobState.RUNNING)
    acts.assert_consistent()
    takes = acts.shift.seen(scan, CENTRE)
    acts.done(WithdrawDecisions(scan_id=scan.scan_id, takes=takes), STILL)
    acts.bench.until(lambda: acts.bench.is_complete(scan))
    point.awaits, acts.truths[0].state = False, "complete"
    acts.assert_consistent()
    assert len(acts.bench.jobs(scan)) == jobs + 1


def test_a_retake_is_measured_once(acts: KilledActs, scan: ScanRecord) -> None:
    jobs = len(acts.bench.jobs(scan))
    acts.bench.behave(MEASURES)
    takes = acts.shift.seen(scan, RIGHT)
    acts.done(RetakeTakes(scan_id=scan.scan_id, takes=takes), STILL)
    assert acts.bench.points(scan)[RIGHT].awaits_take == takes[0].newest_take + 1
    acts.bench.until(lambda: acts.bench.is_complete(scan))
    acts.truths[0].points[1].takes.append(TrueTake(takes[0].newest_take + 1, is_healthy=False))
    acts.assert_consistent()
    assert len(acts.bench.jobs(scan)) == jobs + 1


def test_a_flag_that_cannot_be_done_is_rolled_back(acts: KilledActs, scan: ScanRecord) -> None:
    takes = acts.shift.seen(scan, CENTRE, RIGHT)
    number = acts.enqueue(FlagTakes(scan_id=scan.scan_id, takes=takes, reason="noise"))
    acts.lives.end_at(MoveCrashPoint.PART_RENAMED)
    flagged = acts.shift.flagged_folder(scan)
    (moved,) = flagged.glob("data_*")
    names = [part.folder for part in acts.shift.last_move().parts]
    (left,) = set(names) - {moved.name}
    (flagged / left).mkdir()
    (flagged / left / "notes.txt").write_text("somebody put this here")
    record = acts.killed(number, ROLLING_BACK)
    assert record.state == "refused"
    assert "everything lies where it lay" in record.answer
    assert acts.shift.receipt().outcome is ReceiptOutcome.ROLLED_BACK
    assert (flagged / left / "notes.txt").read_text() == "somebody put this here"
    shutil.rmtree(flagged / left)
    acts.assert_consistent()


def test_keeping_aside_and_back(acts: KilledActs) -> None:
    scan = acts.shift.complete_scan(serial_number="KQ0151", slot=2)
    acts.bench.until(lambda: acts.bench.is_complete(scan))
    truth = acts.note(scan)
    seen = acts.shift.seen_scan(scan)
    acts.done(KeepAside(scan_id=scan.scan_id, seen=seen, reason="for the experts"), STILL)
    truth.is_aside = True
    acts.assert_consistent()
    seen = acts.shift.seen_scan(scan)
    acts.done(NoLongerAside(scan_id=scan.scan_id, seen=seen, reason="the wrong scan"), STILL)
    truth.is_aside = False
    acts.assert_consistent()


def test_a_clean_up_after_its_first_copy(acts: KilledActs, scan: ScanRecord) -> None:
    acts.shift.done(PlanCleanUp())
    (count,) = decision_queries.clean_ups(acts.bench.store, "here")
    copies, trash = acts.bench.store.results_folder, acts.bench.config.trash_folder
    there = len(list(copies.rglob("data_*")))
    assert there == count.folders > 1
    wish = CleanUp(plan=count.command_id, folders=there, size_bytes=count.size_bytes)
    number = acts.enqueue(wish)
    acts.lives.end_at(MoveCrashPoint.COPY_TRASHED)
    lie = (len(list(copies.rglob("data_*"))), len(list(trash.rglob("data_*"))))
    assert lie == (there - 1, 1)
    acts.bench.restart()
    assert acts.answer(number).state == "done"
    assert not list(copies.rglob("data_*"))
    assert len(list(trash.rglob("data_*"))) == there
    assert scan.scan_id in {truth.scan_id for truth in acts.truths}
    acts.assert_consistent()


def test_two_operators_start_on_one_place_at_once(acts: KilledActs) -> None:
    acts.bench.behave(WAITS)
    wishes: list[Command] = [
        StartScan(serial_number=name, slot=Slot.TWO) for name in ("KQ0301", "KQ0302")
    ]
    numbers = [acts.enqueue(w, who) for w, who in zip(wishes, ("anna", "ben"), strict=True)]
    assert [acts.answer(number).state for number in numbers] == ["done", "refused"]
    assert len(queries.running_scans(acts.bench.store, "here")) == 1
