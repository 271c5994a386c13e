"""A server_side on the cluster that is not the executor's own: shown, and never run."""

import shutil
import sys
from pathlib import Path

import pytest

from background_executor.records import JobState
from tests.background_executor.bench import ROOT
from tests.faults.cluster_bench import ClusterBench

pytestmark = pytest.mark.cluster


@pytest.mark.parametrize("number", ["0.0.9", "9.9.9"], ids=["older", "newer"])
def test_another_version_is_shown_and_not_run(bench: ClusterBench, number: str) -> None:
    python = Path(bench.config.site.python)
    good = python.read_text()
    elsewhere = python.parent / "elsewhere"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "server_side", elsewhere / "server_side", ignore=ignored)
    (elsewhere / "server_side" / "__init__.py").write_text(f'__version__ = "{number}"\n')
    python.write_text(f'#!/bin/sh\nPYTHONPATH={elsewhere} exec {sys.executable} "$@"\n')
    scan = bench.start_scan()
    for _ in range(3):
        bench.step(60)
    assert bench.jobs(scan)[0].state is JobState.INTENT
    assert bench.jobs_in_slurm() == []
    assert number in bench.word().message
    assert "deploy" in bench.word().message
    python.write_text(good)
    bench.until(lambda: bench.is_complete(scan))
    bench.assert_survived(scan)
