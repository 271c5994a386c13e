"""Coverage-guided fuzzing of the raw readers: no crash, no hang, no growth, no wrong order.

``python -m tests.fuzz.fuzz_readers --seconds 300`` ends with status 1 at a find and
leaves it in ``.fuzz/``; make a test of it in ``tests/server_side/wavedump/test_damage.py``.
The compiled loops run as plain Python here, so that atheris sees their branches and a read
behind the last byte is an error.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

os.environ["NUMBA_DISABLE_JIT"] = "1"

import atheris

with atheris.instrument_imports(include=["server_side.wavedump"]):
    from server_side.errors import RawDataError
    from server_side.settings import DaqSettings
    from server_side.wavedump import generation_of, open_reader

from tests.server_side.wavedump.raw_content import STYLES, make_events

TIMEOUT_S = 20
MEMORY_MB = 2048
LARGEST_BYTES = 1024
EVENTS = 4
DAQ = DaqSettings(record_length=8)
"""Short events: plain Python reads few bytes a second, and headers hold the branches."""


def read_in_two_steps(content: bytes, cut: int, path: Path) -> None:
    """Read a file that grows once; anything but events or the documented error is a find."""
    path.write_bytes(content[:cut])
    reader = open_reader(path, DAQ, block_events=3, window_bytes=1)
    numbers: list[int] = []
    try:
        for size in (cut, len(content)):
            with path.open("ab") as file:
                file.write(content[path.stat().st_size : size])
            for block in reader.blocks():
                assert block.samples_adc.shape == (
                    len(block.event_number),
                    len(block.samples_adc[0]),
                )
                numbers += block.event_number.tolist()
            generation_of(path)
    except RawDataError:
        return
    seen = reader.summary()
    assert seen.events == len(numbers), "events are counted as they are given"
    assert seen.skipped_events <= len(content), "no more is skipped than there is"
    assert seen.torn_events in (0, 1)


def make_test_one(path: Path) -> "atheris.TestOneInputCallback":
    """Return the function that atheris calls."""

    def test_one(data: bytes) -> None:
        if len(data) < 2:
            return
        content = data[2:]
        cut = int.from_bytes(data[:2], "little") % (len(content) + 1)
        read_in_two_steps(content, cut, path)

    return test_one


def write_seeds(folder: Path) -> None:
    """Write one small file of every format as a beginning."""
    for name, style in STYLES.items():
        content = style.content(make_events(EVENTS, length=DAQ.record_length))
        (folder / f"seed-{name}").write_bytes(b"\xff\xff" + content)
        (folder / f"seed-{name}-grows").write_bytes(b"\x40\x00" + content)


def main() -> None:
    """Fuzz for the given time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--folder", type=Path, default=Path(".fuzz"))
    arguments = parser.parse_args()
    corpus = arguments.folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    write_seeds(corpus)
    options = [
        f"-max_total_time={arguments.seconds}",
        f"-timeout={TIMEOUT_S}",
        f"-rss_limit_mb={MEMORY_MB}",
        f"-max_len={LARGEST_BYTES}",
        f"-artifact_prefix={arguments.folder}/",
        "-print_final_stats=1",
    ]
    with tempfile.TemporaryDirectory() as folder:
        test_one = make_test_one(Path(folder) / "wave2.txt")
        atheris.Setup([sys.argv[0], *options, str(corpus)], test_one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
