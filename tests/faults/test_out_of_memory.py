"""A job that takes more memory than it asked for, killed by the kernel or by SLURM itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from background_executor.records import ENDED_JOB_STATES, JobState
from tests.cluster.cgroups import why_no_cgroups
from tests.cluster.cluster import RealCluster, why_not
from tests.cluster.site_settings import make_cluster_site
from tests.faults.cluster_bench import ClusterBench

pytestmark = pytest.mark.cluster

HUNGRY = "import time; a = bytearray(600_000_000); time.sleep(300)"


@pytest.fixture
def strict_bench(tmp_path: Path) -> Iterator[ClusterBench]:
    """A site where the kernel keeps the limits, as most do."""
    if reason := why_not() or why_no_cgroups():
        pytest.skip(reason)
    with RealCluster(has_cgroups=True) as cluster:
        made = ClusterBench(cluster, make_cluster_site(cluster, tmp_path))
        yield made
        made.close()


def assert_stops_and_asks(bench: ClusterBench, state: JobState, words: str) -> None:
    """Check how a job ends that takes too much, and that its scan asks what to do."""
    python = Path(bench.config.site.python)
    text = python.read_text()
    python.write_text(text.replace("-m tests.background_executor.fake_job", f"-c '{HUNGRY}'"))
    scan = bench.start_scan()
    bench.until(lambda: bench.newest_job(scan).state in ENDED_JOB_STATES)
    python.write_text(text)
    (job,) = bench.jobs(scan)
    assert job.state is state
    assert words in job.log_tail
    bench.assert_goes_on_when_asked(scan)


def test_a_job_that_the_kernel_kills_is_out_of_memory(strict_bench: ClusterBench) -> None:
    assert_stops_and_asks(strict_bench, JobState.OUT_OF_MEMORY, "oom-kill event")


def test_a_job_that_slurm_kills_for_its_memory_has_failed(bench: ClusterBench) -> None:
    assert_stops_and_asks(bench, JobState.FAILED, "exceeded memory limit")
