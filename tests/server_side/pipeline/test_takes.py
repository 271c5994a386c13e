"""What published folders and journals say of the takes there are, also damaged ones."""

import logging
from pathlib import Path, PurePosixPath

import pytest

from server_side.journal import DataSeen, PointPublished
from server_side.journal_writer import JournalWriter
from server_side.layout import ScanLayout
from server_side.order import JobOrder
from server_side.scan import PositionPoint, ScanPlan
from server_side.takes import RawIdentity, TakeBook, journal_lines, published_takes
from server_side.worklist import WorkList
from tests.server_side.pipeline.root_take import publish_take

POINT = PositionPoint(theta_deg=10, phi_deg=90)
JOB = "5ca1ab1e-0000-4000-8000-000000000001"
OTHER_JOB = "5ca1ab1e-0000-4000-8000-000000000002"


def test_what_stands_behind_a_bad_line_of_a_journal_is_not_forgotten(tmp_path, caplog):
    journal = tmp_path / f"journal-{JOB}.jsonl"
    with JournalWriter(journal, JOB) as writer:
        writer.data_seen(POINT, 1, "/raw/first", "a" * 64)
    with journal.open("ab") as stream:
        stream.write(b"\x00\x00 torn by a full disk\n{}\n")
    with journal.open("ab") as stream, JournalWriter(tmp_path / "behind", JOB) as writer:
        writer.data_seen(POINT, 2, "/raw/second", "b" * 64)
        stream.write((tmp_path / "behind").read_bytes())
    with caplog.at_level(logging.WARNING):
        seen = [line for line in journal_lines(tmp_path) if isinstance(line, DataSeen)]
    assert [line.take for line in seen] == [1, 2]
    assert caplog.text.count("Passed over in") == 2
    book = TakeBook([], seen)
    assert book.give_number(RawIdentity(POINT, "/raw/second", "b" * 64)) == 2
    assert book.give_number(RawIdentity(POINT, "/raw/third", "c" * 64)) == 3


@pytest.fixture
def damaged(make_plan, tmp_path) -> tuple[ScanPlan, ScanLayout]:
    """Publish one take, and make a folder with the name of another by hand."""
    plan = make_plan(points=(POINT, PositionPoint(theta_deg=0, phi_deg=0)))
    publish_take(plan, tmp_path)
    layout = ScanLayout(PurePosixPath(tmp_path), plan)
    Path(layout.results_folder, "data_theta0_phi0").mkdir()
    return plan, layout


def test_a_folder_without_a_manifest_is_no_published_take(damaged, caplog):
    _, layout = damaged
    with caplog.at_level(logging.WARNING):
        found = [entry.take.name for entry in published_takes(Path(layout.results_folder))]
    assert found == ["theta10_phi90"]
    assert "data_theta0_phi0 has no MANIFEST.json" in caplog.text


def test_a_folder_without_a_manifest_does_not_stop_the_jobs_of_a_scan(damaged, tmp_path):
    plan, layout = damaged
    order = JobOrder(
        job=OTHER_JOB, claim=OTHER_JOB, base_folder=str(tmp_path), raw_base="/raw", plan=plan
    )
    with JournalWriter(Path(layout.journal_file(OTHER_JOB)), OTHER_JOB) as journal:
        work = WorkList(order, layout, journal)
    assert work.points_left == 1
    told = [n for n in journal_lines(Path(layout.scan_folder)) if isinstance(n, PointPublished)]
    assert [line.take.name for line in told] == ["theta10_phi90"]
