"""Coverage-guided fuzzing of the raw readers: no crash, no hang, no growth, nothing made up.

``python -m tests.fuzz.fuzz_readers --seconds 300`` ends with status 1 at a find and leaves it in
``.fuzz/``. Give it a name that says what it is and put it into ``tests/fuzz/inputs``, where
``test_fuzz_finds`` reads it from then on. The compiled loops run as plain Python here, so that
atheris sees their branches and a read behind the last byte is an error.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ["NUMBA_DISABLE_JIT"] = "1"

import atheris

with atheris.instrument_imports(include=["server_side.wavedump"]):
    from tests.fuzz.oracle import check_content
    from tests.fuzz.write_inputs import INPUTS

TIMEOUT_S = 20
MEMORY_MB = 2048
LARGEST_BYTES = 1024
ROUND_RUNS = 10_000
"""Code that atheris has instrumented keeps 60 kB a run, whatever it runs: so a process ends.

Whether the readers keep memory is measured behind the last round, see ``memory_growth``.
"""


def checking(path: Path, finds: Path) -> "atheris.TestOneInputCallback":
    """Return the function that atheris calls; it writes its files to ``path``."""

    def check_one_input(data: bytes) -> None:
        try:
            check_content(data, path)
        except Exception:
            # libFuzzer's own copy is not written when the interpreter ends before it.
            (finds / f"find-{hashlib.sha256(data).hexdigest()[:12]}").write_bytes(data)
            raise

    return check_one_input


def main() -> None:
    """Fuzz for the given time, in rounds: each is a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--folder", type=Path, default=Path(".fuzz"))
    parser.add_argument("--round", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.round:
        fuzz(arguments.folder, arguments.seconds)
    corpus = arguments.folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for seed in INPUTS.iterdir():
        shutil.copy(seed, corpus / f"seed-{seed.name}")
    end_s = time.monotonic() + arguments.seconds
    while (left_s := int(end_s - time.monotonic())) > 0:
        given = ["--round", "--seconds", str(left_s), "--folder", str(arguments.folder)]
        status = subprocess.run(
            [sys.executable, "-m", "tests.fuzz.fuzz_readers", *given], check=False
        ).returncode
        if status:
            sys.exit(status)
    sys.exit(measure_growth(corpus))


def measure_growth(corpus: Path) -> int:
    """Return status 1 when the compiled readers keep memory of the fuzzer's inputs."""
    command = [sys.executable, "-m", "tests.fuzz.memory_growth", str(corpus)]
    compiled = {key: value for key, value in os.environ.items() if key != "NUMBA_DISABLE_JIT"}
    return subprocess.run(command, env=compiled, check=False).returncode


def fuzz(folder: Path, seconds: int) -> None:
    """Fuzz until the time or the runs of a round are over; ends the process."""
    options = [
        f"-max_total_time={seconds}",
        f"-runs={ROUND_RUNS}",
        f"-timeout={TIMEOUT_S}",
        f"-rss_limit_mb={MEMORY_MB}",
        f"-max_len={LARGEST_BYTES}",
        f"-artifact_prefix={folder}/",
        "-print_final_stats=1",
    ]
    with tempfile.TemporaryDirectory() as raw_folder:
        check_one_input = checking(Path(raw_folder) / "wave2.txt", folder)
        atheris.Setup([sys.argv[0], *options, str(folder / "corpus")], check_one_input)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
