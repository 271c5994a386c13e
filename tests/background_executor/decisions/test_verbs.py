"""Decisions as a user types them, against a running executor."""

from collections.abc import Iterator

import pytest

from background_executor import instance, queries
from background_executor.cli import main
from background_executor.commands import StopScan
from background_executor.decisions import decision_queries
from background_executor.records import ScanRecord
from tests.background_executor.decisions.shift import Shift
from tests.seed_results import Fate

CENTRE, RIGHT = "theta0_phi0", "theta10_phi0"


@pytest.fixture
def scan(shift: Shift) -> Iterator[ScanRecord]:
    """A scan with a poor point, before a running executor."""
    scan = shift.complete_scan(Fate.POOR)
    instance.start_detached(shift.bench.settings)
    yield scan
    instance.stop(shift.bench.config)


def type_in(shift: Shift, *words: str) -> int:
    return main([*words, "--settings", str(shift.bench.settings)])


def test_a_shift_of_decisions_is_typed(
    shift: Shift, scan: ScanRecord, capsys: pytest.CaptureFixture[str]
) -> None:
    name = scan.scan_id
    assert type_in(shift, "unsettled", name) == 0
    assert f"{CENTRE}: poor: " in capsys.readouterr().out
    assert type_in(shift, "archive", name, "--wait") == 3
    assert "1 point of scan" in capsys.readouterr().err
    assert type_in(shift, "flag", name, CENTRE, "--reason", "low gain", "--wait") == 0
    assert "flagged; moved to" in capsys.readouterr().out
    assert type_in(shift, "unflag", name, f"{CENTRE}_take1", "--wait") == 0
    assert type_in(shift, "accept", name, CENTRE, "--reason", "known dip", "--wait") == 0
    assert type_in(shift, "archive", name, "--wait") == 0
    assert type_in(shift, "restore", name, "--wait") == 0
    capsys.readouterr()
    assert type_in(shift, "receipts", name) == 0
    told = capsys.readouterr().out
    assert [told.count(f": {act} verified") for act in ("flag", "unflag", "archive")] == [1, 1, 1]
    assert type_in(shift, "plan-clean-up", "--wait") == 0
    (count,) = decision_queries.clean_ups(shift.bench.store, "here")
    assert type_in(shift, "clean-up", str(count.command_id), "--wait") == 0
    assert "3 local copies are in" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("take", "words"),
    [
        (f"{CENTRE}_take7", "has no theta0_phi0_take7"),
        ("theta80_phi0", "has no theta80_phi0"),
        ("../../etc", "no scan point in"),
        ("; rm -rf /", "no scan point in"),
    ],
)
def test_a_take_that_is_none_is_said(
    shift: Shift, capsys: pytest.CaptureFixture[str], take: str, words: str
) -> None:
    scan = shift.complete_scan()
    assert type_in(shift, "flag", scan.scan_id, take, "--reason", "low gain") == 1
    assert words in capsys.readouterr().err


FORGED = "\x1b[2Jgone\x1b]0;owned\x07\u202e\n2026-01-01 00:00:00 anna: archive verified"
"""Clears a terminal, names its window, turns the writing round, and adds a line."""


def assert_steers_nothing(told: str, *, lines: int) -> None:
    assert told.count("\n") == lines
    assert all(line.isprintable() for line in told.split("\n"))
    assert "\\x1b[2Jgone\\x1b]0;owned\\x07\\u202e" in told
    assert not any(line.startswith("2026-01-01") for line in told.split("\n"))


def test_what_people_wrote_is_shown_and_steers_no_terminal(
    shift: Shift, capsys: pytest.CaptureFixture[str]
) -> None:
    scan = shift.complete_scan(Fate.POOR)
    assert shift.flag(scan, CENTRE, reason="other", comment=FORGED).state == "done"
    assert type_in(shift, "receipts", scan.scan_id) == 0
    assert_steers_nothing(capsys.readouterr().out, lines=4)
    running = shift.new_scan()
    shift.done(StopScan(scan_id=running.scan_id, reason=FORGED))
    type_in(shift, "status")
    told = capsys.readouterr().out
    assert_steers_nothing(told, lines=told.count("\n"))


def test_all_leaves_out_what_is_not_open_to_an_act_and_says_it(
    shift: Shift, capsys: pytest.CaptureFixture[str]
) -> None:
    scan = shift.complete_scan(Fate.POOR, Fate.HEALTHY, Fate.FAILED)
    shift.flag(scan, RIGHT)
    assert type_in(shift, "flag", scan.scan_id, "--all", "--reason", "noise") == 0
    told = capsys.readouterr().out
    assert "left out: theta10_phi0 take 1 is flagged already" in told
    assert "left out: theta10_phi90 take 1 has no published folder" in told
    shift.bench.step()
    newest = queries.commands(shift.bench.store, "here", limit=1)[0]
    assert newest.state == "done", newest.answer
    points = (CENTRE, RIGHT, "theta10_phi90")
    assert [shift.decision(scan, name) for name in points] == ["flagged", "flagged", ""]
    assert type_in(shift, "flag", scan.scan_id, "--all", "--reason", "noise") == 1
    assert f"nothing of scan {scan.scan_id} is open to flag" in capsys.readouterr().err
    assert type_in(shift, "flag", "f" * 12, "--all", "--reason", "noise") == 1
    assert "no scan ffffffffffff: 'scans' lists them" in capsys.readouterr().err


def test_all_says_what_was_not_measured_yet(
    shift: Shift, capsys: pytest.CaptureFixture[str]
) -> None:
    scan = shift.new_scan()
    shift.measure(scan, scan.plan.points[0], Fate.POOR)
    assert type_in(shift, "accept", scan.scan_id, "--all", "--reason", "known") == 0
    told = capsys.readouterr().out
    assert told.count("left out: nothing was measured of") == len(scan.plan.points) - 1
