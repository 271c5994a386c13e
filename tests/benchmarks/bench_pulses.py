"""How long a point takes from raw files to ROOT, as ratios to reading its bytes.

Run ``python -m tests.benchmarks.bench_pulses [--events N]``. Absolute times
depend on the machine; the ratios, all of one run over the same files, are what
counts. The Python reader does only a part of the events and is scaled up.
"""

import argparse
import subprocess
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from server_side.pulses import PulseReading, read_pulses
from server_side.root_file import write_root_file
from server_side.scan import PositionPoint, ScanKind, Slot
from server_side.settings import AnalysisSettings, DaqSettings
from server_side.simulate import BenchSettings, SimulatedPmt, simulate_acquisition
from server_side.wavedump import open_reader

DAQ = DaqSettings()
WHOLE = "decode + pulses + ROOT"
PYTHON = "line-by-line Python, one thread"
PYTHON_EVENTS = 2_000
"""The line-by-line reader does so many events a channel."""


def seconds(work: Callable[[], object], tries: int = 2) -> float:
    """Return the shortest time of some tries."""
    times = []
    for _ in range(tries):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)


def simulated_files(base: Path, events: int) -> dict[int, Path]:
    """Write one point of four channels: trigger, monitor, PMT, reference."""
    bench = BenchSettings(
        pmts=(SimulatedPmt(serial_number="BENCH", slot=Slot.ONE),),
        points=(PositionPoint(theta_deg=0, phi_deg=0),),
        triggers=events,
        has_reference=True,
    )
    done = simulate_acquisition(bench, base, now=datetime.now(UTC))
    return {int(path.name[4]): path for path in done.folder.rglob("wave*.txt")}


def read(paths: dict[int, Path]) -> PulseReading:
    """Decode and integrate."""
    return read_pulses(paths, DAQ, AnalysisSettings(), ScanKind.POSITION)


def copy_to_nowhere(names: list[str]) -> None:
    """Read the bytes and nothing else."""
    subprocess.run(["cat", *names], stdout=subprocess.DEVNULL, check=True)


def decode(paths: dict[int, Path]) -> None:
    """Decode alone, one channel after the other."""
    for path in paths.values():
        for _ in open_reader(path, DAQ).all_blocks():
            pass


def read_line_by_line(path: Path, events: int) -> int:
    """Do what a plain Python reader does: lines to numbers, then baseline, start and charge."""
    samples: list[int] = []
    done = 0
    with path.open() as lines:
        for line in lines:
            if not line[0].isdigit():
                continue
            samples.append(int(line))
            if len(samples) == DAQ.record_length:
                record = np.array(samples[:40]).mean() - np.array(samples)
                above = np.flatnonzero(record * DAQ.mv_per_adc > 3.0)
                if len(above):
                    record[max(0, above[0] - 10) : above[0] + 50].sum()
                samples, done = [], done + 1
                if done == events:
                    break
    return done


def main() -> None:
    """Measure and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100_000, help="events a channel")
    events = parser.parse_args().events
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        read(simulated_files(base / "warm", 1_000))
        began = time.perf_counter()
        paths = simulated_files(base / "raw", events)
        times = {"simulate": time.perf_counter() - began, **measured_times(base, paths, events)}
        size_mb = sum(path.stat().st_size for path in paths.values()) / 1e6
    print(f"{len(paths)} channels x {events} events x {DAQ.record_length} samples")
    for name, spent_s in times.items():
        rate, ratio = size_mb / spent_s, spent_s / times["cat"]
        print(f"{name:32} {spent_s:8.2f} s {rate:8.0f} MB/s {ratio:8.1f} x cat")
    print(f"{WHOLE} over cat: {times[WHOLE] / times['cat']:.1f}")
    print(f"{PYTHON} over {WHOLE}: {times[PYTHON] / times[WHOLE]:.1f}")


def measured_times(base: Path, paths: dict[int, Path], events: int) -> dict[str, float]:
    """Return the seconds of each way to go over the files."""
    names = [str(path) for path in paths.values()]
    part = min(events, PYTHON_EVENTS)
    python_s = seconds(lambda: [read_line_by_line(p, part) for p in paths.values()], tries=1)
    return {
        "cat": seconds(lambda: copy_to_nowhere(names)),
        "decode, one thread": seconds(lambda: decode(paths)),
        "decode + pulses": seconds(lambda: read(paths)),
        WHOLE: seconds(lambda: read_and_write(paths, base / "point.root")),
        PYTHON: python_s * events / part,
    }


def read_and_write(paths: dict[int, Path], root_file: Path) -> None:
    """Go all the way from raw files to a ROOT file."""
    root_file.unlink(missing_ok=True)
    write_root_file(root_file, read(paths).pulses)


if __name__ == "__main__":
    main()
