"""When a job is to begin and how long it runs: the scheduler's count, in store, status and page."""

from datetime import datetime, timedelta

from background_executor import queries
from background_executor.records import JobRecord, JobState
from background_executor.store import Store
from background_executor.writing.jobs import RUN_TIME_TOLERANCE
from dashboard.views.log import show_job
from dashboard.views.slots import show_work

ZONE = "Asia/Tokyo"


def the_job(store: Store, job: str) -> JobRecord:
    (scan,) = queries.scans(store, "demo")
    (found,) = [record for record in queries.jobs(store, scan.scan_id) if record.job == job]
    return found


def test_a_waiting_job_says_when_it_is_to_begin_until_it_runs(
    scanning: Store, job: str, now: datetime
) -> None:
    soon = now + timedelta(hours=2)
    with scanning.writing(now) as writer:
        writer.advance_job(job, JobState.SUBMITTING)
        writer.advance_job(job, JobState.QUEUED, message="Priority")
        writer.expect_job(job, soon)
    waiting = the_job(scanning, job)
    assert (waiting.expected_start, waiting.run_time(now)) == (soon, None)
    assert show_work(waiting, ZONE, now).text == (
        "job queued: Priority, expected start 2026-02-20 16:41:23 JST"
    )
    assert show_job(waiting, ZONE, now).cells[-1].endswith("expected start 2026-02-20 16:41:23 JST")

    with scanning.writing(now) as writer:
        writer.time_job(job, timedelta(seconds=5))
        writer.advance_job(job, JobState.RUNNING, node="node7", message="")
    running = the_job(scanning, job)
    assert running.expected_start is None
    assert running.run_time(now + timedelta(minutes=1)) == timedelta(seconds=65)
    assert show_work(running, ZONE, now).place == "job on node7 for 5 s"
    assert "5 s" in show_job(running, ZONE, now).cells


def test_the_schedulers_count_wins_over_when_somebody_looked_and_does_not_flicker(
    scanning: Store, job: str, now: datetime
) -> None:
    with scanning.writing(now) as writer:
        writer.advance_job(job, JobState.SUBMITTING)
        writer.advance_job(job, JobState.RUNNING)
    assert the_job(scanning, job).run_time(now) == timedelta(0)
    with scanning.writing(now) as writer:
        writer.time_job(job, timedelta(hours=3))
    began = now - timedelta(hours=3)
    assert the_job(scanning, job).started_at == began
    later = now + timedelta(seconds=30)
    with scanning.writing(later) as writer:
        writer.time_job(job, later - began - RUN_TIME_TOLERANCE)
    assert the_job(scanning, job).started_at == began
    with scanning.writing(later) as writer:  # it was suspended for a while, which does not count
        writer.time_job(job, timedelta(hours=2))
    assert the_job(scanning, job).run_time(later) == timedelta(hours=2)


def test_a_job_that_was_put_back_into_the_queue_has_not_begun(
    scanning: Store, job: str, now: datetime
) -> None:
    with scanning.writing(now) as writer:
        writer.advance_job(job, JobState.SUBMITTING)
        writer.advance_job(job, JobState.RUNNING)
        writer.expect_job(job, None)
        writer.advance_job(job, JobState.QUEUED, message="BeginTime")
    assert the_job(scanning, job).run_time(now + timedelta(hours=1)) is None


def test_how_long_a_job_ran_in_all_stays_what_the_scheduler_counted(
    scanning: Store, job: str, now: datetime
) -> None:
    with scanning.writing(now) as writer:
        writer.advance_job(job, JobState.SUBMITTING)
        writer.advance_job(job, JobState.RUNNING)
    seen = now + timedelta(hours=1)
    with scanning.writing(seen) as writer:
        writer.advance_job(job, JobState.TIMEOUT, message="TimeLimit")
        writer.note_run_time(job, timedelta(minutes=10, seconds=3))
    ran = the_job(scanning, job).run_time(seen + timedelta(days=1))
    assert ran == timedelta(minutes=10, seconds=3)
