"""Trees that others open, and files of others that we read."""

from dataclasses import replace
from pathlib import Path

import awkward
import numpy as np
import pytest
import uproot

from server_side.errors import RootFileError
from server_side.pulses import AlignedPulses, PulseTable, align
from server_side.pulses.table import COLUMNS, unmeasured_table
from server_side.root_file import ROWS_PER_CHUNK, read_root_file, write_root_file

EVENTS = ROWS_PER_CHUNK + 1234


def table_of(channel: int) -> PulseTable:
    rng = np.random.default_rng(channel)
    table = unmeasured_table(channel, np.arange(7, 7 + EVENTS, dtype=np.int64))
    has_pulse = rng.random(EVENTS) < 0.3
    return replace(
        table,
        time_tag=rng.integers(0, 2**31, EVENTS),
        baseline_adc=rng.normal(14_000, 1, EVENTS),
        noise_adc=rng.normal(4.4, 0.3, EVENTS),
        start_sample=np.where(has_pulse, rng.integers(0, 260, EVENTS), np.nan),
        charge_pc=np.where(has_pulse, rng.normal(1.6, 0.5, EVENTS), np.nan),
        window_charge_pc=rng.normal(0.5, 0.8, EVENTS),
        dark_charge_pc=rng.normal(0.0, 0.14, EVENTS),
        peak_mv=rng.normal(6.0, 2.0, EVENTS),
        saturated=rng.random(EVENTS) < 0.01,
        disturbed=rng.random(EVENTS) < 0.02,
    )


@pytest.fixture(scope="module")
def pulses() -> AlignedPulses:
    return align([table_of(0), table_of(2)])


@pytest.fixture(scope="module")
def root_path(pulses: AlignedPulses, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("root") / "saves" / "scan.root"
    write_root_file(path, pulses)
    return path


def test_a_file_holds_a_tree_a_channel_with_the_agreed_branches(root_path: Path) -> None:
    with uproot.open(root_path) as file:
        assert file.keys(cycle=False) == ["Tree_CH0", "Tree_CH2"]
        tree = file["Tree_CH2"]
        assert tree.keys()[:4] == ["PulseStart", "PulseCharge", "WindowCharge", "EventNumber"]
        assert {"TimeTag", "Baseline", "Noise", "PeakVoltage", "DarkCharge"} < set(tree.keys())
        assert tree.typenames()["PulseCharge"] == "double"
        assert tree.num_entries == EVENTS


def test_awkward_reads_the_charges_to_the_last_bit(root_path: Path, pulses: AlignedPulses) -> None:
    with uproot.open(root_path) as file:
        rows = file["Tree_CH2"].arrays(["PulseCharge", "EventNumber"], library="ak")
    assert isinstance(rows, awkward.Array)
    np.testing.assert_array_equal(rows["PulseCharge"].to_numpy(), pulses.of(2).charge_pc)
    np.testing.assert_array_equal(rows["EventNumber"].to_numpy(), pulses.event_number)


def test_what_was_written_reads_back_the_same(root_path: Path, pulses: AlignedPulses) -> None:
    back = read_root_file(root_path)
    assert [table.channel for table in back.tables] == [0, 2]
    for table in pulses.tables:
        for column in COLUMNS:
            np.testing.assert_array_equal(
                getattr(back.of(table.channel), column), getattr(table, column), err_msg=column
            )


def test_nothing_but_the_file_is_left_behind(root_path: Path) -> None:
    assert [path.name for path in root_path.parent.iterdir()] == ["scan.root"]


def test_a_file_of_another_program_needs_only_starts_and_charges(tmp_path: Path) -> None:
    path = tmp_path / "pyrate.root"
    start = np.array([203.0, np.nan, 207.0], dtype=np.float32)
    charge = np.array([1.5, np.nan, 1.75], dtype=np.float32)
    with uproot.recreate(path) as file:
        file["Tree_CH0"] = {"PulseStart": start - 160, "PulseCharge": charge * 100}
        file["Tree_CH3"] = {"PulseStart": start, "PulseCharge": charge}
        file["comment"] = "something else"
    pulses = read_root_file(path)
    assert pulses.event_number.tolist() == [0, 1, 2]
    np.testing.assert_array_equal(pulses.of(3).charge_pc, [1.5, np.nan, 1.75])
    assert np.isnan(pulses.of(3).window_charge_pc).all()
    assert pulses.arrival_ns(3, 0, 2.0)[0] == 320.0


def test_a_tree_without_charges_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.root"
    with uproot.recreate(path) as file:
        file["Tree_CH2"] = {"PulseStart": np.zeros(3)}
    with pytest.raises(RootFileError, match=r"Tree_CH2 .* lacks \['PulseCharge'\]"):
        read_root_file(path)


def test_a_file_without_trees_says_what_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "other.root"
    with uproot.recreate(path) as file:
        file["events"] = {"x": np.zeros(3)}
    with pytest.raises(RootFileError, match="found \\['events'\\]"):
        read_root_file(path)


@pytest.mark.parametrize("content", [b"", b"root", b"not a ROOT file at all" * 100])
def test_what_is_no_root_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.root"
    path.write_bytes(content)
    with pytest.raises(RootFileError, match=r"cannot read ROOT file .*broken\.root"):
        read_root_file(path)


def test_a_file_that_cannot_be_written_leaves_nothing(
    tmp_path: Path, pulses: AlignedPulses
) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "inside").touch()
    with pytest.raises(RootFileError, match="cannot write ROOT file"):
        write_root_file(tmp_path / "taken", pulses)
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
