"""The verb as a child process."""

import argparse
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from server_side.errors import SimulationError
from server_side.simulate import BenchSettings, Fault, read_truth
from server_side.simulate.command import add_arguments, bench_of


def start(*arguments: str, given: str | None = None) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, "-m", "server_side", "simulate", *arguments],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    if given is not None and child.stdin is not None:
        child.stdin.write(given)
        child.stdin.close()
        child.stdin = None
    return child


def test_options_describe_a_bench(tmp_path: Path) -> None:
    child = start(
        str(tmp_path), "--serial-number", "A1", "--serial-number", "B2", "--kind", "hv",
        "--triggers", "20", "--occupancy", "0.1", "--seed", "9", "--spe-shape", "gauss",
        "--fault", "2:HV_1800:no_light", "--fault", "1:all:low_gain",
    )  # fmt: skip
    output, errors = child.communicate(timeout=120)
    assert child.returncode == 0, errors
    assert output.startswith("done: 5 of 5 points in ")
    bench = read_truth(next(tmp_path.glob("truth_*.json"))).bench
    assert [pmt.serial_number for pmt in bench.pmts] == ["A1", "B2"]
    assert [fault.fault for fault in bench.faults] == [Fault.NO_LIGHT, Fault.LOW_GAIN]
    assert bench.light.occupancy == 0.1


def test_a_bench_comes_from_standard_input(tmp_path: Path, one_pmt: BenchSettings) -> None:
    child = start(str(tmp_path), "--bench", "-", given=one_pmt.model_dump_json())
    output, errors = child.communicate(timeout=120)
    assert child.returncode == 0, errors
    assert "2 of 2 points" in output
    assert read_truth(next(tmp_path.glob("truth_*.json"))).bench == one_pmt


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    child = start(str(tmp_path), "--seconds-per-point", "300", "--triggers", "5000")
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("*/*/*/wave2*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    child.send_signal(number)
    output, errors = child.communicate(timeout=60)
    assert child.returncode == 0, errors
    assert output.startswith("stopped: 0 of 21 points")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--fault", "1:low_gain"], "expected like '1:theta20_phi90:low_gain'"),
        (["--fault", "1:all:gone"], "low_gain"),
        (["--fault", "2:all:low_gain"], "there are none"),
        (["--serial-number", "a b"], "serial_number"),
        (["--triggers", "0"], "triggers"),
        (["--bench", "nowhere.json"], "nowhere.json"),
    ],
)
def test_settings_that_make_no_bench_are_refused(arguments: list[str], words: str) -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    with pytest.raises(SimulationError, match="no bench can be made of these settings") as caught:
        bench_of(parser.parse_args(["raw", *arguments]))
    assert words in str(caught.value)


def test_a_refusal_is_a_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    child = start(str(tmp_path), "--fault", "1:low_gain")
    _, errors = child.communicate(timeout=120)
    assert child.returncode != 0
    assert "expected like '1:theta20_phi90:low_gain'" in errors
    assert "Traceback" not in errors
    assert not list(tmp_path.iterdir())


def test_the_help_shows_an_example() -> None:
    child = start("--help")
    output, _ = child.communicate(timeout=120)
    assert "example:" in output
