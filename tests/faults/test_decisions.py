"""What people decide, over a real sshd and SLURM: each act, and a line that is cut.

Deaths of the executor at each step of each act: ``test_killed_acts``.
"""

import pytest

from background_executor import queries
from background_executor.commands import Command, PreviousScan, StartScan
from background_executor.decisions import decision_queries
from background_executor.decisions.decision_commands import (
    AcceptTakes,
    AcknowledgeTakes,
    CleanUp,
    FlagTakes,
    KeepAside,
    PlanCleanUp,
    RestoreScan,
    RetakeTakes,
    UnflagTakes,
    WithdrawDecisions,
)
from background_executor.records import CommandRecord, ScanRecord
from server_side.scan import Slot
from tests.background_executor.decisions.shift import Shift
from tests.background_executor.fake_job import Behaviour
from tests.cluster.line import Line
from tests.faults.cluster_bench import ClusterBench

pytestmark = pytest.mark.cluster

CENTRE, RIGHT, TOP = "theta0_phi0", "theta10_phi0", "theta10_phi90"


@pytest.fixture
def shift(bench: ClusterBench) -> Shift:
    return Shift(bench)


def measured(bench: ClusterBench, **behaviour: object) -> ScanRecord:
    """Let a job of SLURM publish every point."""
    bench.behave(Behaviour(**behaviour))  # type: ignore[arg-type]
    scan = bench.start_scan()
    bench.until(lambda: bench.is_complete(scan))
    return scan


def test_every_act_about_takes(shift: Shift, bench: ClusterBench) -> None:
    scan = measured(bench, fail=(TOP,))
    before = shift.take_folders()
    assert shift.flag(scan, CENTRE, RIGHT, comment="$(touch /x); '\"").state == "done"
    assert len(list(shift.flagged_folder(scan).glob("data_*"))) == 2
    flagged = shift.seen(scan, CENTRE, RIGHT)
    shift.done(UnflagTakes(scan_id=scan.scan_id, takes=flagged))
    assert shift.take_folders() == before
    takes = shift.seen(scan, CENTRE)
    shift.done(AcceptTakes(scan_id=scan.scan_id, takes=takes, reason="known"))
    takes = shift.seen(scan, CENTRE)
    shift.done(WithdrawDecisions(scan_id=scan.scan_id, takes=takes))
    takes = shift.seen(scan, TOP)
    shift.done(AcknowledgeTakes(scan_id=scan.scan_id, takes=takes, reason="laser"))
    assert [shift.decision(scan, name) for name in (CENTRE, RIGHT, TOP)] == ["", "", "acknowledged"]


def test_a_retake_is_waited_for_by_a_job_and_becomes_the_next_take(
    shift: Shift, bench: ClusterBench
) -> None:
    scan = measured(bench)
    shift.flag(scan, CENTRE)
    takes = shift.seen(scan, CENTRE)
    shift.done(RetakeTakes(scan_id=scan.scan_id, takes=takes, reason="more light"))
    bench.until(lambda: bench.is_complete(scan), seconds=20)
    point = bench.points(scan)[CENTRE]
    assert (point.take, point.takes, point.decision) == (2, 2, None)
    assert len(bench.jobs(scan)) == 2


def test_every_act_about_scans(shift: Shift, bench: ClusterBench) -> None:
    scan = measured(bench)
    assert "3 points of scan" in shift.archive(scan).answer
    shift.accept(scan)
    before = shift.take_folders()
    assert shift.archive(scan).state == "done"
    assert bench.scan(scan).state == "archived"
    (count,) = [record for record in _counted(shift) if record.trashed_at is None]
    assert count.folders == 3
    size = count.size_bytes
    shift.done(CleanUp(plan=count.command_id, folders=3, size_bytes=size))
    shift.done(RestoreScan(scan_id=scan.scan_id, seen=shift.seen_scan(scan)))
    assert shift.take_folders() == before
    seen = shift.seen_scan(scan)
    shift.done(KeepAside(scan_id=scan.scan_id, seen=seen, reason="for the experts"))
    assert bench.scan(scan).is_kept_aside


def _counted(shift: Shift) -> tuple[decision_queries.CleanUpRecord, ...]:
    shift.done(PlanCleanUp())
    return decision_queries.clean_ups(shift.bench.store, "here")


def test_the_next_scan_archives_the_one_before(shift: Shift, bench: ClusterBench) -> None:
    first = measured(bench)
    wish = StartScan(serial_number="KQ0146", slot=Slot.ONE)
    assert "keep it aside" in shift.refused(wish)
    choice = {"previous": PreviousScan.ARCHIVE, "previous_reason": "night shift ends"}
    shift.done(wish.model_copy(update=choice))
    assert bench.scan(first).state == "archived"
    bench.until(lambda: all(bench.is_complete(s) for s in queries.scans(bench.store, "here")[:1]))


def test_two_operators_decide_about_one_take_at_once(shift: Shift, bench: ClusterBench) -> None:
    scan = measured(bench)
    takes = shift.seen(scan, CENTRE)
    wishes: tuple[Command, ...] = (
        FlagTakes(scan_id=scan.scan_id, takes=takes, reason="noise"),
        AcceptTakes(scan_id=scan.scan_id, takes=takes, reason="known"),
    )
    numbers = [
        bench.store.enqueue("here", wish, who, who, bench.now)
        for wish, who in zip(wishes, ("anna", "ben"), strict=True)
    ]
    bench.until(lambda: all(_is_answered(bench, number) for number in numbers))
    answers = [queries.command(bench.store, number) for number in numbers]
    assert [answer and answer.state for answer in answers] == ["done", "refused"]
    assert answers[1] is not None
    assert "anna" in answers[1].answer


def _is_answered(bench: ClusterBench, number: int) -> bool:
    record = queries.command(bench.store, number)
    return record is not None and record.answered_at is not None


def test_a_line_that_is_cut_leaves_no_act_half_done(
    shift: Shift, bench: ClusterBench, line: Line
) -> None:
    scan = measured(bench)
    before = shift.take_folders()
    line.cut()
    takes = shift.seen(scan, CENTRE, RIGHT)
    number = bench.store.enqueue(
        "here",
        FlagTakes(scan_id=scan.scan_id, takes=takes, reason="noise"),
        "anna",
        "once",
        bench.now,
    )
    bench.step(20)
    line.restore()
    bench.until(lambda: _is_answered(bench, number), seconds=20)
    _assert_flagged_once(shift, scan, before, queries.command(bench.store, number))


def _assert_flagged_once(
    shift: Shift, scan: ScanRecord, before: dict[str, list[str]], answer: CommandRecord | None
) -> None:
    assert answer is not None
    assert answer.state == "done", answer.answer
    after = shift.take_folders()
    assert after.keys() == before.keys()
    assert all(len(places) == 1 for places in after.values())
    assert len(list(shift.flagged_folder(scan).glob("data_*"))) == 2
    assert [shift.decision(scan, name) for name in (CENTRE, RIGHT)] == ["flagged"] * 2
