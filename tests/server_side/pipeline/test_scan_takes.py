"""Which take and revision a result becomes, and what a job knows of those before it."""

import shutil
from collections.abc import Sequence
from datetime import timedelta
from itertools import takewhile
from pathlib import Path

import pytest

from server_side.journal import JournalLine, PointPublished, encode_line
from server_side.journal_writer import utc_now
from server_side.order import AwaitedTake
from server_side.wavedump import generation_of
from tests.server_side.pipeline.bench import write_point
from tests.server_side.pipeline.watched import ACQUISITION, POINTS, ago, stamped

CENTRE, RIGHT, _LEFT = POINTS
NAMES = ["theta0_phi0", "theta10_phi90"]


def test_a_retake_into_the_same_folder_is_the_next_take(bench):
    scan = bench(points=(CENTRE, RIGHT))
    scan.put(CENTRE, seed=1)
    job = scan.job()
    job.run(steps=3)
    scan.put(CENTRE, seed=2)
    job.run(steps=4)
    assert scan.folders() == [NAMES[0], f"{NAMES[0]}_take2"]
    generations = {scan.result(n).provenance.acquisition.generation for n in scan.folders()}
    assert len(generations) == 2


@pytest.mark.parametrize("files_done", [0, 1])
def test_files_that_a_new_run_rewrites_while_they_are_read_are_the_next_take(bench, files_done):
    scan = bench(points=(CENTRE,))
    scan.put(CENTRE, seed=1)
    looks = 0

    def begin_new_run() -> None:
        """Rewrite all files when the first of them is begun, or when it was read."""
        nonlocal looks
        looks += 1
        if looks == 2 + files_done:
            scan.put(CENTRE, seed=2)

    job = scan.job(check_end=begin_new_run)
    job.run()
    assert job.watch.is_done
    (failed,) = scan.failed()
    assert "rewritten" in failed.error
    assert "new take" in failed.error
    assert len(scan.folders()) == 1
    result = scan.result(scan.folders()[0])
    pmt = scan.raw / ACQUISITION / scan.plan.serial_number / "wavesave_theta0_phi0" / "wave2.txt"
    assert result.provenance.acquisition.generation == generation_of(pmt)
    assert result.triggers == 1500


def test_a_retake_in_a_later_acquisition_is_the_next_take(bench):
    scan = bench(points=(CENTRE, RIGHT))
    scan.age(scan.put(CENTRE, seed=1), ago(minutes=10))
    job = scan.job()
    job.run(steps=3)
    scan.put(CENTRE, seed=2, acquisition=stamped(utc_now() - timedelta(minutes=5)))
    job.run(steps=4)
    assert scan.folders() == [NAMES[0], f"{NAMES[0]}_take2"]


def test_a_retake_that_comes_with_the_last_point_is_taken_before_the_job_ends(bench):
    scan = bench(points=(CENTRE,))
    scan.age(scan.put(CENTRE, seed=1), ago(minutes=10))
    scan.put(CENTRE, seed=2, acquisition=stamped(utc_now() - timedelta(minutes=5)))
    job = scan.job()
    job.run()
    assert scan.published() == [NAMES[0], f"{NAMES[0]}_take2"]


def test_a_flagged_take_keeps_its_number(bench):
    scan = bench(points=(CENTRE,))
    scan.put(CENTRE, seed=1)
    scan.job().run()
    flagged = Path(scan.layout.flagged_folder("FLAG"))
    flagged.mkdir(parents=True)
    shutil.move(Path(scan.layout.results_folder, "data_theta0_phi0"), flagged)
    for journal in Path(scan.layout.scan_folder).glob("journal-*"):
        journal.unlink()
    job = scan.job()
    job.run()
    assert job.watch.is_done
    assert scan.published() == []
    scan.put(CENTRE, seed=2)
    scan.job().run()
    assert scan.folders() == [f"{NAMES[0]}_take2"]


def test_a_job_of_a_retake_waits_for_the_next_take_alone(bench):
    scan = bench(points=(CENTRE, RIGHT))
    for point in (CENTRE, RIGHT):
        scan.age(scan.put(point, seed=1), ago(minutes=10))
    scan.job().run()
    awaited = AwaitedTake(point=CENTRE, take=2, asked_at=utc_now() - timedelta(minutes=1))
    job = scan.job(awaited=[awaited])
    job.run(steps=3)
    assert job.watch.points_left == 1
    scan.put(CENTRE, seed=2)
    job.run()
    assert job.watch.is_done
    assert scan.folders() == [NAMES[0], f"{NAMES[0]}_take2", NAMES[1]]


def test_a_retake_of_a_failed_take_leaves_the_failed_data_alone(bench):
    scan = bench(points=(CENTRE,))
    failed = scan.put(CENTRE, seed=1)
    for file in failed.iterdir():
        file.write_bytes(b"nothing to read\n" * 100)
    scan.age(failed, ago(minutes=10))
    scan.job().run(steps=8)
    awaited = AwaitedTake(point=CENTRE, take=2, asked_at=utc_now() - timedelta(minutes=1))
    job = scan.job(awaited=[awaited])
    job.run(steps=4)
    assert not job.watch.is_done
    scan.put(CENTRE, seed=2)
    job.run()
    assert scan.published() == [f"{NAMES[0]}_take2"]


def test_what_is_ambiguous_is_a_question_and_nothing_is_chosen(bench):
    scan = bench(points=(CENTRE,))
    scan.put(CENTRE, seed=1)
    second = stamped(utc_now() - timedelta(minutes=5))
    scan.put(CENTRE, seed=2, acquisition=second)
    job = scan.job()
    job.run(steps=5)
    assert scan.folders() == []
    (failed,) = scan.failed()
    assert failed.final
    assert ACQUISITION in failed.error
    assert second in failed.error
    shutil.move(scan.raw / second, scan.raw / "put_aside")
    job.run(steps=4)
    assert scan.folders() == [NAMES[0]]


def test_analysing_again_gives_the_next_revision_of_the_newest_take(bench):
    scan = bench(points=(CENTRE, RIGHT))
    scan.put(CENTRE)
    scan.put(RIGHT, seed=2)
    scan.job().run()
    again = scan.job(reanalyse=(CENTRE,))
    again.run()
    assert again.watch.is_done
    assert scan.folders() == [NAMES[0], f"{NAMES[0]}_rev2", NAMES[1]]
    first, second = scan.result(NAMES[0]), scan.result(f"{NAMES[0]}_rev2")
    assert first.provenance.acquisition.generation == second.provenance.acquisition.generation
    assert first.spectra == second.spectra


def test_analysing_again_without_raw_data_is_said(bench):
    scan = bench(points=(CENTRE,))
    folder = scan.put(CENTRE)
    scan.job().run()
    shutil.rmtree(folder)
    again = scan.job(reanalyse=(CENTRE,))
    again.run()
    assert again.watch.is_done
    (failed,) = scan.failed()
    assert failed.final
    assert str(folder) in failed.error


def test_data_that_come_after_the_result_give_the_next_revision(bench):
    scan = bench(points=(CENTRE, RIGHT))
    folder = scan.put(CENTRE)
    job = scan.job()
    job.run(steps=3)
    assert scan.result(NAMES[0]).triggers == 1500
    write_point(folder, 100, first_event=1500, mode="a")
    job.run(steps=4)
    assert scan.folders() == [NAMES[0], f"{NAMES[0]}_rev2"]
    assert scan.result(f"{NAMES[0]}_rev2").triggers == 1600


def test_a_second_job_does_nothing_again_and_tells_of_what_was_not_told(bench):
    scan = bench(points=(CENTRE, RIGHT))
    scan.put(CENTRE)
    first = scan.job()
    first.run(steps=3)
    # As it is when the job dies between the published folder and the line that tells of it.
    journal = Path(scan.layout.journal_file(first.order.job))
    journal.write_bytes(b"".join(encode_line(n) for n in untold(scan.lines())))
    assert scan.folders() == [NAMES[0]]
    assert scan.published() == []
    second = scan.job()
    scan.put(RIGHT, seed=2)
    second.run()
    assert scan.published() == NAMES[:2]
    assert scan.folders() == NAMES[:2]


def untold(lines: Sequence[JournalLine]) -> list[JournalLine]:
    """Return the lines up to the one that tells of the first published take."""
    return list(takewhile(lambda line: not isinstance(line, PointPublished), lines))
