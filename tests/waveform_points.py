"""Points through raw files and the whole analysis, as far as the content of ``result.json``.

Only plot, ROOT file and publication are left out: nobody looks at those of a
bench with hundreds of points.
"""

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from server_side.chosen_files import choose_files
from server_side.describe import describe_result
from server_side.gain_fit import GainFitter
from server_side.hv_curve import HvCurve, fit_hv_curve
from server_side.layout import ScanLayout
from server_side.pipeline import analyse_pulses, read_and_integrate
from server_side.point_work import PointWork
from server_side.raw_data import look_at_folder
from server_side.raw_names import RawNames
from server_side.result import PointResult, ValidFit
from server_side.root_publish import scratch_folder
from server_side.scan import ExistingAcquisition, Point, ScanKind, ScanPlan, Slot, Take
from server_side.settings import AnalysisSettings, MeasurementSettings
from server_side.simulate import BenchSettings, LightSettings, SimulatedPmt, simulate_acquisition
from server_side.wavedump import generation_of
from tests.window_charges import STEPS_V, HvCase

NOW = datetime(2026, 2, 20, tzinfo=UTC)
SERIAL_NUMBER = "SIM0001"


def measure_bench(
    fitter: GainFitter, bench: BenchSettings, analysis: AnalysisSettings | None = None
) -> Iterator[PointResult]:
    """Simulate one acquisition of one PMT and analyse its points, in their order."""
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder, "raw")
        acquisition = simulate_acquisition(bench, raw, now=NOW).folder
        pmt = bench.pmts[0]
        points: tuple[Point, ...] = tuple(bench.point_of(pmt, step) for step in bench.steps)
        plan = ScanPlan(
            scan_id="0" * 12,
            site="bench",
            kind=bench.kind,
            serial_number=pmt.serial_number,
            slot=Slot(pmt.slot),
            started_at=NOW,
            points=points,
            raw=ExistingAcquisition(folder=acquisition.name),
            settings=MeasurementSettings(daq=bench.daq, analysis=analysis or AnalysisSettings()),
        )
        layout = ScanLayout(PurePosixPath(folder), plan)
        Path(layout.scan_folder).mkdir(parents=True)
        for point in points:
            yield _measure(_work(layout, acquisition, point), fitter)


def measure_hv_case(fitter: GainFitter, case: HvCase) -> HvCurve:
    """Simulate and analyse the voltages of a case, one after the other to save disk."""
    gains, errors = [], []
    for number, step in enumerate(STEPS_V):
        bench = BenchSettings(
            kind=ScanKind.HV,
            pmts=(
                SimulatedPmt(
                    serial_number=SERIAL_NUMBER,
                    slot=Slot.ONE,
                    hv_for_target_v=case.true_hv_v,
                    gain_index=case.index,
                    nominal_v=case.nominal_v,
                    spe=case.spe,
                ),
            ),
            hv_steps_v=(step,),
            triggers=case.triggers,
            light=LightSettings(occupancy=case.occupancy),
            has_monitor=False,
            seed=100 + number,
        )
        (result,) = measure_bench(fitter, bench)
        fit = result.fit_of("dft")
        gains.append(fit.gain_peak if isinstance(fit, ValidFit) else float("nan"))
        errors.append(fit.gain_peak_err if isinstance(fit, ValidFit) else float("nan"))
    return fit_hv_curve(case.voltages_v, gains, errors)


def _work(layout: ScanLayout, acquisition: Path, point: Point) -> PointWork:
    plan = layout.plan
    names = RawNames(plan.settings.daq)
    is_position = plan.kind is ScanKind.POSITION
    pattern = (
        plan.settings.daq.position_folder_pattern
        if is_position
        else plan.settings.daq.hv_folder_pattern
    )
    folder = acquisition / plan.serial_number / pattern.format(point=point.name)
    raw_point = look_at_folder(folder, point, plan, names, acquisition)
    chosen = choose_files(raw_point, plan)
    generation = generation_of(chosen.pmt.path)
    assert generation is not None
    return PointWork(
        plan=plan,
        layout=layout,
        take=Take(point=point),
        raw_point=raw_point,
        chosen=chosen,
        generation=generation,
        complete_because="the bench is done",
        job=None,
    )


def _measure(work: PointWork, fitter: GainFitter) -> PointResult:
    with scratch_folder(work.layout) as scratch:
        reading = read_and_integrate(work, lambda _stage, _events: None, scratch)
        analysis = analyse_pulses(work, reading, fitter)
        return describe_result(work, reading, analysis, root_file=Path("none"), duration_s=0.0)
