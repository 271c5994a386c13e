"""The verb ``import`` as a user types it, with and without an executor."""

import subprocess
import sys
from pathlib import Path

import pytest

from background_executor import instance, queries
from background_executor.cli import main
from background_executor.commands import ImportTree
from background_executor.decisions import decision_queries
from background_executor.decisions.decision_commands import ArchiveScan, FlagTakes, RetakeTakes
from background_executor.decisions.rules import seen
from tests.background_executor.bench import ROOT, Bench
from tests.background_executor.old_data.trees import put_point

LIST = """
import os, sys
from datetime import datetime
from pathlib import Path
from background_executor.old_data.tree import OldTree
datetime.strptime("2026", "%Y")  # loads a module that the other user may not
os.chdir(sys.argv[1])
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
tree = OldTree(Path(), "FLAG", "archive")
print(len(list(tree.takes())), *(f"{entry.path.name}: {entry.reason}" for entry in tree.unread))
"""


def type_in(bench: Bench, *words: str) -> int:
    return main(["import", *words, "--settings", str(bench.settings)])


def test_without_an_executor_it_is_done_at_once(
    bench: Bench, tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tree / "notes.txt").write_text("warm up longer")
    assert type_in(bench, str(tree), "--operator", "night shift") == 0
    out = capsys.readouterr().out
    assert f"7 scans in {tree}: 12 takes imported, 0 known already, 1 files or folders" in out
    assert f"not read: {tree}/notes.txt: its name is none" in out
    assert len(queries.scans(bench.store, "here")) == 7


def test_a_running_executor_is_asked_for_it(
    bench: Bench, tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with instance.hold_lock(bench.config):
        assert type_in(bench, str(tree)) == 0
    (command,) = queries.commands(bench.store, "here")
    assert command.kind == "import"
    bench.step()
    answered = queries.command(bench.store, command.command_id)
    assert answered is not None
    assert (answered.state, "12 takes imported" in answered.answer) == ("done", True)


def test_an_executor_goes_on_beside_imported_scans(bench: Bench, tree: Path) -> None:
    assert bench.ask(ImportTree(folder=str(tree))).state == "done"
    scan = bench.start_scan("KQ0146", 1)
    bench.until(lambda: bench.is_complete(scan))
    bench.assert_each_point_once(bench.scan(scan))


@pytest.mark.parametrize("folder", ["/nowhere/at/all", "/etc/hostname"])
def test_what_is_no_folder_is_refused_with_the_reason(
    bench: Bench, folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert type_in(bench, folder) == 1
    assert "nothing to import" in capsys.readouterr().err
    answer = bench.ask(ImportTree(folder=folder))
    assert (answer.state, "nothing to import" in answer.answer) == ("refused", True)


def test_a_file_that_is_too_large_is_not_read_into_memory(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put_point(tmp_path / "old", "KQ0146", "theta0_phi0", "20260220_144107")
    plot = next((tmp_path / "old").rglob("*.png"))
    with plot.open("r+b") as file:
        file.truncate(1 << 36)
    assert type_in(bench, str(tmp_path / "old")) == 0
    assert f"{plot}: cannot be read: more than 16777216 bytes" in capsys.readouterr().out


def test_what_may_not_be_opened_is_listed_and_the_rest_is_read(tmp_path: Path) -> None:
    """Root may open everything: there another user reads."""
    root = tmp_path / "old"
    put_point(root, "KQ0146", "theta0_phi0", "20260220_144107")
    put_point(root, "KQ0151", "theta0_phi0", "20260220_144107")
    put_point(root, "KQ0152", "theta0_phi0", "20260220_144107")
    (root / "KQ0151").chmod(0)
    next((root / "KQ0152").rglob("*GAIN.txt")).chmod(0)
    argv = [sys.executable, "-c", LIST, str(root)]
    run = subprocess.run(argv, capture_output=True, text=True, cwd=ROOT, check=True)
    (root / "KQ0151").chmod(0o755)
    count, *reasons = run.stdout.split(maxsplit=1)
    assert count == "2"
    assert "KQ0151: cannot be listed: Permission denied" in reasons[0]
    assert "KQ0152_theta0_phi0_GAIN.txt: cannot be read: Permission denied" in reasons[0]


def test_what_moves_on_the_server_is_refused_for_imported_scans(bench: Bench, tree: Path) -> None:
    assert bench.ask(ImportTree(folder=str(tree))).state == "done"
    scan = next(each for each in queries.scans(bench.store, "here") if each.state == "complete")
    takes = tuple(view for p in bench.points(scan).values() if (view := seen(p)) is not None)
    view = decision_queries.seen_scan(bench.store, scan.scan_id)
    assert view is not None
    for command in (
        ArchiveScan(scan_id=scan.scan_id, seen=view),
        FlagTakes(scan_id=scan.scan_id, takes=takes, reason="noise"),
        RetakeTakes(scan_id=scan.scan_id, takes=takes),
    ):
        answer = bench.ask(command)
        assert answer.state == "refused", answer.answer
        assert "imported" in answer.answer
    assert bench.scan(scan) == scan


def test_an_answer_that_quotes_a_hostile_name_steers_no_terminal(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = "/nowhere\x1b[2J\n2026-01-01 anna: archive verified"
    assert type_in(bench, lines) == 1
    shown = "nothing to import: /nowhere\\x1b[2J\n  2026-01-01 anna: archive verified cannot"
    assert capsys.readouterr().err.startswith(shown)
    folder = "/nowhere\x9b2J\u202e"
    bench.store.enqueue("here", ImportTree(folder=folder), "anna", "once", bench.now)
    bench.step()
    with instance.hold_lock(bench.config):
        assert type_in(bench, folder, "--key", "once", "--wait") == 3
    shown = "nothing to import: /nowhere\\x9b2J\\u202e cannot"
    assert capsys.readouterr().err.startswith(shown)
