"""A clock that is set back by an hour costs nothing, nor is anything believed from it."""

from dataclasses import replace

from background_executor import queries
from background_executor.commands import StopScan
from background_executor.following import LONGEST_RETRY
from background_executor.jobs.successors import MAX_IN_A_ROW
from background_executor.records import ENDED_JOB_STATES
from server_side.scan import Take
from tests.background_executor.bench import ENDS_EARLY, HANGS, Bench

HOUR_S = 3600.0


def test_a_folder_that_was_put_off_is_fetched_at_once(bench: Bench) -> None:
    bench.behave(replace(HANGS, publish=0))
    scan = bench.start_scan()
    later = bench.now + LONGEST_RETRY
    with bench.store.writing(bench.now) as writer:
        take = Take(point=scan.plan.points[0])
        writer.add_publication(scan.scan_id, take, f"data_{take.name}", None)
        writer.retry_publication(scan.scan_id, take, "connection lost", later)
    assert queries.waiting_publications(bench.store, "here", bench.now) == ()
    bench.step_clock(-HOUR_S)
    (waiting,) = queries.waiting_publications(bench.store, "here", bench.now)
    assert waiting.take == take


def test_a_job_that_does_not_heed_is_cancelled(bench: Bench) -> None:
    bench.behave(replace(HANGS, deaf=True))
    scan = bench.start_scan()
    bench.until(lambda: bench.states(scan)[0] == "stored")
    bench.ask(StopScan(scan_id=scan.scan_id))
    bench.step(-HOUR_S)
    bench.until(lambda: bench.jobs(scan)[0].state in ENDED_JOB_STATES, seconds=5)
    (job,) = bench.jobs(scan)
    assert job.state == "cancelled"
    assert bench.scan(scan).state == "stopped"
    assert bench.states(scan)[0] == "stored"


def test_a_job_that_is_gone_is_believed_lost_within_its_patience(bench: Bench) -> None:
    bench.behave(replace(ENDS_EARLY, end="exit_0"))
    scan = bench.start_scan()
    bench.until(lambda: bench.states(scan)[0] == "stored")
    bench.until(lambda: bench.scan(scan).points_stored == 1)
    for _ in range(3):
        bench.step(2)
    bench.behave(HANGS)
    bench.step(-HOUR_S)
    began = bench.now
    bench.until(lambda: bench.jobs(scan)[-1].state == "lost", seconds=10)
    assert (bench.now - began).total_seconds() < HOUR_S / 2


def test_successors_follow_and_are_counted(bench: Bench) -> None:
    bench.behave(ENDS_EARLY)
    scan = bench.start_scan()
    bench.until(lambda: bench.states(scan)[0] == "stored")
    bench.behave(replace(ENDS_EARLY, publish=0))
    bench.step(-HOUR_S)
    began = bench.now
    bench.until(lambda: "in a row" in bench.scan(scan).message)
    assert (bench.now - began).total_seconds() < HOUR_S / 2
    jobs = bench.jobs(scan)
    assert MAX_IN_A_ROW <= len(jobs) - 1 <= MAX_IN_A_ROW + 1
    assert [job.created_at for job in jobs] == sorted(
        (job.created_at for job in jobs), reverse=True
    )
