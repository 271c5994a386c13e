"""Following a journal: each line once in effect, however often and wherever it is read."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from background_executor import queries
from background_executor.judging.health import HealthSettings
from background_executor.judging.verdict import judge
from background_executor.records import JobState, PointState
from background_executor.states import is_settled
from background_executor.store import Store
from server_side.journal import (
    DataSeen,
    EndReason,
    Heartbeat,
    Idle,
    JobEnd,
    JobStart,
    JournalLine,
    LiveProgress,
    PointFailed,
    PointPublished,
    encode_line,
    read_lines,
)
from server_side.scan import ScanPlan, Take
from tests.seed_results import make_result

SHA = "ab" * 32
SITE = "demo"


def _journal(plan: ScanPlan, job: str, now: datetime) -> list[JournalLine]:
    """One point published, one failed for good, one failed once, one taken twice."""
    first, second, third, fourth = plan.points[:4]

    def stamp(seq: int) -> dict[str, object]:
        return {"seq": seq, "at": now + timedelta(seconds=seq), "job": job}

    def seen(seq: int, point: object, take: int = 1) -> DataSeen:
        return DataSeen.model_validate(
            {**stamp(seq), "point": point, "take": take, "folder": "/raw", "generation": SHA}
        )

    def published(seq: int, take: Take) -> PointPublished:
        return PointPublished.model_validate(
            {**stamp(seq), "take": take, "folder": f"data_{take.name}", "manifest_sha256": SHA}
        )

    def failed(seq: int, point: object, attempt: int, *, final: bool) -> PointFailed:
        words = {"take": 1, "attempt": attempt, "final": final, "error": f"torn, try {attempt}"}
        return PointFailed.model_validate({**stamp(seq), "point": point, **words})

    start = {"scan_id": plan.scan_id, "software_version": "0.1", "host": "node01", "pid": 1}
    return [
        JobStart.model_validate({**stamp(1), **start, "scheduler_job": "4711"}),
        seen(2, first),
        Heartbeat.model_validate(stamp(3)),
        published(4, Take(point=first)),
        seen(5, second),
        failed(6, second, 1, final=False),
        failed(7, second, 2, final=True),
        seen(8, third),
        failed(9, third, 1, final=False),
        seen(10, fourth),
        published(11, Take(point=fourth)),
        seen(12, fourth, take=2),
        published(13, Take(point=fourth, take=2)),
        Idle.model_validate({**stamp(14), "waiting_for": 17}),
        JobEnd.model_validate({**stamp(15), "reason": EndReason.IDLE}),
    ]


def _apply(store: Store, job: str, lines: list[JournalLine], now: datetime) -> None:
    for line in lines:
        with store.writing(now) as writer:
            writer.apply_line(job, line)


def _state(store: Store, plan: ScanPlan, now: datetime) -> object:
    """Everything that a journal may have changed, but for the times of change."""
    points = [
        (p.point.name, p.state, p.takes, p.take, p.tries, p.error)
        for p in queries.points(store, plan.scan_id)
    ]
    events = [(e.subject, e.act, e.before, e.after, e.reason) for e in queries.events(store, SITE)]
    waiting = queries.waiting_publications(store, SITE, now + timedelta(days=1))
    return points, events, queries.jobs(store, plan.scan_id), waiting


def test_a_journal_tells_the_whole_story(
    scanning: Store, plan: ScanPlan, job: str, now: datetime
) -> None:
    _apply(scanning, job, _journal(plan, job, now), now + timedelta(minutes=1))
    points = queries.points(scanning, plan.scan_id)[:4]
    assert [(p.state, p.take, p.tries) for p in points] == [
        (PointState.PUBLISHED, 1, 0),
        (PointState.FAILED, 1, 2),
        (PointState.ACQUIRING, 1, 1),
        (PointState.PUBLISHED, 2, 0),
    ]
    assert [p.error for p in points] == ["", "torn, try 2", "torn, try 1", ""]
    (record,) = queries.jobs(scanning, plan.scan_id)
    assert (record.state, record.end_reason) == (JobState.COMPLETED, EndReason.IDLE)
    assert (record.node, record.scheduler_id) == ("node01", "4711")
    assert record.last_heard_at == now + timedelta(seconds=15)
    waiting = queries.waiting_publications(scanning, SITE, now + timedelta(minutes=1))
    assert [entry.take.name for entry in waiting] == [
        "theta0_phi0",
        "theta10_phi180",
        "theta10_phi180_take2",
    ]
    assert queries.open_jobs(scanning, SITE) == ()


@pytest.fixture
def all_read(scanning: Store, plan: ScanPlan, job: str, now: datetime) -> Store:
    """A store that has applied every line of a journal once."""
    _apply(scanning, job, _journal(plan, job, now), now + timedelta(minutes=1))
    return scanning


@given(cuts=st.lists(st.integers(min_value=0, max_value=15), max_size=4))
@settings(
    max_examples=25,
    deadline=None,
    # One store serves all examples, because none of them may change it.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_reading_again_from_any_line_changes_nothing(
    all_read: Store, plan: ScanPlan, job: str, now: datetime, cuts: list[int]
) -> None:
    before = _state(all_read, plan, now)
    for cut in cuts:
        _apply(all_read, job, _journal(plan, job, now)[cut:], now + timedelta(minutes=2))
    assert _state(all_read, plan, now) == before


def test_cursor_and_effects_are_kept_together_or_not_at_all(
    scanning: Store, plan: ScanPlan, job: str, now: datetime
) -> None:
    data = b"".join(encode_line(line) for line in _journal(plan, job, now))
    read = list(read_lines(data))

    def apply_and_die(count: int) -> None:
        with scanning.writing(now) as writer:
            for entry in read[:count]:
                writer.apply_line(job, entry.line)
            writer.set_cursor(job, read[count - 1].end_offset, count)
            if count == 4:
                raise KeyboardInterrupt

    apply_and_die(2)
    with pytest.raises(KeyboardInterrupt):
        apply_and_die(4)
    assert queries.cursor(scanning, job) == read[1].end_offset
    assert queries.points(scanning, plan.scan_id)[0].state is PointState.ACQUIRING


def test_a_failure_read_again_does_not_undo_a_later_result(
    scanning: Store, plan: ScanPlan, job: str, now: datetime
) -> None:
    lines = _journal(plan, job, now)
    failures = [line for line in lines if isinstance(line, PointFailed)]
    _apply(scanning, job, lines, now)
    point = plan.points[1]
    with scanning.writing(now) as writer:
        writer.add_result(make_result(plan, Take(point=point), now), Path("a"), SHA)
    _apply(scanning, job, list(failures), now)
    record = queries.points(scanning, plan.scan_id)[1]
    assert (record.state, record.error) == (PointState.STORED, "")


@pytest.mark.parametrize("is_fetched_first", [True, False])
def test_a_failure_after_a_result_is_seen_beside_it(
    scanning: Store, plan: ScanPlan, job: str, now: datetime, is_fetched_first: bool
) -> None:
    point = plan.points[0]
    seen, published = _journal(plan, job, now)[1], _journal(plan, job, now)[3]
    failed = PointFailed(
        seq=5, at=now, job=job, point=point, take=1, attempt=3, final=True, error="half is torn"
    )

    def fetch() -> None:
        result = make_result(plan, Take(point=point), now)
        with scanning.writing(now) as writer:
            writer.add_result(result, Path("a"), SHA, judge(result, HealthSettings(), now))

    _apply(scanning, job, [seen, published], now)
    if is_fetched_first:
        fetch()
        assert is_settled(queries.points(scanning, plan.scan_id)[0])
    _apply(scanning, job, [failed], now)
    if not is_fetched_first:
        fetch()
    _apply(scanning, job, [seen, published, failed], now)
    record = queries.points(scanning, plan.scan_id)[0]
    assert (record.state, record.error, record.tries) == (PointState.STORED, "half is torn", 3)
    assert not is_settled(record)
    told = [e for e in queries.events(scanning, SITE) if e.act == "analysis failed"]
    assert [(event.reason, event.job) for event in told] == [("half is torn", job)]


def test_the_next_result_of_a_take_clears_what_failed_before_it(
    scanning: Store, plan: ScanPlan, job: str, now: datetime
) -> None:
    point = plan.points[0]
    first = _journal(plan, job, now)[3]
    failed = PointFailed(
        seq=5, at=now, job=job, point=point, take=1, attempt=1, final=False, error="torn"
    )
    again = Take(point=point, revision=2)
    folder = f"data_{again.name}"
    second = PointPublished(seq=6, at=now, job=job, take=again, folder=folder, manifest_sha256=SHA)
    _apply(scanning, job, [first, failed], now)
    assert queries.points(scanning, plan.scan_id)[0].error == "torn"
    _apply(scanning, job, [second, first, failed, second], now)
    assert queries.points(scanning, plan.scan_id)[0].error == ""


def test_the_first_take_seen_again_does_not_open_a_stored_point(
    scanning: Store, plan: ScanPlan, job: str, now: datetime
) -> None:
    lines = _journal(plan, job, now)
    _apply(scanning, job, lines[:4], now)
    with scanning.writing(now) as writer:
        writer.add_result(make_result(plan, Take(point=plan.points[0]), now), Path("a"), SHA)
    _apply(scanning, job, lines[:4], now)
    assert queries.points(scanning, plan.scan_id)[0].state is PointState.STORED


def test_the_job_s_own_word_does_not_overrule_the_scheduler_s_but_finds_a_lost_job(
    scanning: Store, plan: ScanPlan, job: str, now: datetime
) -> None:
    end = _journal(plan, job, now)[-1]
    with scanning.writing(now) as writer:
        writer.advance_job(job, JobState.LOST)
    _apply(scanning, job, [end], now)
    assert queries.jobs(scanning, plan.scan_id)[0].state is JobState.COMPLETED
    other = job.replace("1", "2")
    with scanning.writing(now) as writer:
        writer.add_job(other, plan.scan_id, other, "slurm")
        writer.advance_job(other, JobState.TIMEOUT)
    _apply(scanning, other, [end], now)
    states = {record.job: record.state for record in queries.jobs(scanning, plan.scan_id)}
    assert states[other] is JobState.TIMEOUT


@pytest.mark.parametrize("reason", EndReason)
def test_every_end_of_a_job_is_known(
    scanning: Store, job: str, plan: ScanPlan, now: datetime, reason: EndReason
) -> None:
    end = JobEnd(seq=1, at=now, job=job, reason=reason)
    _apply(scanning, job, [end], now)
    (record,) = queries.jobs(scanning, plan.scan_id)
    expected = JobState.FAILED if reason is EndReason.FAILED else JobState.COMPLETED
    assert (record.state, record.end_reason) == (expected, reason)
    assert record.message == f"ended: {reason.value}"


def test_a_sign_of_life_from_a_clock_that_is_ahead_does_not_lie_in_the_future(
    scanning: Store, job: str, plan: ScanPlan, now: datetime
) -> None:
    _apply(scanning, job, [Heartbeat(seq=1, at=now + timedelta(hours=1), job=job)], now)
    assert queries.jobs(scanning, plan.scan_id)[0].last_heard_at == now


def test_the_progress_of_the_point_in_hand_moves_it_to_processing_and_is_replaced(
    scanning: Store, plan: ScanPlan, job: str, now: datetime
) -> None:
    point = plan.points[0]
    live = LiveProgress(job=job, at=now, stage="acquiring", point=point, take=1, events=1000)
    expected = {"acquiring": PointState.ACQUIRING, "fitting": PointState.PROCESSING}
    with scanning.writing(now) as writer:
        writer.add_data(plan.scan_id, point, 1, "/raw", SHA)
    for stage, state in expected.items():
        update = live.model_copy(update={"stage": stage})
        with scanning.writing(now) as writer:
            writer.set_live(job, update)
        assert queries.jobs(scanning, plan.scan_id)[0].live == update
        assert queries.points(scanning, plan.scan_id)[0].state is state
    count = queries.change_counter(scanning)
    with scanning.writing(now) as writer:
        writer.set_live(job, update)
    assert queries.change_counter(scanning) == count
    with scanning.writing(now) as writer:
        writer.advance_job(job, JobState.CANCELLED)
    assert queries.jobs(scanning, plan.scan_id)[0].live is None


def test_a_failed_point_that_is_tried_again_is_processed_and_not_done(
    scanning: Store, plan: ScanPlan, job: str, now: datetime
) -> None:
    point, successor = plan.points[1], job.replace("1", "2")
    with scanning.writing(now) as writer:
        writer.add_job(successor, plan.scan_id, successor, "process")
    _apply(scanning, job, _journal(plan, job, now)[4:7], now + timedelta(minutes=1))

    def hear(who: str, seconds: float, take: int | None) -> PointState:
        at = now + timedelta(seconds=seconds)
        live = LiveProgress(job=who, at=at, stage="fitting", point=point, take=take)
        with scanning.writing(now + timedelta(minutes=2)) as writer:
            writer.set_live(who, live)
        return queries.points(scanning, plan.scan_id)[1].state

    # The live file of the try that failed, read after the line that says so.
    assert hear(job, 6.9, 1) is PointState.FAILED
    assert hear(successor, 60, None) is PointState.FAILED
    assert hear(successor, 61, 1) is PointState.PROCESSING
    assert queries.points(scanning, plan.scan_id)[1].error == "torn, try 2"
