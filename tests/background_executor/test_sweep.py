"""Folders that cannot be listed: said, and in nobody else's way."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from background_executor import queries
from background_executor.errors import RemoteFileError
from background_executor.transport import LocalTransport, RemoteEntry
from server_side.journal import EndReason
from tests.background_executor.bench import ENDS_EARLY, HANGS, POINTS, Bench


class ClosedFolders(LocalTransport):
    """Some folders cannot be listed; what lies above them cannot either."""

    def __init__(self) -> None:
        self.closed: set[PurePosixPath] = set()

    def list_tree(self, folder: PurePosixPath, *, depth: int) -> tuple[RemoteEntry, ...]:
        for closed in self.closed:
            is_below = closed.is_relative_to(folder)
            if is_below and len(closed.relative_to(folder).parts) < depth:
                raise RemoteFileError(f"cannot list {folder}: {closed}: Permission denied")
        return super().list_tree(folder, depth=depth)


@pytest.fixture
def transport() -> ClosedFolders:
    return ClosedFolders()


@pytest.fixture
def bench(settings_file: Path, transport: ClosedFolders) -> Iterator[Bench]:
    made = Bench(settings_file, transport=transport)
    yield made
    made.close()


def words_of(bench: Bench) -> str:
    said = queries.executor(bench.store, "here")
    assert said is not None
    return said.message


def test_somebody_elses_closed_folder_below_the_base_is_in_nobodys_way(
    bench: Bench, transport: ClosedFolders
) -> None:
    bench.behave(replace(ENDS_EARLY, silent=POINTS))
    transport.closed.add(bench.config.site.base_folder / "of_somebody_else")
    scan = bench.start_scan()
    bench.restart()  # looks everywhere
    bench.until(lambda: bench.is_complete(scan), seconds=20)
    assert len(bench.jobs(scan)) > 1
    assert words_of(bench) == ""
    bench.assert_each_point_once(scan)


def test_a_scan_whose_folder_is_closed_waits_and_the_others_go_on(
    bench: Bench, transport: ClosedFolders
) -> None:
    bench.behave(replace(HANGS, publish=0))
    closed = bench.start_scan("KQ0001", slot=2)
    bench.until(lambda: bench.jobs(closed)[0].state == "running")
    Path(bench.layout(closed).results_folder).mkdir()
    transport.closed.add(bench.layout(closed).results_folder)
    bench.behave(replace(ENDS_EARLY, silent=POINTS))
    scan = bench.start_scan()
    bench.restart()
    bench.until(lambda: bench.is_complete(scan), seconds=20)
    assert len(bench.jobs(scan)) > 1
    assert "Permission denied" in words_of(bench)
    assert bench.scan(closed).state == "running"
    assert EndReason.TIME_LIMIT in {job.end_reason for job in bench.jobs(scan)}
