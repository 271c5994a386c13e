"""Nothing that disagrees with its manifest, its journal or its plan gets into the store."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from background_executor import fetch, queries
from background_executor.audit import EventFilter
from background_executor.commands import Reset, SyncNow
from background_executor.errors import RemoteFileError, UntrustedFileError
from background_executor.following import LONGEST_RETRY
from background_executor.local_copy import MAX_FILES, TakeCopy, put_in_place
from background_executor.records import ScanRecord
from background_executor.transport import FetchedFile, LocalTransport
from server_side.layout import MANIFEST_FILE, RESULT_FILE
from server_side.scan import Take
from tests.background_executor.bench import HANGS, POINTS, Bench, make_site_folder
from tests.background_executor.fake_job import publish


@pytest.fixture
def scan(bench: Bench) -> ScanRecord:
    """A running scan whose job publishes nothing by itself."""
    bench.behave(replace(HANGS, publish=0))
    scan = bench.start_scan()
    bench.until(lambda: bench.jobs(scan)[0].state == "running")
    return scan


def publish_here(bench: Bench, scan: ScanRecord, number: int = 0) -> Path:
    take = Take(point=scan.plan.points[number])
    publish(bench.layout(scan), take, bench.jobs(scan)[0].job)
    return Path(bench.layout(scan).take_folder(take))


def announce_here(bench: Bench, scan: ScanRecord, number: int = 0) -> Path:
    """Publish a folder that is to be fetched in the next turn."""
    folder = publish_here(bench, scan, number)
    with bench.store.writing(bench.now) as writer:
        take = Take(point=scan.plan.points[number])
        writer.add_publication(scan.scan_id, take, folder.name, None)
    return folder


def rewrite_manifest(folder: Path) -> None:
    """Make the manifest agree with what lies in the folder, as somebody could who alters files."""
    path = folder / MANIFEST_FILE
    manifest = json.loads(path.read_text())
    manifest["files"] = [
        {
            "name": file.name,
            "size_bytes": file.stat().st_size,
            "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        }
        for file in sorted(folder.iterdir())
        if file.name != MANIFEST_FILE
    ]
    path.write_text(json.dumps(manifest))


def change_result(folder: Path, **changes: object) -> None:
    path = folder / RESULT_FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    rewrite_manifest(folder)


def alter(folder: Path) -> None:
    path = folder / "charge.png"
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)


def truncate(folder: Path) -> None:
    os.truncate(folder / "charge.png", 100)


def grow(folder: Path) -> None:
    with (folder / "charge.png").open("ab") as file:
        file.write(b"more")


def add_file(folder: Path) -> None:
    (folder / "extra.txt").write_text("not in the manifest")


def add_hidden_file(folder: Path) -> None:
    (folder / ".extra").write_text("not in the manifest")


def remove_file(folder: Path) -> None:
    (folder / "charge.png").unlink()


def make_link(folder: Path) -> None:
    (folder / "charge.png").unlink()
    (folder / "charge.png").symlink_to("/etc/hostname")


def add_folder(folder: Path) -> None:
    (folder / "inner").mkdir()
    (folder / "inner" / "charge.png").write_bytes(b"x")


def name_a_parent(folder: Path) -> None:
    text = (folder / MANIFEST_FILE).read_text()
    (folder / MANIFEST_FILE).write_text(text.replace("charge.png", "../charge.png"))


def spoil_manifest(folder: Path) -> None:
    (folder / MANIFEST_FILE).write_text("{}")


def other_serial(folder: Path) -> None:
    change_result(folder, serial_number="KQ9999")


def other_scan(folder: Path) -> None:
    change_result(folder, scan_id="ffffffffffff")


def other_point(folder: Path) -> None:
    point = {"kind": "position", "theta_deg": 50, "phi_deg": 0}
    change_result(folder, take={"point": point, "take": 1, "revision": 1})


def missing_plot(folder: Path) -> None:
    change_result(folder, charge_plot="nowhere.png")


def not_a_number(folder: Path) -> None:
    text = (folder / RESULT_FILE).read_text().replace('"triggers":1000', '"triggers":NaN')
    (folder / RESULT_FILE).write_text(text)
    rewrite_manifest(folder)


def too_large(folder: Path) -> None:
    with (folder / "charge.png").open("ab") as file:
        file.truncate(fetch.MAX_TAKE_BYTES + 1)
    rewrite_manifest(folder)


SPOILERS: tuple[Callable[[Path], None], ...] = (
    alter,
    truncate,
    grow,
    add_file,
    add_hidden_file,
    remove_file,
    make_link,
    add_folder,
    name_a_parent,
    spoil_manifest,
    other_serial,
    other_scan,
    other_point,
    missing_plot,
    not_a_number,
    too_large,
)


@pytest.mark.parametrize("spoil", SPOILERS)
def test_a_spoilt_folder_is_refused_and_the_others_are_stored(
    bench: Bench, scan: ScanRecord, spoil: Callable[[Path], None]
) -> None:
    publish_here(bench, scan, 0)
    spoil(publish_here(bench, scan, 1))
    publish_here(bench, scan, 2)

    bench.ask(SyncNow())

    assert bench.states(scan) == ["stored", "failed", "stored"]
    assert bench.points(scan)[POINTS[1]].error
    stored = Path(bench.config.results_folder, bench.layout(scan).scan_name, scan.serial_number)
    assert sorted(path.name for path in stored.iterdir()) == [
        f"data_{POINTS[0]}",
        f"data_{POINTS[2]}",
    ]
    assert queries.results_of_point(bench.store, scan.scan_id, scan.plan.points[1]) == ()


def test_a_manifest_other_than_the_journal_told_is_refused(bench: Bench) -> None:
    bench.behave(replace(HANGS, publish=2, pace_s=0.5))
    scan = bench.start_scan()
    folder = Path(bench.layout(scan).take_folder(Take(point=scan.plan.points[0])))
    job = bench.jobs(scan)[0].job
    journal = Path(bench.layout(scan).journal_file(job))
    while not (journal.exists() and b"point_published" in journal.read_bytes()):
        pass
    change_result(folder, triggers=7)
    bench.until(lambda: bench.states(scan)[:2] == ["failed", "stored"])
    assert "changed after it was published" in bench.points(scan)[POINTS[0]].error


def test_a_refused_folder_that_was_mended_is_stored_after_a_reset(
    bench: Bench, scan: ScanRecord
) -> None:
    folder = publish_here(bench, scan)
    add_file(folder)
    bench.ask(SyncNow())
    assert bench.states(scan)[0] == "failed"
    (folder / "extra.txt").unlink()
    bench.step(120)
    assert bench.states(scan)[0] == "failed"
    bench.ask(Reset())
    assert bench.states(scan)[0] == "stored"


def test_a_folder_of_a_point_that_was_not_planned_is_left_alone(
    bench: Bench, scan: ScanRecord
) -> None:
    strange = Path(bench.layout(scan).results_folder)
    for name in ("data_theta80_phi0", "data_theta1", ".building-data_theta0_phi0", "data_HV_1800"):
        (strange / name).mkdir(parents=True)
        (strange / name / MANIFEST_FILE).write_text("{}")
    bench.ask(SyncNow())
    assert bench.states(scan) == ["expected"] * 3


def test_what_an_earlier_life_left_half_done_is_replaced(bench: Bench, scan: ScanRecord) -> None:
    local = Path(bench.config.results_folder, bench.layout(scan).scan_name, scan.serial_number)
    for name in (f"data_{POINTS[0]}", f"data_{POINTS[0]}.part"):
        (local / name).mkdir(parents=True)
        (local / name / "charge.png").write_bytes(b"half")
    publish_here(bench, scan)
    bench.ask(SyncNow())
    assert bench.states(scan)[0] == "stored"
    assert (local / f"data_{POINTS[0]}.damaged1" / "charge.png").read_bytes() == b"half"
    (result,) = queries.results_of_point(bench.store, scan.scan_id, scan.plan.points[0])
    assert len((result.folder / "charge.png").read_bytes()) > 4


def test_a_disk_that_refuses_is_tried_again(bench: Bench, scan: ScanRecord) -> None:
    publish_here(bench, scan)
    in_the_way = Path(bench.config.results_folder, bench.layout(scan).scan_name)
    in_the_way.write_text("a file where a folder should be")
    bench.ask(SyncNow())
    assert bench.states(scan)[0] == "published"
    in_the_way.unlink()
    bench.step(30)
    assert bench.states(scan)[0] == "stored"


def test_results_of_a_folder_that_is_away_for_minutes_are_stored_when_it_is_back(
    bench: Bench, scan: ScanRecord
) -> None:
    for number in range(3):
        announce_here(bench, scan, number)
    base = Path(bench.config.site.base_folder)
    away = base.rename(base.with_name("away"))
    for _ in range(60):
        bench.step(5)
    assert bench.states(scan) == ["published"] * 3
    assert "cannot fetch" in bench.points(scan)[POINTS[0]].error
    failed = queries.events(bench.store, "here", EventFilter(act="fetch failed"))
    assert len(failed) == 3  # said once of each, not with every try

    away.rename(base)
    bench.step(LONGEST_RETRY.total_seconds())
    assert bench.states(scan) == ["stored"] * 3
    assert bench.points(scan)[POINTS[0]].error == ""


class CountingTransport(LocalTransport):
    """Counts how often files are asked for; some folders cannot be read."""

    def __init__(self) -> None:
        self.fetches = 0
        self.unreadable: set[str] = set()

    def fetch(
        self, folder: PurePosixPath, names: Sequence[PurePosixPath], *, max_bytes: int
    ) -> Iterator[FetchedFile]:
        self.fetches += 1
        if self.unreadable & set(map(str, names)):
            raise RemoteFileError(f"cannot fetch from {folder}: Input/output error")
        return super().fetch(folder, names, max_bytes=max_bytes)


MANY = tuple(f"theta{theta}_phi{phi}" for theta in range(10, 60, 10) for phi in (0, 90, 180, 270))


@pytest.fixture
def counting(tmp_path: Path) -> Iterator[Bench]:
    """A site of twenty points, all of them published and none fetched yet."""
    folder = tmp_path / "many"
    folder.mkdir()
    transport = CountingTransport()
    made = Bench(make_site_folder(folder, MANY), transport=transport)
    made.behave(replace(HANGS, publish=0))
    scan = made.start_scan()
    for number in range(len(MANY)):
        announce_here(made, scan, number)
    yield made
    made.close()


def fetches_in(bench: Bench, minutes: int) -> int:
    assert isinstance(bench.site.transport, CountingTransport)
    before = bench.site.transport.fetches
    for _ in range(12 * minutes):
        bench.step(5)
    return bench.site.transport.fetches - before


def test_a_disk_that_is_away_is_asked_for_two_folders_a_minute_however_many_wait(
    counting: Bench,
) -> None:
    (scan,) = queries.scans(counting.store, "here")
    base = Path(counting.config.site.base_folder)
    away = base.rename(base.with_name("away"))
    first = fetches_in(counting, 5)
    assert first <= 1 + 2 * (1 + 5 + 5)  # the batch, two of it, then less and less often
    assert fetches_in(counting, 5) <= 2 * 5 + 2
    away.rename(base)
    counting.step(LONGEST_RETRY.total_seconds())
    assert counting.states(scan) == ["stored"] * len(MANY)


def test_folders_that_stay_unreadable_keep_no_other_that_failed_with_them(
    counting: Bench,
) -> None:
    (scan,) = queries.scans(counting.store, "here")
    transport = counting.site.transport
    assert isinstance(transport, CountingTransport)
    transport.unreadable = {f"data_{name}" for name in (*MANY[:2], MANY[7], MANY[12])}
    for _ in range(4):
        counting.step(LONGEST_RETRY.total_seconds())
    assert counting.states(scan).count("stored") == len(MANY) - 4
    transport.unreadable.clear()
    counting.step(LONGEST_RETRY.total_seconds())
    assert counting.states(scan) == ["stored"] * len(MANY)


def test_a_folder_that_was_removed_on_the_server_is_waited_for_no_longer(
    bench: Bench, scan: ScanRecord
) -> None:
    announce_here(bench, scan, 1)
    shutil.rmtree(announce_here(bench, scan, 0))
    bench.step()
    assert bench.states(scan) == ["published", "stored", "expected"]
    for _ in range(fetch.LOOK_FOR_IT_AFTER):
        bench.step(LONGEST_RETRY.total_seconds())
    assert bench.states(scan)[0] == "failed"
    assert "any more: put it back" in bench.points(scan)[POINTS[0]].error


@pytest.mark.parametrize(
    "names",
    [
        ["data_theta0_phi0/../../escaped"],
        ["data_theta0_phi0/a", "data_theta0_phi0/a"],
        ["data_theta0_phi0/sub/a"],
        ["data_theta0_phi0"],
        ["elsewhere/a"],
        ["/etc/passwd"],
        ["data_theta0_phi0/a b"],
        [f"data_theta0_phi0/f{n}" for n in range(MAX_FILES + 1)],
        [],
    ],
)
def test_names_in_a_stream_are_checked_before_anything_is_written(
    bench: Bench, scan: ScanRecord, tmp_path: Path, names: list[str]
) -> None:
    take = Take(point=scan.plan.points[0])
    copy = TakeCopy(tmp_path / "results", "data_theta0_phi0", take, scan.plan, None)
    files = [FetchedFile(PurePosixPath(name), b"x") for name in names]
    before = {path for path in tmp_path.rglob("*") if "results" not in path.parts}
    with pytest.raises(UntrustedFileError):
        put_in_place(copy, files)
    assert not any(path.is_file() for path in (tmp_path / "results").rglob("*"))
    assert not (tmp_path / "escaped").exists()
    assert before <= set(tmp_path.rglob("*"))
