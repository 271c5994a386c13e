"""What is in force after a flag was taken back, and whose word a flag stays."""

import pytest

from background_executor.commands import StopScan
from background_executor.decisions import decision_queries, offers
from background_executor.decisions.decision_commands import (
    RestoreScan,
    RetakeTakes,
    UnflagTakes,
    WithdrawDecisions,
)
from background_executor.decisions.decision_records import DecisionRecord
from background_executor.records import ScanRecord, ScanState
from tests.background_executor.decisions.shift import Shift
from tests.seed_results import Fate

CENTRE = "theta0_phi0"


def in_force(shift: Shift, scan: ScanRecord) -> DecisionRecord:
    decision = shift.bench.points(scan)[CENTRE].decision
    assert decision is not None
    return decision


def history(shift: Shift, scan: ScanRecord) -> list[str]:
    """Return the decisions about the first point, oldest first."""
    store, point = shift.bench.store, scan.plan.points[0]
    steps = decision_queries.decisions_of_point(store, scan.scan_id, point)
    return [step.decision.value if step.decision else "" for step in reversed(steps)]


def test_a_flag_that_is_undone_brings_the_acceptance_before_it_back(shift: Shift) -> None:
    scan = shift.complete_scan(Fate.POOR)
    shift.accept(scan, CENTRE, reason="known dip")
    accepted = in_force(shift, scan)
    shift.flag(scan, CENTRE)
    (offer, *_) = offers.undo_offers(shift.bench.store, "here", shift.bench.now, 30)
    shift.done(offer.command)
    back = in_force(shift, scan)
    assert (back.decision, back.reason) == ("accepted", "known dip")
    assert (back.operator, back.decided_at) == (accepted.operator, accepted.decided_at)
    assert back.comment == "back in force"
    assert history(shift, scan) == ["accepted", "flagged", "", "accepted"]
    assert shift.acts(scan)[-1] == "take 1 accepted"
    assert shift.archive(scan).state == "done"


def test_a_second_flag_that_is_undone_brings_the_same_back(shift: Shift) -> None:
    scan = shift.complete_scan(Fate.POOR)
    shift.accept(scan, CENTRE, reason="known dip")
    for _ in range(2):
        shift.flag(scan, CENTRE)
        shift.done(UnflagTakes(scan_id=scan.scan_id, takes=shift.seen(scan, CENTRE)))
    assert (in_force(shift, scan).decision, in_force(shift, scan).comment) == (
        "accepted",
        "back in force",
    )


def test_what_was_taken_back_before_a_flag_does_not_come_back_with_it(shift: Shift) -> None:
    scan = shift.complete_scan(Fate.POOR)
    shift.accept(scan, CENTRE)
    shift.done(WithdrawDecisions(scan_id=scan.scan_id, takes=shift.seen(scan, CENTRE)))
    shift.flag(scan, CENTRE)
    shift.done(UnflagTakes(scan_id=scan.scan_id, takes=shift.seen(scan, CENTRE)))
    assert history(shift, scan) == ["accepted", "", "flagged", ""]


@pytest.mark.parametrize("is_accepted", [False, True])
def test_a_flag_stays_its_operator_s_when_a_late_result_follows_it(
    is_accepted: bool, shift: Shift
) -> None:
    scan = shift.complete_scan(Fate.POOR)
    if is_accepted:
        shift.accept(scan, CENTRE)
    shift.flag(scan, CENTRE, comment="the base is loose")
    flagged = in_force(shift, scan)
    shift.publish(scan, scan.plan.points[0], Fate.POOR, take=1)
    for _ in range(4):
        shift.bench.step()
    assert {path.name for path in shift.flagged_folder(scan).glob("data_*")} == {
        f"data_{CENTRE}",
        f"data_{CENTRE}_rev2",
    }
    assert in_force(shift, scan) == flagged
    assert shift.last_move().comment == "revision 2 came after tester flagged the take"
    (offer, *_) = offers.undo_offers(shift.bench.store, "here", shift.bench.now, 30)
    assert "flagged by tester" in offer.words
    shift.done(offer.command)
    assert shift.decision(scan, CENTRE) == ("accepted" if is_accepted else "")


def test_a_restored_scan_says_why_it_was_stopped_however_often(shift: Shift) -> None:
    scan = shift.new_scan()
    shift.measure(scan, scan.plan.points[0])
    shift.done(StopScan(scan_id=scan.scan_id, reason="laser off"))
    before = shift.bench.scan(scan)
    for _ in range(2):
        assert shift.archive(scan, reason="end of shift").state == "done"
        assert shift.bench.scan(scan).message == "laser off"
        seen = shift.seen_scan(scan)
        shift.done(RestoreScan(scan_id=scan.scan_id, seen=seen, reason="to be looked at"))
        after = shift.bench.scan(scan)
        assert (after.state, after.message, after.ended_at) == (
            ScanState.STOPPED,
            "laser off",
            before.ended_at,
        )


def test_a_retake_of_a_restored_scan_that_is_taken_back_leaves_why_it_was_stopped(
    shift: Shift,
) -> None:
    scan = shift.new_scan()
    shift.measure(scan, scan.plan.points[0])
    shift.done(StopScan(scan_id=scan.scan_id, reason="laser off"))
    before = shift.bench.scan(scan)
    shift.archive(scan, reason="end of shift")
    seen = shift.seen_scan(scan)
    shift.done(RestoreScan(scan_id=scan.scan_id, seen=seen, reason="to be looked at"))
    shift.done(RetakeTakes(scan_id=scan.scan_id, takes=shift.seen(scan, CENTRE)))
    shift.done(WithdrawDecisions(scan_id=scan.scan_id, takes=shift.seen(scan, CENTRE)))
    after = shift.bench.scan(scan)
    assert (after.state, after.message, after.ended_at) == (
        ScanState.STOPPED,
        "laser off",
        before.ended_at,
    )
