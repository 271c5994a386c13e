"""The fuzzer's inputs and finds, held to the fuzzer's oracle in the compiled readers."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fuzz import oracle
from tests.fuzz.memory_growth import LIMIT_BYTES, growth_per_run
from tests.fuzz.write_inputs import INPUTS, inputs_of
from tests.server_side.wavedump.raw_content import STYLES

CUTS = 12
"""So many beginnings of each file are read before the rest is there."""


@pytest.mark.parametrize("name", sorted(path.name for path in INPUTS.iterdir()))
def test_an_input_of_the_fuzzer_is_read_as_a_person_reads_it(name: str, tmp_path: Path) -> None:
    data = (INPUTS / name).read_bytes()
    raw_file = tmp_path / "wave2.txt"
    oracle.check_content(data, raw_file)
    for cut in range(0, len(data) - 2, max(1, (len(data) - 2) // CUTS)):
        oracle.check_content(cut.to_bytes(2, "little") + data[2:], raw_file)
    assert data[2:].startswith(raw_file.read_bytes()), "readers write nothing"


@pytest.mark.parametrize("name", STYLES)
def test_every_format_has_its_inputs(name: str) -> None:
    missing = [
        f"{name}-{kind}"
        for kind, content in inputs_of(STYLES[name])
        if not (INPUTS / f"{name}-{kind}").is_file()
        or (INPUTS / f"{name}-{kind}").read_bytes() != content
    ]
    assert missing == [], "run python -m tests.fuzz.write_inputs"


def test_the_oracle_sees_an_event_that_no_byte_supports(tmp_path: Path) -> None:
    """Judge the reading of one file by the bytes of another."""
    raw_file, lines = tmp_path / "wave2.txt", (INPUTS / "ascii-whole").read_bytes()[2:]
    other = lines.replace(b"15004\n", b"15005\n", 1)
    assert other != lines
    reading = oracle.read_whole(lines, raw_file)
    assert reading is not None
    oracle.check_reading(lines, reading)
    with pytest.raises(AssertionError, match="stands in the file as it was given"):
        oracle.check_reading(other, reading)


def test_the_oracle_sees_an_event_that_is_neither_given_nor_counted(tmp_path: Path) -> None:
    content = (INPUTS / "binary-whole").read_bytes()[2:]
    reading = oracle.read_whole(content, tmp_path / "wave2.txt")
    assert reading is not None
    short = replace(
        reading,
        events=reading.events[:-1],
        summary=replace(reading.summary, events=reading.summary.events - 1),
    )
    with pytest.raises(AssertionError, match="goes without being counted"):
        oracle.check_reading(content, short)


def test_reading_the_inputs_again_and_again_keeps_no_memory() -> None:
    """Measure in a process of its own: other tests' memory comes and goes."""
    run = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.memory_growth", str(INPUTS)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "memory grows by" in run.stdout


def test_a_leak_of_a_tenth_of_a_megabyte_a_run_is_seen() -> None:
    kept: list[bytes] = []
    growth = growth_per_run(lambda content: kept.append(content * 100_000), [b"x", b"y"], 1)
    assert growth > LIMIT_BYTES
