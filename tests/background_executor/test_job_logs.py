"""The end of what a job prints is shown at once, however much it printed before."""

from dataclasses import replace
from pathlib import Path

from background_executor.jobs.job_logs import CHUNK_BYTES, KEPT_BYTES
from background_executor.records import ScanRecord
from tests.background_executor.bench import WAITS, Bench


def start_printing_job(bench: Bench) -> tuple[ScanRecord, Path]:
    bench.behave(replace(WAITS, waits_after=0))  # prints nothing itself
    scan = bench.start_scan()
    bench.until(lambda: bench.jobs(scan)[0].state == "running")
    return scan, Path(bench.layout(scan).log_file(bench.jobs(scan)[0].job))


def append(log: Path, lines: int, last: str) -> None:
    """Print some thousand bytes a line, and a last one."""
    with log.open("a") as file:
        file.writelines(f"{number:08} {'.' * 990}\n" for number in range(lines))
        file.write(f"{last}\n")


def test_the_end_of_a_long_log_is_shown_at_the_first_look_after_a_restart(bench: Bench) -> None:
    scan, log = start_printing_job(bench)
    append(log, 4 * CHUNK_BYTES // 1000, "event 4711")
    bench.restart()
    bench.step(2)
    tail = bench.jobs(scan)[0].log_tail
    assert tail.endswith("event 4711\n")
    assert len(tail) == KEPT_BYTES


def test_a_log_that_grows_faster_than_it_is_read_is_shown_from_its_end(bench: Bench) -> None:
    scan, log = start_printing_job(bench)
    append(log, 1, "begins")
    bench.step(2)
    assert bench.jobs(scan)[0].log_tail.endswith("begins\n")
    append(log, 4 * CHUNK_BYTES // 1000, "event 4711")
    bench.step(2)
    bench.step(2)
    assert bench.jobs(scan)[0].log_tail.endswith("event 4711\n")
    append(log, 1, "event 4712")
    bench.step(2)
    assert bench.jobs(scan)[0].log_tail.endswith("event 4712\n")
