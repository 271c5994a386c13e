"""A job of another server_side than this program's is shown as such while it lives."""

from dataclasses import replace

import pytest

from background_executor import queries
from background_executor.new_site.deployed import version_here
from background_executor.records import JobRecord, JobState
from background_executor.store import Store
from dashboard.views.log import show_job
from dashboard.views.slots import show_work
from tests.dashboard.conftest import NOW
from tests.seed_store import JOB

ZONE = "Asia/Tokyo"
OLD = "0.0.9-000000000000"


@pytest.fixture
def job(store: Store) -> JobRecord:
    """A job that runs and tells its progress."""
    running = queries.running_scans(store, "demo")
    jobs = [job for scan in running for job in queries.jobs(store, scan.scan_id)]
    return next(job for job in jobs if job.job == JOB.format(1))


def shown(job: JobRecord) -> tuple[str, str]:
    """Return what its scan's card and the page Log say of a job."""
    work = show_work(job, ZONE, NOW)
    return f"{work.text} {work.place}", show_job(job, ZONE, NOW).cells[-1]


def test_an_old_one_is_named_once_on_each_page_while_it_lives(job: JobRecord) -> None:
    for each in (job, replace(job, live=None), replace(job, state=JobState.QUEUED, live=None)):
        for text in shown(replace(each, software=OLD)):
            assert text.count(f"runs server_side {OLD}") == 1


@pytest.mark.parametrize("software", [None, version_here().number, version_here().name])
def test_nothing_is_said_of_one_that_is_ours_or_not_known(
    job: JobRecord, software: str | None
) -> None:
    for text in shown(replace(job, software=software)):
        assert "server_side" not in text


def test_nothing_is_said_of_one_that_has_ended(job: JobRecord) -> None:
    for text in shown(replace(job, software=OLD, state=JobState.COMPLETED)):
        assert "server_side" not in text
