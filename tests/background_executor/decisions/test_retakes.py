"""Several takes of one point: which one stands for it, and retakes that are taken back."""

from datetime import timedelta

from background_executor import queries
from background_executor.acts import do_next_command
from background_executor.commands import StopScan
from background_executor.decisions.decision_commands import (
    AcceptTakes,
    FlagTakes,
    RetakeTakes,
    UnflagTakes,
    WithdrawDecisions,
)
from background_executor.decisions.decision_queries import decisions_of_point
from background_executor.decisions.offers import takes_in_view
from background_executor.records import JobState, ScanState, Verdict
from server_side.journal import EndReason
from tests.background_executor.decisions.shift import Shift
from tests.background_executor.fake_job import Behaviour
from tests.seed_results import Fate

CENTRE, RIGHT = "theta0_phi0", "theta10_phi0"


def test_an_older_take_is_decided_about_on_its_own(shift: Shift) -> None:
    scan = shift.complete_scan(Fate.POOR)
    shift.measure(scan, scan.plan.points[0], Fate.HEALTHY)
    older = shift.seen_take(scan, CENTRE, 1)
    shift.done(FlagTakes(scan_id=scan.scan_id, takes=(older,), reason="noise"))
    assert {path.name for path in shift.flagged_folder(scan).glob("data_*")} == {f"data_{CENTRE}"}
    assert shift.decision(scan, CENTRE) == ""
    words = shift.refused(AcceptTakes(scan_id=scan.scan_id, takes=(older,), reason="fine"))
    assert f"{CENTRE} take 1 was flagged by tester" in words
    older = shift.seen_take(scan, CENTRE, 1)
    shift.done(UnflagTakes(scan_id=scan.scan_id, takes=(older,)))
    assert not list(shift.flagged_folder(scan).glob("data_*"))


def test_a_point_whose_newest_take_is_flagged_stands_with_its_newest_good_one(shift: Shift) -> None:
    scan = shift.complete_scan(Fate.HEALTHY, Fate.POOR)
    for point in scan.plan.points[:2]:
        shift.measure(scan, point, Fate.POOR)
    shown = takes_in_view(shift.bench.store, scan.scan_id).shown
    assert [(point.take, point.newest_take) for point in shown] == [(2, 2), (2, 2), (1, 1)]
    shift.flag(scan, CENTRE, RIGHT)
    view = takes_in_view(shift.bench.store, scan.scan_id)
    assert [(point.take, point.newest_take) for point in view.shown] == [(1, 2), (2, 2), (1, 1)]
    assert view.shown[0].verdict is not None
    assert view.shown[0].verdict.verdict is Verdict.HEALTHY
    assert [(point.point.name, point.take) for point in view.others] == [(CENTRE, 2), (RIGHT, 1)]
    takes = (shift.seen_take(scan, CENTRE, 1),)
    shift.done(RetakeTakes(scan_id=scan.scan_id, takes=takes))
    assert shift.bench.points(scan)[CENTRE].awaits_take == 3
    assert takes_in_view(shift.bench.store, scan.scan_id).shown[0].take == 2


def test_a_retake_of_a_stopped_scan_that_is_taken_back_leaves_it_stopped(shift: Shift) -> None:
    scan = shift.new_scan()
    for point in scan.plan.points[:2]:
        shift.measure(scan, point, Fate.POOR)
    shift.done(StopScan(scan_id=scan.scan_id, reason="laser off"))
    before = shift.bench.scan(scan)
    for name in (CENTRE, RIGHT):
        shift.done(RetakeTakes(scan_id=scan.scan_id, takes=shift.seen(scan, name)))
    assert shift.bench.scan(scan).state is ScanState.RUNNING
    takes = shift.seen(scan, CENTRE)
    shift.done(WithdrawDecisions(scan_id=scan.scan_id, takes=takes))
    assert shift.bench.scan(scan).state is ScanState.RUNNING
    shift.done(WithdrawDecisions(scan_id=scan.scan_id, takes=shift.seen(scan, RIGHT)))
    after = shift.bench.scan(scan)
    assert (after.state, after.message, after.ended_at) == (
        before.state,
        "laser off",
        before.ended_at,
    )


def test_a_retake_that_is_taken_back_twice_leaves_a_stopped_scan_its_own_end(shift: Shift) -> None:
    scan = shift.new_scan()
    shift.measure(scan, scan.plan.points[0], Fate.POOR)
    shift.done(StopScan(scan_id=scan.scan_id, reason="laser off"))
    before = shift.bench.scan(scan)
    for reason in ("asked too early", "asked too early again"):
        shift.done(RetakeTakes(scan_id=scan.scan_id, takes=shift.seen(scan, CENTRE)))
        takes = shift.seen(scan, CENTRE)
        shift.done(WithdrawDecisions(scan_id=scan.scan_id, takes=takes, reason=reason))
    after = shift.bench.scan(scan)
    assert (after.state, after.message) == (ScanState.STOPPED, "laser off")
    assert after.ended_at == before.ended_at


def test_the_data_of_a_retake_that_come_while_it_is_taken_back_stay(shift: Shift) -> None:
    scan = shift.complete_scan(Fate.POOR)
    shift.accept(scan, CENTRE)
    shift.done(RetakeTakes(scan_id=scan.scan_id, takes=shift.seen(scan, CENTRE)))
    bench = shift.bench
    wish = WithdrawDecisions(scan_id=scan.scan_id, takes=shift.seen(scan, CENTRE))
    bench.store.enqueue("here", wish, "tester", "late", bench.now)
    bench.step_clock()
    do_next_command(bench.site, bench.now, bench.now)
    shift.publish(scan, scan.plan.points[0])
    bench.step()
    (answer, *_) = queries.commands(bench.store, "here")
    assert "have come, and stay" in answer.answer
    history = decisions_of_point(bench.store, scan.scan_id, scan.plan.points[0])
    assert [(step.take, step.decision) for step in history] == [(1, "accepted")]


def test_a_retake_is_measured_though_the_job_of_one_taken_back_was_made_at_a_later_hour(
    shift: Shift,
) -> None:
    bench, scan = shift.bench, shift.complete_scan(Fate.POOR)
    bench.now += timedelta(hours=1)
    shift.done(RetakeTakes(scan_id=scan.scan_id, takes=shift.seen(scan, CENTRE)))
    bench.until(lambda: bench.newest_job(scan).state is JobState.RUNNING)
    shift.done(WithdrawDecisions(scan_id=scan.scan_id, takes=shift.seen(scan, CENTRE)))
    bench.until(lambda: bench.newest_job(scan).state is JobState.COMPLETED)
    assert bench.newest_job(scan).end_reason is EndReason.STOPPED
    bench.behave(Behaviour())
    jobs = len(bench.jobs(scan))
    bench.now -= timedelta(hours=1)
    shift.done(RetakeTakes(scan_id=scan.scan_id, takes=shift.seen(scan, CENTRE)))
    bench.until(lambda: bench.is_complete(scan))
    assert len(bench.jobs(scan)) == jobs + 1
