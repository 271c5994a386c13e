"""What a full rerun of the live page costs: ``python -m tests.benchmarks.bench_pages``.

Two scans with 42 points over a seeded store, the page run as Streamlit runs it but
without a browser. Aimed at are less than 200 ms. Nothing fails here.
"""

import os
import statistics
import tempfile
import time
from pathlib import Path

from streamlit.testing.v1 import AppTest

from background_executor.config import SETTINGS_VARIABLE
from tests.seed_store import seed_site

APP = Path(__file__).parents[2] / "dashboard" / "app.py"
REPEATS = 15


def main() -> None:
    """Print the shortest and the middle script time, on the wall clock and of the processor."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ[SETTINGS_VARIABLE] = str(seed_site(Path(folder)).config_path)
        app = AppTest.from_file(str(APP), default_timeout=60)
        app.session_state["operator"] = "night shift"
        app.run()
        wall_ms, cpu_ms = [], []
        for _ in range(REPEATS):
            wall, cpu = time.perf_counter(), time.process_time()
            app.run()
            wall_ms.append(1000 * (time.perf_counter() - wall))
            cpu_ms.append(1000 * (time.process_time() - cpu))
    for name, times in (("wall clock", wall_ms), ("processor", cpu_ms)):
        print(
            f"full rerun of the live page, {name}: shortest {min(times):.0f} ms, "
            f"median {statistics.median(times):.0f} ms of {REPEATS}"
        )


if __name__ == "__main__":
    main()
