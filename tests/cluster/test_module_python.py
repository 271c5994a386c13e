"""A Python made from a module, which starts only where that is loaded: the real sshd and SLURM."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from background_executor.acquisitions import list_acquisitions
from background_executor.config import load_config
from background_executor.new_site.doctor import CheckState
from background_executor.new_site.way_checks import diagnose
from tests.cluster.cluster import RealCluster
from tests.cluster.site_settings import change_settings, make_cluster_site
from tests.faults.cluster_bench import ClusterBench

pytestmark = pytest.mark.cluster

LOADER = """\
#!/bin/sh
# As the loader of shared libraries says it without the module's LD_LIBRARY_PATH.
[ -n "$MODULE_IS_LOADED" ] || {
    echo "$0: error while loading shared libraries: libpython3.11.so.1.0: cannot open" >&2
    exit 127
}
"""
LOAD = 'module_lines = ["echo Loading Python/3.11.3", "export MODULE_IS_LOADED=1"]'


@pytest.fixture
def settings(cluster: RealCluster, tmp_path: Path) -> Path:
    made = make_cluster_site(cluster, tmp_path)
    python = tmp_path / "python"
    python.write_text(LOADER + python.read_text().removeprefix("#!/bin/sh\n"))
    change_settings(made, "[site.submit]", f"[site.submit]\n{LOAD}")
    return made


@pytest.fixture
def bench(cluster: RealCluster, settings: Path) -> Iterator[ClusterBench]:
    made = ClusterBench(cluster, settings)
    yield made
    made.close()


def test_doctor_finds_nothing_amiss(settings: Path) -> None:
    found = {finding.check: finding.state for finding in diagnose(load_config(settings))}
    assert [name for name, state in found.items() if state is CheckState.FAILED] == []
    assert found["server_side"] is CheckState.PASSED


def test_without_its_line_doctor_says_where_it_belongs(settings: Path) -> None:
    config = change_settings(settings, LOAD, "module_lines = []")
    found = {finding.check: finding for finding in diagnose(config)}
    for check in ("Python", "server_side"):
        assert "libpython3.11.so.1.0" in found[check].found
        said = found[check].found + found[check].fix
        assert "site.submit.module_lines" in said


def test_a_scan_is_measured_and_existing_data_are_listed(bench: ClusterBench) -> None:
    scan = bench.start_scan()
    bench.until(lambda: bench.is_complete(scan))
    bench.assert_each_point_once(scan)
    assert list_acquisitions(bench.site, datetime.now(UTC)) == ()
