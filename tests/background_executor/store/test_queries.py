"""What pages ask, over a store in the middle of a shift."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from background_executor import queries
from background_executor.audit import EventFilter
from background_executor.commands import StopScan, SyncNow
from background_executor.decisions.decision_records import DecisionKind
from background_executor.records import (
    CommandState,
    ExecutorState,
    JobState,
    PointState,
    ScanState,
    Verdict,
)
from background_executor.states import is_settled
from background_executor.store import Store
from server_side.publish import verify_folder
from server_side.scan import ScanKind, ScanPlan, Take
from tests.seed_results import make_result
from tests.seed_store import COMPLETE_SCAN, HV_SCAN, OPERATOR, POOR_HV_SCAN, RUNNING_SCAN, Seeded

SITE = "demo"
SHA = "ab" * 32


def test_scans_come_newest_first_with_their_counts(seeded_store: Store) -> None:
    scans = queries.scans(seeded_store, SITE)
    assert [scan.scan_id for scan in scans] == [
        RUNNING_SCAN,
        COMPLETE_SCAN,
        POOR_HV_SCAN,
        HV_SCAN,
    ]
    running, complete, *_ = scans
    assert (running.points_stored, running.points_failed, running.points_planned) == (12, 1, 21)
    assert (complete.points_stored, complete.points_failed) == (20, 1)
    assert complete.state is ScanState.COMPLETE
    assert queries.scans(seeded_store, SITE, limit=1) == scans[:1]
    assert queries.scans(seeded_store, "elsewhere") == ()
    assert queries.running_scans(seeded_store, SITE) == (running,)


def test_the_current_scan_is_found_by_slot_or_by_pmt(seeded_store: Store) -> None:
    by_slot = queries.current_scan(seeded_store, SITE, ScanKind.POSITION, slot=2)
    by_pmt = queries.current_scan(seeded_store, SITE, ScanKind.POSITION, serial_number="KQ0151")
    newest = queries.current_scan(seeded_store, SITE, ScanKind.POSITION)
    assert by_slot is not None
    assert newest is not None
    assert by_slot == by_pmt
    assert (by_slot.scan_id, newest.scan_id) == (COMPLETE_SCAN, RUNNING_SCAN)
    assert queries.current_scan(seeded_store, SITE, ScanKind.HV, 2, "KQ0146") is None


def test_an_archived_scan_is_not_current(store: Store, plan: ScanPlan, now: datetime) -> None:
    with store.writing(now) as writer:
        writer.add_scan(plan, "me")
        writer.set_scan_state(plan.scan_id, ScanState.STOPPED, "me")
        writer.set_scan_state(plan.scan_id, ScanState.ARCHIVED, "me")
    assert queries.current_scan(store, SITE, ScanKind.POSITION) is None
    assert queries.scan(store, plan.scan_id) is not None


def test_points_show_every_state_and_verdict_there_is(seeded_store: Store) -> None:
    points = queries.points(seeded_store, RUNNING_SCAN)
    assert len(points) == 21
    assert {point.state for point in points} == set(PointState) - {PointState.PUBLISHED}
    verdicts = {point.verdict.verdict for point in points if point.verdict}
    assert verdicts == set(Verdict) - {Verdict.IMPORTED}
    for point in points:
        stored = point.state is PointState.STORED
        assert stored == (point.result_id is not None) == (point.stored_at is not None)
        assert not (point.gain and point.gain_missing)
        assert not stored or bool(point.gain) != bool(point.gain_missing)
    assert points[12].takes == 2
    assert queries.points(seeded_store, "ffffffffffff") == ()


def test_a_result_comes_with_its_verified_folder(seeded_store: Store, seeded: Seeded) -> None:
    point = queries.points(seeded_store, RUNNING_SCAN)[0]
    assert point.result_id is not None
    stored = queries.result(seeded_store, point.result_id)
    assert stored is not None
    assert stored.verdict == point.verdict
    assert stored.folder.is_relative_to(seeded.config.results_folder)
    assert verify_folder(stored.folder).take == stored.result.take
    assert queries.result(seeded_store, 10_000) is None


@pytest.mark.parametrize(
    ("filters", "acts"),
    [
        (EventFilter(act="scan complete"), {"scan complete"}),
        (EventFilter(actor=OPERATOR, subject=f"point {COMPLETE_SCAN}"), {"take 1 accepted"}),
        (EventFilter(text="low GAIN"), {"take 1 flagged"}),
        (EventFilter(text="%"), set()),
        (EventFilter(subject="point ____"), set()),
    ],
    ids=["act", "actor and subject", "text in any case", "per cent sign", "underscore"],
)
def test_the_audit_is_filtered(seeded_store: Store, filters: EventFilter, acts: set[str]) -> None:
    found = queries.events(seeded_store, SITE, filters, limit=1000)
    if filters.text == "%":
        assert all("%" in event.reason for event in found)
    else:
        assert {event.act for event in found} == acts


def test_the_audit_is_newest_first_and_may_begin_at_a_moment(
    seeded_store: Store, seeded: Seeded
) -> None:
    everything = queries.events(seeded_store, SITE, limit=10_000)
    numbers = [event.event_id for event in everything]
    assert numbers == sorted(numbers, reverse=True)
    since = seeded.now - timedelta(minutes=30)
    recent = queries.events(seeded_store, SITE, EventFilter(since=since), limit=10_000)
    assert recent == tuple(event for event in everything if event.at >= since)
    assert 0 < len(recent) < len(everything)


def test_jobs_commands_acquisitions_and_the_executor_are_shown(
    seeded_store: Store, seeded: Seeded
) -> None:
    (job,) = queries.jobs(seeded_store, RUNNING_SCAN)
    assert job.state is JobState.RUNNING
    assert job.live is not None
    assert (job.live.events, job.live.expected_events) == (212_000, 600_000)
    states = [command.state for command in queries.commands(seeded_store, SITE)]
    assert states == [CommandState.WAITING, CommandState.REFUSED, CommandState.DONE]
    assert len(queries.acquisitions(seeded_store, SITE)) == 3
    executor = queries.executor(seeded_store, SITE)
    assert executor is not None
    assert (executor.state, executor.beat_at) == (ExecutorState.RUNNING, seeded.now)


def test_the_newest_answer_to_a_wish_is_that_of_its_own_arguments_and_operator(
    store: Store, now: datetime
) -> None:
    wish, other = SyncNow(), StopScan(scan_id="0123456789ab")
    assert queries.newest_answered(store, SITE, wish, "me") == 0
    numbers = [
        store.enqueue(SITE, command, "me", str(number), now)
        for number, command in enumerate((wish, other, wish, wish))
    ]
    with store.writing(now) as writer:
        for number, state in zip(
            numbers[:3], (CommandState.DONE, CommandState.DONE, CommandState.REFUSED), strict=True
        ):
            writer.claim_next_command(SITE)
            writer.answer_command(number, state, "")
    assert queries.newest_answered(store, SITE, wish, "me") == numbers[2]
    assert queries.newest_answered(store, SITE, other, "me") == numbers[1]
    assert queries.newest_answered(store, SITE, wish, "somebody else") == 0
    assert queries.newest_answered(store, "elsewhere", wish, "me") == 0


def test_times_come_back_as_they_were_written(store: Store, plan: ScanPlan, now: datetime) -> None:
    with store.writing(now) as writer:
        writer.add_scan(plan, "me")
    scan = queries.scan(store, plan.scan_id)
    assert scan is not None
    assert scan.started_at == now
    assert scan.started_at.utcoffset() == timedelta(0)


def test_the_time_left_follows_the_pace_of_the_points(
    scanning: Store, plan: ScanPlan, now: datetime
) -> None:
    left = []
    for number in range(4):
        scan = queries.scan(scanning, plan.scan_id)
        assert scan is not None
        left.append(scan.seconds_left)
        moment = now + timedelta(seconds=400 + 300 * number)
        result = make_result(plan, Take(point=plan.points[number]), moment)
        with scanning.writing(moment) as writer:
            writer.add_result(result, Path(str(number)), SHA)
    # Nothing known; 400 s for the first; then 300 s a point.
    assert left == [None, 20 * 400.0, 19 * 300.0, 18 * 300.0]
    with scanning.writing(now) as writer:
        writer.set_scan_state(plan.scan_id, ScanState.STOPPED, "me")
    stopped = queries.scan(scanning, plan.scan_id)
    assert stopped is not None
    assert stopped.seconds_left is None


def test_what_is_settled_needs_nobody_any_more(seeded_store: Store, now: datetime) -> None:
    for point in queries.points(seeded_store, RUNNING_SCAN):
        verdict = point.verdict.verdict if point.verdict else None
        is_flagged = point.decision is not None
        assert is_settled(point) is (verdict is Verdict.HEALTHY or is_flagged)
    failed = next(
        point
        for point in queries.points(seeded_store, COMPLETE_SCAN)
        if point.state is PointState.FAILED
    )
    assert not is_settled(failed)


@pytest.mark.parametrize("decision", DecisionKind)
def test_a_failed_point_is_settled_when_it_is_acknowledged_or_flagged(
    scanning: Store, plan: ScanPlan, now: datetime, decision: DecisionKind
) -> None:
    point = plan.points[0]
    with scanning.writing(now) as writer:
        writer.add_failure(plan.scan_id, point, 1, 3, "torn", final=True)
        writer.add_decision(
            plan.scan_id, point, 1, decision, reason="daq", comment="", operator="me"
        )
    record = queries.points(scanning, plan.scan_id)[0]
    assert is_settled(record) is (decision is not DecisionKind.ACCEPTED)
