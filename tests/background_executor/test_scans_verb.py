"""``scans`` names every scan of a site, however old, with what other verbs need to know."""

from datetime import timedelta

import pytest

from background_executor.cli import main
from background_executor.commands import StopScan
from server_side.scan import ScanKind
from tests.background_executor.bench import Bench
from tests.background_executor.decisions.shift import Shift


def type_in(bench: Bench, *words: str) -> int:
    return main(["scans", *words, "--settings", str(bench.settings)])


def test_every_scan_is_listed_newest_first_with_id_state_and_dates(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    shift = Shift(bench)
    old = shift.complete_scan(serial_number="KX0001", slot=1)
    assert shift.archive(old).state == "done"
    for number in range(55):
        bench.now += timedelta(minutes=1)
        newest = shift.new_scan(f"KQ{number:04d}", kind=ScanKind.HV)
    shift.done(StopScan(scan_id=newest.scan_id))
    assert type_in(bench) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 56
    assert lines[0].startswith(f"{newest.scan_id} KQ0054 hv: stopped, begun 2")
    assert lines[-1].startswith(f"{old.scan_id} KX0001 position: archived, begun 2")
    assert ", ended 2" in lines[-1]
    assert lines[-1].endswith("3 of 3 points")


def test_scans_are_found_by_serial_number_id_and_kind(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    shift = Shift(bench)
    one, two = shift.new_scan("KX0001"), shift.new_scan("KQ0001", 2, ScanKind.HV)

    def listed(*words: str) -> list[str]:
        assert type_in(bench, *words) == 0
        return [line.split()[0] for line in capsys.readouterr().out.splitlines()]

    assert listed("--serial", "kx") == [one.scan_id]
    assert listed("--serial", two.scan_id) == [two.scan_id]
    assert listed("--kind", "hv") == [two.scan_id]
    assert listed("--serial", "%") == []


def test_a_site_without_a_store_has_no_scans(
    settings_file: object, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["scans", "--settings", str(settings_file)]) == 3
    assert "has no store yet" in capsys.readouterr().err
