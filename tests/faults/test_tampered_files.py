"""Files and journals on the server that are not as they were written: never shown, never twice."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from background_executor.records import ScanRecord
from server_side.layout import MANIFEST_FILE
from tests.background_executor.bench import WAITS
from tests.faults.cluster_bench import ClusterBench

pytestmark = pytest.mark.cluster

POINT = "theta10_phi0"


def let_the_job_end(bench: ClusterBench) -> tuple[ScanRecord, Path]:
    """Start a scan and let its job publish everything while the executor looks away."""
    bench.behave(replace(WAITS, waits_after=0))
    scan = bench.start_scan()
    bench.let_go()
    bench.wait_for(lambda: bench.jobs_in_slurm("COMPLETED") != [])
    return scan, Path(bench.layout(scan).results_folder) / f"data_{POINT}"


def alter(folder: Path) -> None:
    content = bytearray((folder / "charge.png").read_bytes())
    content[100] ^= 1
    (folder / "charge.png").write_bytes(content)


def truncate(folder: Path) -> None:
    (folder / "charge.png").write_bytes((folder / "charge.png").read_bytes()[:-1])


def let_grow(folder: Path) -> None:
    with (folder / "result.json").open("ab") as file:
        file.write(b" ")


def add_a_file(folder: Path) -> None:
    (folder / "extra.txt").write_text("more")


def lose_a_file(folder: Path) -> None:
    (folder / "charge.png").unlink()


def put_a_link(folder: Path) -> None:
    (folder / "charge.png").rename(folder.parent / "elsewhere.png")
    (folder / "charge.png").symlink_to("../elsewhere.png")


def change_manifest(folder: Path, change: Callable[[dict[str, str]], object]) -> None:
    path = folder / MANIFEST_FILE
    manifest = json.loads(path.read_text())
    change(manifest["files"][0])
    path.write_text(json.dumps(manifest))


def name_a_parent(folder: Path) -> None:
    change_manifest(folder, lambda entry: entry.update(name="../charge.png"))


def name_a_wrong_hash(folder: Path) -> None:
    change_manifest(folder, lambda entry: entry.update(sha256="0" * 64))


@pytest.mark.parametrize(
    "tamper",
    [
        alter,
        truncate,
        let_grow,
        add_a_file,
        lose_a_file,
        put_a_link,
        name_a_parent,
        name_a_wrong_hash,
    ],
)
def test_a_folder_that_is_not_as_published_is_refused_and_said(
    bench: ClusterBench, tamper: Callable[[Path], None]
) -> None:
    scan, folder = let_the_job_end(bench)
    tamper(folder)
    bench.until(lambda: bench.states(scan).count("stored") == 2)
    bench.until(lambda: bench.points(scan)[POINT].state == "failed")
    point = bench.points(scan)[POINT]
    assert point.error
    assert point.result_id is None
    local = Path(bench.config.results_folder, bench.layout(scan).scan_name, scan.serial_number)
    assert not (local / f"data_{POINT}").exists()
    assert not (local.parent / "charge.png").exists()
    bench.until(lambda: bench.is_complete(scan))
    assert len(bench.jobs(scan)) == len(bench.jobs_in_slurm()) == 1
    bench.assert_status_is_true(scan, failed=1)


def lose_a_line(lines: list[bytes]) -> list[bytes]:
    return [line for line in lines if b"point_published" not in line or POINT.encode() not in line]


def repeat_lines(lines: list[bytes]) -> list[bytes]:
    return [line for line in lines for _ in range(2)]


def tear_a_line(lines: list[bytes]) -> list[bytes]:
    torn = next(i for i, line in enumerate(lines) if b"point_published" in line)
    return [*lines[:torn], lines[torn][:40] + b"\n", *lines[torn + 1 :]]


def put_zeros_in(lines: list[bytes]) -> list[bytes]:
    return [lines[0], b"\0" * 300 + b"\n", *lines[1:]]


@pytest.mark.parametrize("damage", [lose_a_line, repeat_lines, tear_a_line, put_zeros_in])
def test_a_damaged_journal_costs_time_and_no_point(
    bench: ClusterBench, damage: Callable[[list[bytes]], list[bytes]]
) -> None:
    scan, _ = let_the_job_end(bench)
    journal = Path(bench.layout(scan).journal_file(bench.jobs(scan)[0].job))
    journal.write_bytes(b"".join(damage(journal.read_bytes().splitlines(keepends=True))))
    bench.until(lambda: bench.is_complete(scan))
    bench.assert_survived(scan)
