"""A line that is cut, silent or slow, and an sshd that is restarted, in the middle of a scan."""

import pytest

from background_executor.records import LinkState
from tests.background_executor.bench import WAITS
from tests.cluster.cluster import RealCluster
from tests.cluster.line import Line
from tests.cluster.site_settings import make_cluster_site
from tests.faults.cluster_bench import ClusterBench

pytestmark = pytest.mark.cluster


@pytest.mark.parametrize("fault", ["cut", "swallow"])
def test_a_line_that_fails_during_a_scan_costs_time_and_nothing_else(
    bench: ClusterBench, line: Line, fault: str
) -> None:
    bench.behave(WAITS)
    scan = bench.start_scan()
    bench.until_first_point(scan)
    line.cut() if fault == "cut" else line.swallow()
    bench.step(30)
    if fault == "swallow":
        assert bench.word().link is LinkState.DISCONNECTED
    line.restore()
    bench.let_go()
    bench.until(lambda: bench.is_complete(scan))
    bench.assert_survived(scan)
    assert bench.word().link is LinkState.CONNECTED


def test_a_line_that_is_cut_again_and_again_loses_no_point(bench: ClusterBench, line: Line) -> None:
    bench.behave(WAITS)
    scan = bench.start_scan()
    for _ in range(10):
        line.cut()
        bench.step(20)
        bench.step(20)
        bench.let_go()
    bench.until(lambda: bench.is_complete(scan))
    bench.assert_survived(scan)


def test_an_sshd_that_is_restarted_is_found_again(
    bench: ClusterBench, cluster: RealCluster, line: Line
) -> None:
    bench.behave(WAITS)
    scan = bench.start_scan()
    cluster.ssh.stop()
    try:
        line.cut()
        bench.step(30)
        assert bench.word().link is LinkState.DISCONNECTED
    finally:
        cluster.ssh.start()
    bench.let_go()
    bench.until(lambda: bench.is_complete(scan))
    bench.assert_survived(scan)


def test_a_slow_line_makes_a_scan_slow_and_nothing_else(
    cluster: RealCluster, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with Line(cluster.ssh.port, round_trip_s=0.14) as slow:
        settings = make_cluster_site(cluster, tmp_path_factory.mktemp("slow"), port=slow.port)
        bench = ClusterBench(cluster, settings)
        scan = bench.start_scan()
        bench.until(lambda: bench.is_complete(scan))
        bench.assert_survived(scan)
        bench.close()
