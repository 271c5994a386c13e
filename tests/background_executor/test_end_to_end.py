"""The whole way with the real watcher: simulated raw files in, judged results out."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from background_executor import queries
from background_executor.records import Verdict
from server_side.result import ValidFit
from server_side.scan import ScanKind, parse_point
from server_side.simulate import BenchSettings, SimulatedPmt, simulate_acquisition
from tests.background_executor.bench import Bench, make_site_folder

POINTS = ("theta0_phi0", "theta10_phi0")
WATCH = """
[watch]
poll_s = 0.2
stable_s = 2.0
"""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_raw_files_become_judged_results(tmp_path: Path) -> None:
    settings = make_site_folder(tmp_path, POINTS)
    text = settings.read_text().replace(str(tmp_path / "python"), sys.executable)
    settings.write_text(text + WATCH)
    bench = Bench(settings)
    try:
        scan = bench.start_scan()
        raw = simulate_acquisition(
            BenchSettings(
                kind=ScanKind.POSITION,
                pmts=(SimulatedPmt(serial_number="KQ0146", slot=1),),
                points=tuple(parse_point(name) for name in POINTS),  # type: ignore[arg-type]
                triggers=20_000,
            ),
            Path(bench.config.site.raw_base),
            now=datetime.now(UTC),
        )
        assert raw.finished_points == len(POINTS)
        bench.until(lambda: bench.is_complete(scan), seconds=0.1, patience_s=500)
        bench.assert_each_point_once(scan)
        for point in scan.plan.points:
            (record,) = queries.results_of_point(bench.store, scan.scan_id, point)
            fit = record.result.fit_of("two_gaussian")
            assert isinstance(fit, ValidFit)
            assert fit.gain_peak == pytest.approx(1e7, rel=0.06)
            assert record.verdict is not None
            assert record.verdict.verdict in (Verdict.HEALTHY, Verdict.CHECK)
    finally:
        bench.close()
