"""One ROOT file for each published take, whatever moment a job is killed at."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest
import uproot

from server_side.errors import PublishError, RootFileError
from server_side.layout import RESULT_FILE, ROOT_FOLDER, ScanLayout
from server_side.publish import remove_leftovers
from server_side.pulses.scratch import SCRATCH_PREFIX
from server_side.result import PointResult
from server_side.root_publish import remove_root_leftovers, scratch_folder
from server_side.scan import ScanPlan, Take
from tests.server_side.pipeline.root_take import STAMP, Moment, publish_take

AGREED = "scan_20260220_150000_KQ0146_theta10_phi90.root"
REPOSITORY = Path(__file__).parents[3]


def files(base: Path) -> list[str]:
    """Return the names of all files below the ROOT folder."""
    return sorted(path.name for path in (base / ROOT_FOLDER).rglob("*") if path.is_file())


def named(layout: ScanLayout) -> Path:
    """Return the ROOT file that the published take names."""
    path = Path(layout.results_folder, "data_theta10_phi90", RESULT_FILE)
    return Path(PointResult.model_validate_json(path.read_bytes()).provenance.root_file)


def events_in(path: Path) -> int:
    with uproot.open(path) as file:
        return int(file["Tree_CH2"].num_entries)


def be_killed(plan: ScanPlan, base: Path, moment: Moment) -> None:
    program = [sys.executable, "-m", "tests.server_side.pipeline.root_take", str(base), moment]
    done = subprocess.run(
        program, cwd=REPOSITORY, input=plan.model_dump_json().encode(), check=False
    )
    assert done.returncode == -signal.SIGKILL


@pytest.mark.parametrize("moment", Moment)
def test_killed_at_any_moment_the_next_job_leaves_one_file_under_the_agreed_name(
    make_plan, tmp_path, moment
):
    plan = make_plan()
    layout = ScanLayout(PurePosixPath(tmp_path), plan)
    be_killed(plan, tmp_path, moment)
    assert len(files(tmp_path)) == (1 if moment in {Moment.FLUSHING, Moment.LINKING} else 2)
    assert len(remove_root_leftovers(layout, "FLAG")) == 1
    is_published = moment is Moment.TIDYING
    assert files(tmp_path) == ([AGREED] if is_published else [])
    remove_leftovers(Path(layout.results_folder))
    if not is_published:
        publish_take(plan, tmp_path)
    assert files(tmp_path) == [AGREED]
    assert named(layout).name == AGREED
    assert events_in(named(layout)) == 50
    assert not Path(layout.root_building_folder).exists()
    assert remove_root_leftovers(layout, "FLAG") == ()


def test_features_that_a_job_left_with_a_name_go_away_at_the_next_start(make_plan, tmp_path):
    layout = ScanLayout(PurePosixPath(tmp_path), make_plan())
    with scratch_folder(layout) as folder:
        left = folder / f"{SCRATCH_PREFIX}ab12cd34"
        left.write_bytes(b"features")
    assert left.exists()
    assert remove_root_leftovers(layout, "FLAG") == (left.name,)
    assert not left.exists()
    with scratch_folder(layout) as folder:
        assert list(folder.iterdir()) == []
    assert not folder.exists()


def test_the_file_of_a_take_that_was_flagged_meanwhile_is_kept(make_plan, tmp_path):
    plan = make_plan()
    layout = ScanLayout(PurePosixPath(tmp_path), plan)
    be_killed(plan, tmp_path, Moment.TIDYING)
    flagged = Path(layout.flagged_folder("FLAG"))
    flagged.mkdir(parents=True)
    shutil.move(Path(layout.results_folder, "data_theta10_phi90"), flagged)
    remove_root_leftovers(layout, "FLAG")
    assert files(tmp_path) == [AGREED]


def test_two_scans_of_one_acquisition_each_keep_their_own_file(make_plan, tmp_path):
    first = make_plan()
    second = first.model_copy(update={"scan_id": "ba9876543210"})
    assert publish_take(first, tmp_path, events=50).name == AGREED
    publish_take(second, tmp_path, events=70)
    for plan, events in ((first, 50), (second, 70)):
        assert events_in(named(ScanLayout(PurePosixPath(tmp_path), plan))) == events
    assert len(files(tmp_path)) == 2


def test_what_another_scan_has_in_hand_is_left_alone(make_plan, tmp_path):
    plan = make_plan()
    be_killed(plan, tmp_path, Moment.PUBLISHING)
    other = ScanLayout(PurePosixPath(tmp_path), plan.model_copy(update={"scan_id": "b" * 12}))
    assert remove_root_leftovers(other, "FLAG") == ()
    assert len(files(tmp_path)) == 2


def test_a_take_that_is_not_published_leaves_no_file(make_plan, tmp_path):
    plan = make_plan()
    layout = ScanLayout(PurePosixPath(tmp_path), plan)
    Path(layout.scan_folder).mkdir()
    Path(layout.results_folder).write_text("a file where the results should be")
    with pytest.raises(PublishError, match="cannot publish"):
        publish_take(plan, tmp_path)
    assert files(tmp_path) == []


def test_where_both_names_are_taken_nothing_is_overwritten(make_plan, tmp_path):
    plan = make_plan()
    agreed = Path(
        ScanLayout(PurePosixPath(tmp_path), plan).root_file(STAMP, Take(point=plan.points[0]))
    )
    agreed.parent.mkdir(parents=True)
    own = agreed.with_stem(f"{agreed.stem}_{plan.scan_id}")
    for path in (agreed, own):
        path.write_bytes(b"of somebody else")
    with pytest.raises(RootFileError, match="never overwritten"):
        publish_take(plan, tmp_path)
    assert [path.read_bytes() for path in (agreed, own)] == [b"of somebody else"] * 2
    assert len(files(tmp_path)) == 2
