"""What the executor writes: scans, takes, results, decisions, commands, its own row."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import StatementError

from background_executor import queries
from background_executor.acquisition_record import AcquisitionRecord
from background_executor.audit import EventFilter
from background_executor.commands import ListAcquisitions, SyncNow
from background_executor.decisions.decision_records import DecisionKind
from background_executor.errors import StoreError
from background_executor.following import PublicationState
from background_executor.judging.health import HealthSettings
from background_executor.judging.verdict import judge
from background_executor.records import (
    CommandState,
    ExecutorRecord,
    ExecutorState,
    JobState,
    LinkState,
    PointState,
    ScanState,
    Verdict,
)
from background_executor.store import Store
from server_side.scan import ScanKind, ScanPlan, Take
from tests.seed_results import Fate, make_result

SHA = "ab" * 32
SITE = "demo"


def test_a_new_scan_expects_every_point_of_its_plan_in_order(
    store: Store, plan: ScanPlan, now: datetime
) -> None:
    with store.writing(now) as writer:
        writer.add_scan(plan, "an operator")
        writer.add_scan(plan, "somebody else")
    scan = queries.scan(store, plan.scan_id)
    assert scan is not None
    assert scan.plan == plan
    assert (scan.state, scan.points_planned, scan.points_stored) == (ScanState.RUNNING, 21, 0)
    points = queries.points(store, plan.scan_id)
    assert tuple(record.point for record in points) == plan.points
    assert {record.state for record in points} == {PointState.EXPECTED}
    (event,) = queries.events(store, SITE)
    assert (event.actor, event.act, event.at) == ("an operator", "scan started", now)


def test_a_scan_may_be_stopped_opened_again_and_archived_but_not_from_anywhere(
    scanning: Store, plan: ScanPlan, now: datetime
) -> None:
    with pytest.raises(StoreError, match="is 'running' and cannot become 'archived'"):
        _set_state(scanning, plan, ScanState.ARCHIVED, now)
    _set_state(scanning, plan, ScanState.STOPPED, now, "wrong lens")
    scan = queries.scan(scanning, plan.scan_id)
    assert scan is not None
    assert (scan.state, scan.message, scan.ended_at) == (ScanState.STOPPED, "wrong lens", now)
    _set_state(scanning, plan, ScanState.RUNNING, now)
    scan = queries.scan(scanning, plan.scan_id)
    assert scan is not None
    assert (scan.message, scan.ended_at) == ("", None)


def _set_state(
    store: Store, plan: ScanPlan, state: ScanState, now: datetime, reason: str = ""
) -> None:
    with store.writing(now) as writer:
        writer.set_scan_state(plan.scan_id, state, "me", reason)


def test_what_is_not_there_cannot_be_changed(store: Store, now: datetime) -> None:
    refused = pytest.raises(StoreError, match=r"nothing in table 'scans' .* scan_id 'ffffffffffff'")
    with refused, store.writing(now) as writer:
        writer.set_scan_state("ffffffffffff", ScanState.STOPPED, "me")


def test_a_job_keeps_what_was_learnt_of_it(scanning: Store, job: str, now: datetime) -> None:
    with scanning.writing(now) as writer:
        writer.advance_job(job, JobState.SUBMITTING)
    with scanning.writing(now) as writer:
        writer.advance_job(job, JobState.SUBMIT_UNKNOWN, message="Socket timed out")
        writer.advance_job(job, JobState.SUBMITTING)
        writer.advance_job(job, JobState.QUEUED, scheduler_id="4711", message="Priority")
    with scanning.writing(now + timedelta(seconds=9)) as writer:
        writer.advance_job(job, JobState.RUNNING, node="node07")
        writer.describe_job(job, message="", log_tail="reading wave2")
    (followed,) = queries.open_jobs(scanning, SITE)
    record = followed.record
    assert (followed.submissions, record.state) == (2, JobState.RUNNING)
    assert (record.scheduler_id, record.node, record.message) == ("4711", "node07", "")
    assert record.log_tail == "reading wave2"
    assert record.started_at == now + timedelta(seconds=9)


def test_a_job_is_followed_until_it_ended_and_its_journal_was_read(
    scanning: Store, job: str, now: datetime
) -> None:
    with scanning.writing(now) as writer:
        writer.set_cursor(job, 512, 7)
        writer.advance_job(job, JobState.CANCELLED)
    (followed,) = queries.open_jobs(scanning, SITE)
    assert (followed.journal_offset, followed.journal_seq) == (512, 7)
    with scanning.writing(now) as writer:
        writer.close_journal(job)
    assert queries.open_jobs(scanning, SITE) == ()
    assert queries.cursor(scanning, job) == 512
    assert queries.cursor(scanning, "no such job") == 0


def test_a_result_is_stored_once_with_its_verdict(
    scanning: Store, plan: ScanPlan, now: datetime, tmp_path: Path
) -> None:
    take = Take(point=plan.points[4])
    result = make_result(plan, take, now)
    judgement = judge(result, HealthSettings(), now)
    folder = tmp_path / "results" / plan.scan_id / "data_theta10_phi270"
    for _ in range(2):
        with scanning.writing(now) as writer:
            result_id = writer.add_result(result, folder, SHA, judgement)
    point = queries.points(scanning, plan.scan_id)[4]
    assert (point.state, point.takes, point.take, point.revision) == (PointState.STORED, 1, 1, 1)
    assert (point.result_id, point.verdict, point.gain) == (
        result_id,
        judgement.verdict,
        judgement.gain,
    )
    assert point.measured_at == now
    stored = queries.result(scanning, result_id)
    assert stored is not None
    assert (stored.result, stored.folder, stored.manifest_sha256) == (result, folder, SHA)
    assert stored.verdict == judgement.verdict
    acts = [event.act for event in queries.events(scanning, SITE)]
    assert acts.count("result stored") == acts.count("judged") == 1


def test_another_result_under_the_same_key_is_refused(
    scanning: Store, plan: ScanPlan, now: datetime
) -> None:
    result = make_result(plan, Take(point=plan.points[0]), now)
    with scanning.writing(now) as writer:
        writer.add_result(result, Path("a"), SHA)
    refused = pytest.raises(StoreError, match="a published folder never changes")
    with refused, scanning.writing(now) as writer:
        writer.add_result(result, Path("a"), "cd" * 32)


def test_a_folder_outside_of_the_results_is_refused(
    scanning: Store, plan: ScanPlan, now: datetime
) -> None:
    result = make_result(plan, Take(point=plan.points[0]), now)
    refused = pytest.raises(StoreError, match="lies outside the store's results")
    with refused, scanning.writing(now) as writer:
        writer.add_result(result, Path("/etc"), SHA)


def test_a_retake_and_a_revision_become_what_the_point_shows(
    scanning: Store, plan: ScanPlan, now: datetime
) -> None:
    point = plan.points[0]
    takes = [
        Take(point=point),
        Take(point=point, take=2),
        Take(point=point, take=2, revision=2),
        Take(point=point, revision=2),
    ]
    for number, take in enumerate(takes):
        result = make_result(plan, take, now, seed=number)
        with scanning.writing(now + timedelta(minutes=number)) as writer:
            writer.add_result(result, Path(take.name), f"{number:064x}")
    shown = queries.points(scanning, plan.scan_id)[0]
    assert (shown.takes, shown.take, shown.revision) == (2, 2, 2)
    stored = queries.results_of_point(scanning, plan.scan_id, point)
    assert [entry.result.take for entry in stored] == [takes[2], takes[1], takes[3], takes[0]]


def test_a_new_judgement_replaces_the_old_one_and_both_stay(
    scanning: Store, plan: ScanPlan, now: datetime
) -> None:
    result = make_result(plan, Take(point=plan.points[0]), now, fate=Fate.POOR)
    strict = judge(result, HealthSettings(), now)
    mild = replace(strict, verdict=replace(strict.verdict, verdict=Verdict.CHECK))
    with scanning.writing(now) as writer:
        result_id = writer.add_result(result, Path("a"), SHA, strict)
        writer.add_verdict(result_id, mild)
    assert queries.points(scanning, plan.scan_id)[0].verdict == mild.verdict
    judged = queries.events(scanning, SITE, EventFilter(act="judged"))
    assert [event.after for event in judged] == ["check", "poor"]


def test_the_newest_decision_is_in_force_and_none_is_erased(
    scanning: Store, plan: ScanPlan, now: datetime
) -> None:
    point = plan.points[0]
    with scanning.writing(now) as writer:
        writer.upsert_take(plan.scan_id, point, 1)
    for decision in (DecisionKind.FLAGGED, DecisionKind.ACCEPTED, None):
        with scanning.writing(now) as writer:
            writer.add_decision(
                plan.scan_id, point, 1, decision, reason="noise", comment="", operator="me"
            )
        record = queries.points(scanning, plan.scan_id)[0].decision
        assert (record.decision if record else None) is decision
    decided = queries.events(scanning, SITE, EventFilter(actor="me"))
    assert [(event.before, event.after) for event in decided] == [
        ("accepted", ""),
        ("flagged", "accepted"),
        ("", "flagged"),
    ]


def test_a_decision_about_one_take_says_nothing_about_the_next(
    scanning: Store, plan: ScanPlan, now: datetime
) -> None:
    point = plan.points[0]
    with scanning.writing(now) as writer:
        writer.upsert_take(plan.scan_id, point, 1)
        writer.add_decision(
            plan.scan_id, point, 1, DecisionKind.FLAGGED, reason="noise", comment="", operator="me"
        )
        writer.upsert_take(plan.scan_id, point, 2)
    assert queries.points(scanning, plan.scan_id)[0].decision is None


def test_a_publication_waits_is_tried_again_and_may_be_refused(
    scanning: Store, plan: ScanPlan, now: datetime
) -> None:
    take, later = Take(point=plan.points[0]), now + timedelta(seconds=30)
    with scanning.writing(now) as writer:
        writer.add_publication(plan.scan_id, take, "data_theta0_phi0", None)
        writer.add_publication(plan.scan_id, take, "data_theta0_phi0", SHA)
    (waiting,) = queries.waiting_publications(scanning, SITE, now)
    assert (waiting.take, waiting.manifest_sha256) == (take, SHA)
    with scanning.writing(now) as writer:
        writer.retry_publication(plan.scan_id, take, "connection lost", later)
    assert queries.waiting_publications(scanning, SITE, now) == ()
    (waiting,) = queries.waiting_publications(scanning, SITE, later)
    assert (waiting.tries, waiting.error) == (1, "connection lost")
    with scanning.writing(later) as writer:
        writer.refuse_publication(plan.scan_id, take, "result.json has another sha256")
        writer.refuse_publication(plan.scan_id, take, "result.json has another sha256")
    point = queries.points(scanning, plan.scan_id)[0]
    assert (point.state, point.error) == (PointState.FAILED, "result.json has another sha256")
    assert queries.waiting_publications(scanning, SITE, later) == ()


def test_a_reset_reads_journals_again_and_gives_refused_folders_another_chance(
    scanning: Store, plan: ScanPlan, job: str, now: datetime
) -> None:
    take = Take(point=plan.points[0])
    result = make_result(plan, take, now)
    with scanning.writing(now) as writer:
        writer.set_cursor(job, 512, 7)
        writer.close_journal(job)
        writer.add_publication(plan.scan_id, take, "data_theta0_phi0", SHA)
        writer.refuse_publication(plan.scan_id, take, "altered")
        writer.reset_cursors(SITE)
    (waiting,) = queries.waiting_publications(scanning, SITE, now)
    assert (waiting.state, queries.cursor(scanning, job)) == (PublicationState.WAITING, 0)
    with scanning.writing(now) as writer:
        writer.add_result(result, Path("a"), SHA)
    assert queries.points(scanning, plan.scan_id)[0].state is PointState.STORED
    assert queries.waiting_publications(scanning, SITE, now) == ()


def test_commands_are_done_in_order_and_one_in_hand_comes_again(
    store: Store, now: datetime
) -> None:
    first = store.enqueue(SITE, SyncNow(), "me", "1", now)
    second = store.enqueue(SITE, ListAcquisitions(), "me", "2", now)
    store.enqueue("other", SyncNow(), "me", "3", now)
    claimed = []
    for _ in range(2):
        with store.writing(now) as writer:
            claimed.append(writer.claim_next_command(SITE))
    assert [record and record.command_id for record in claimed] == [first, first]
    with store.writing(now) as writer:
        writer.answer_command(first, CommandState.DONE, "nothing new")
        following = writer.claim_next_command(SITE)
        writer.answer_command(second, CommandState.REFUSED, "no connection")
        nothing = writer.claim_next_command(SITE)
    assert following is not None
    assert (following.command_id, nothing) == (second, None)
    answered = queries.command(store, first)
    assert answered is not None
    assert (answered.state, answered.answer, answered.answered_at) == (
        CommandState.DONE,
        "nothing new",
        now,
    )
    assert queries.command(store, 99) is None


def test_an_answer_is_final(store: Store, now: datetime) -> None:
    command_id = store.enqueue(SITE, SyncNow(), "me", "1", now)
    with store.writing(now) as writer:
        writer.claim_next_command(SITE)
        writer.answer_command(command_id, CommandState.DONE, "done")
    with pytest.raises(StoreError, match="it is final"), store.writing(now) as writer:
        writer.answer_command(command_id, CommandState.REFUSED, "or not")


def test_a_heartbeat_is_seen_at_once_but_calls_no_page(store: Store, now: datetime) -> None:
    record = ExecutorRecord(
        site=SITE,
        state=ExecutorState.RUNNING,
        pid=1,
        host="daq",
        version="0.1.0",
        message="",
        link=LinkState.CONNECTED,
        link_message="",
        started_at=now,
        beat_at=now,
        synced_at=None,
    )
    assert queries.executor(store, SITE) is None
    later = replace(record, beat_at=now + timedelta(seconds=5), synced_at=now)
    stopped = replace(later, state=ExecutorState.STOPPED)
    counts = []
    for entry in (record, later, stopped):
        with store.writing(entry.beat_at) as writer:
            writer.executor_heartbeat(entry)
        assert queries.executor(store, SITE) == entry
        counts.append(queries.change_counter(store))
    assert counts == [1, 1, 2]


def test_the_list_of_acquisitions_is_replaced_as_a_whole(store: Store, now: datetime) -> None:
    old = AcquisitionRecord("wavedump_output_1", "KQ0146", ScanKind.POSITION, 21, now, now)
    new = replace(old, folder="wavedump_output_2", kind=ScanKind.HV)
    for found in ((old,), (new,)):
        with store.writing(now) as writer:
            writer.replace_acquisitions(SITE, found)
    assert queries.acquisitions(store, SITE) == (new,)


def test_a_moment_without_a_zone_is_refused(store: Store, plan: ScanPlan, now: datetime) -> None:
    refused = pytest.raises(StatementError, match="has no zone")
    with refused, store.writing(now.replace(tzinfo=None)) as writer:
        writer.add_scan(plan, "me")


@pytest.mark.parametrize(
    "text", ["'; DROP TABLE events; --", "<script>", "\u202egnp.exe", "x" * 10_000]
)
def test_hostile_text_is_kept_as_text(
    scanning: Store, plan: ScanPlan, now: datetime, text: str
) -> None:
    with scanning.writing(now) as writer:
        writer.add_decision(
            plan.scan_id,
            plan.points[0],
            1,
            DecisionKind.FLAGGED,
            reason=text,
            comment=text,
            operator=text,
        )
    (event,) = queries.events(scanning, SITE, EventFilter(actor=text))
    assert event.reason == f"{text}: {text}"
