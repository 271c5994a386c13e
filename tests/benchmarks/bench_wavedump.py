"""Decoding raw text over ``cat`` of the same files, and over a line-by-line Python reader.

``python -m tests.benchmarks.bench_wavedump [--events N] [--channels C]`` prints ratios of
one run: trust those, not the absolute values. Channels are read in parallel threads.
"""

import argparse
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from server_side.settings import DaqSettings
from server_side.wavedump import open_reader

LENGTH = 260
EVENTS_PER_WRITE = 2000


def write_file(path: Path, channel: int, events: int) -> None:
    """Write a file of noise as WaveDump would."""
    rng = np.random.default_rng(channel)
    header = (
        f"Record Length: {LENGTH}\nBoardID: 31\nChannel: {channel}\nEvent Number: %d\n"
        "Pattern: 0x0000\nTrigger Time Stamp: %d\nDC offset (DAC): 0xBFFF\n"
    )
    with path.open("w") as file:
        for begin in range(0, events, EVENTS_PER_WRITE):
            count = min(EVENTS_PER_WRITE, events - begin)
            samples = rng.normal(15000.0, 4.5, (count, LENGTH)).round().astype(int)
            for number, values in enumerate(samples.tolist(), start=begin):
                file.write(header % (number, 1000 * number % 2**31))
                file.write("\n".join(map(str, values)) + "\n")


def read_line_by_line(path: Path) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Yield events as a plain Python reader does."""
    with path.open() as file:
        while line := file.readline():
            length = int(line.removeprefix("Record Length:"))
            header = dict(file.readline().rstrip().split(": ", 1) for _ in range(6))
            samples = np.array([int(file.readline()) for _ in range(length)], np.float32)
            yield int(header["Event Number"]), samples


def decode(path: Path) -> int:
    """Return the number of events of a file."""
    reader = open_reader(path, DaqSettings())
    return sum(len(block.event_number) for block in reader.all_blocks())


def decode_all(paths: Sequence[Path]) -> int:
    """Return the number of events of all files, read side by side."""
    with ThreadPoolExecutor(len(paths)) as pool:
        return sum(pool.map(decode, paths))


def measure_s(action: Callable[[], object], repeats: int = 3) -> float:
    """Return the shortest of some times."""
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        action()
        times.append(time.perf_counter() - begin)
    return min(times)


def cat(paths: Sequence[Path]) -> None:
    """Read the files as fast as the machine can."""
    with Path("/dev/null").open("wb") as nowhere:
        subprocess.run(["cat", *map(str, paths)], stdout=nowhere, check=True)


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--channels", type=int, default=4)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"wave{channel}.txt" for channel in range(arguments.channels)]
        for channel, path in enumerate(paths):
            write_file(path, channel, arguments.events)
        size_gb = sum(path.stat().st_size for path in paths) / 1e9
        decode_all(paths)
        cat_s = measure_s(lambda: cat(paths))
        decode_s = measure_s(lambda: decode_all(paths))
        one_s = measure_s(lambda: decode(paths[0]))
        few = Path(folder) / "few.txt"
        write_file(few, 0, max(1, arguments.events // 50))
        python_s = measure_s(lambda: list(read_line_by_line(few)), repeats=1) * 50
    print(f"{arguments.channels} channels x {arguments.events} events, {size_gb:.2f} GB")
    print(f"decode / cat                  {decode_s / cat_s:8.2f}")
    print(f"line-by-line Python / decode  {python_s / one_s:8.1f}  (one channel each)")
    print(f"one channel after the other / side by side {one_s * len(paths) / decode_s:6.2f}")
    print(f"decoded                       {size_gb / decode_s:8.2f} GB/s")


if __name__ == "__main__":
    main()
