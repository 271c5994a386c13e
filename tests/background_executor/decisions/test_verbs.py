"""Decisions as a user types them, against a running executor."""

from collections.abc import Iterator

import pytest

from background_executor import instance
from background_executor.cli import main
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
