"""What ``status`` says is so, also of a job that nobody wants any more."""

from dataclasses import replace

from background_executor.commands import StopScan
from background_executor.status import status_report, status_text
from tests.background_executor.bench import HANGS, Bench


def test_the_job_of_a_stopped_scan_is_told_of_until_it_is_gone(bench: Bench) -> None:
    def words() -> str:
        return status_text(status_report(bench.config, bench.store))

    bench.behave(replace(HANGS, deaf=True))
    scan = bench.start_scan()
    bench.until(lambda: bench.states(scan)[0] == "stored")
    bench.ask(StopScan(scan_id=scan.scan_id))
    number = bench.jobs(scan)[0].scheduler_id
    assert f"job {number} running" in words()
    bench.until(lambda: bench.jobs(scan)[0].state == "cancelled", seconds=5)
    assert f"job {number}" not in words()
