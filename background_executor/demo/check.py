"""``make demo-check``: the main job to its end, and each gain beside the truth."""

import json
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from background_executor import instance, queries
from background_executor.commands import StartHvCheck, StartScan
from background_executor.config import SiteConfig
from background_executor.demo import bench
from background_executor.demo.asking import ask, wait_while_points_come
from background_executor.demo.children import Child, Children
from background_executor.demo.scenario import (
    EXPECTED_VERDICT,
    FAULTS,
    NOMINAL_V,
    SERIAL_NUMBERS,
    THIS_MACHINE,
    DemoFolders,
    make_fresh,
    write_settings,
)
from background_executor.judging.health import HealthSettings
from background_executor.records import PointRecord, PointState, ScanRecord
from background_executor.store import Store
from server_side.result import ELEMENTARY_CHARGE_C, FitOutcome, ValidFit
from server_side.scan import ScanKind, Slot

MAX_DEVIATION = 0.06
"""Of the two-Gaussian gain from the true peak: its bias of 2 to 4 % and three times its error."""
BENCH_TIMEOUT_S = 600.0
POINT_PATIENCE_S = 300.0
"""Without a new point for so long the check gives up: how many there are is the machine's affair,
which may have other work."""
DEFAULT_MODEL = "dft"
"""Its gain_peak is that of the true peak, whatever judges."""
MAX_MODEL_DEVIATION = 0.015
"""Of the default model's gain from the true peak, beside three of its errors."""
MAX_HV_DEVIATION_V = 3.0
"""Of the voltage from the true one, or three of its errors where that is more."""
_PC_PER_GAIN = ELEMENTARY_CHARGE_C * 1e12


@dataclass(frozen=True)
class PointCheck:
    """One point beside the truth."""

    serial_number: str
    point: str
    line: str
    fault: str
    """Why the check fails for it; empty when it does not."""
    deviation: float | None
    """Of the judged gain."""
    model_deviation: float | None
    """Of the default model's gain; None where there is none, or a fault is simulated."""


@dataclass(frozen=True)
class HvCheck:
    """The voltage beside the truth."""

    true_hv_v: float
    hv_v: float | None
    hv_err_v: float | None
    recommended_v: float | None
    message: str

    @property
    def fault(self) -> str:
        """Why the check fails for it; empty when it does not."""
        if self.hv_v is None or self.hv_err_v is None:
            return f"no voltage: {self.message}"
        allowed = max(MAX_HV_DEVIATION_V, 3.0 * self.hv_err_v)
        deviation = self.hv_v - self.true_hv_v
        if abs(deviation) <= allowed:
            return ""
        return f"the voltage is {deviation:+.1f} V off, more than {allowed:.1f} V"


def run_check(folder: Path, place: Mapping[str, object] = THIS_MACHINE) -> int:
    """Measure everything, compare, print, and return the exit code."""
    began = time.monotonic()
    folders = make_fresh(folder)
    config = write_settings(folders, sys.executable, place)
    with Children(folders.top / "logs") as children:
        instance.start_detached(folders.settings)
        store = config.open_store()
        try:
            scans = _measure(children, folders, store, config)
            checks = [check for scan in scans for check in _compare(store, folders, scan)]
            hv = _hv_check(store, folders, scans[-1], config.health)
        finally:
            store.close()
            instance.stop(config)
    return _report(checks, hv, time.monotonic() - began)


def _measure(
    children: Children, folders: DemoFolders, store: Store, config: SiteConfig
) -> tuple[ScanRecord, ...]:
    """Run both position scans and the HV check to their ends; the HV check comes last."""
    site = config.site.name
    for slot, serial_number in zip(Slot, SERIAL_NUMBERS, strict=True):
        ask(store, site, StartScan(serial_number=serial_number, slot=slot))
    print("The bench writes 21 positions of two PMTs, then 5 voltages ...", flush=True)
    _wait_for_bench(bench.start(children, folders, ScanKind.POSITION))
    start_hv = StartHvCheck(serial_number=SERIAL_NUMBERS[0], slot=Slot.ONE, nominal_v=NOMINAL_V)
    ask(store, site, start_hv)
    _wait_for_bench(bench.start(children, folders, ScanKind.HV))
    scans = tuple(reversed(queries.scans(store, site)))
    if not wait_while_points_come(store, scans, POINT_PATIENCE_S):
        print(f"No point came for {POINT_PATIENCE_S:.0f} s: {_words_of(store, scans)}", flush=True)
    return tuple(scan for scan in scans if scan.kind is ScanKind.POSITION) + tuple(
        scan for scan in scans if scan.kind is ScanKind.HV
    )


def _words_of(store: Store, scans: tuple[ScanRecord, ...]) -> str:
    """Say how far scans are, what their newest jobs are doing, and what the executor says."""
    said = []
    executor = queries.executor(store, scans[0].site)
    for scan in scans:
        job = next(iter(queries.jobs(store, scan.scan_id)), None)
        now = queries.scan(store, scan.scan_id) or scan
        doing = f"its job is {job.state} {job.message}" if job else "it has no job"
        said.append(f"{scan.serial_number} has {now.points_stored} points, {doing} {now.message}")
    return "; ".join([*said, f"the executor says: {executor.message if executor else 'nothing'}"])


def _wait_for_bench(child: Child) -> None:
    if child.process.wait(BENCH_TIMEOUT_S) != 0:
        raise ChildProcessError(f"the {child.name} failed:\n{child.tail()}")


def _compare(store: Store, folders: DemoFolders, scan: ScanRecord) -> list[PointCheck]:
    truth = bench.read_truth(folders, scan.kind)
    return [
        _compare_point(
            scan,
            point,
            _default_fit(store, point),
            truth.peak_pc(scan.serial_number, point.point.name),
        )
        for point in queries.points(store, scan.scan_id)
    ]


def _default_fit(store: Store, point: PointRecord) -> FitOutcome | None:
    record = None if point.result_id is None else queries.result(store, point.result_id)
    return None if record is None else record.result.fit_of(DEFAULT_MODEL)


def _compare_point(
    scan: ScanRecord, point: PointRecord, fit: FitOutcome | None, true_peak_pc: float
) -> PointCheck:
    name = point.point.name
    true_gain = true_peak_pc / _PC_PER_GAIN
    deviation = point.gain.gain / true_gain - 1.0 if point.gain else None
    verdict = point.verdict.verdict if point.verdict else None
    fitted = (
        f"{point.gain.gain:.3e} ± {point.gain.gain_err:.1e} {deviation:+7.2%}"
        if point.gain
        else f"none: {point.gain_missing or point.error}"
    )
    line = (
        f"{scan.serial_number} {name:<15} true peak {true_peak_pc:.3f} pC = {true_gain:.3e}, "
        f"gain {fitted:<33} {_in_words(fit, true_gain)} {verdict or point.state}"
    )
    fault = _fault(scan, point, deviation)
    is_simulated = scan.kind is ScanKind.POSITION and (scan.serial_number, name) in FAULTS
    peak = None if is_simulated else _peak_of(fit)
    model_deviation = None if peak is None else peak[0] / true_gain - 1.0
    if not fault and not is_simulated:
        fault = model_fault(fit, true_gain)
    return PointCheck(scan.serial_number, name, line, fault, deviation, model_deviation)


def _in_words(fit: FitOutcome | None, true_gain: float) -> str:
    peak = _peak_of(fit)
    if peak is None:
        return f"{DEFAULT_MODEL} {'no fit':<16}"
    return f"{DEFAULT_MODEL} {peak[0] / true_gain - 1.0:+7.2%} ± {peak[1] / true_gain:.2%}"


def _peak_of(fit: FitOutcome | None) -> tuple[float, float] | None:
    return fit.peak_with_error if isinstance(fit, ValidFit) else None


def model_fault(fit: FitOutcome | None, true_gain: float) -> str:
    """Return why the default model's gain of a healthy point is not near the true peak."""
    peak = _peak_of(fit)
    if peak is None:
        why = "it was not fitted" if fit is None else fit.message
        return f"no gain of the default model {DEFAULT_MODEL}: {why}"
    allowed = MAX_MODEL_DEVIATION + 3.0 * peak[1] / true_gain
    deviation = peak[0] / true_gain - 1.0
    if abs(deviation) <= allowed:
        return ""
    return f"{DEFAULT_MODEL} deviates by {deviation:+.1%}, more than {allowed:.1%}"


def _fault(scan: ScanRecord, point: PointRecord, deviation: float | None) -> str:
    if point.state is not PointState.STORED or point.verdict is None:
        return f"missing: {point.state} {point.error}".strip()
    fault = FAULTS.get((scan.serial_number, point.point.name))
    if fault is not None and scan.kind is ScanKind.POSITION:
        expected = EXPECTED_VERDICT[fault]
        got = point.verdict.verdict
        return "" if got == expected else f"{fault} should be {expected}, is {got}"
    if deviation is None:
        return f"no valid fit: {point.gain_missing}"
    if abs(deviation) > MAX_DEVIATION:
        return f"deviates by {deviation:+.1%}, more than {MAX_DEVIATION:.0%}"
    return ""


def _hv_check(
    store: Store, folders: DemoFolders, scan: ScanRecord, health: HealthSettings
) -> HvCheck:
    record = queries.hv_curve(store, scan.scan_id, health)
    return HvCheck(
        true_hv_v=bench.read_truth(folders, ScanKind.HV).hv_at_target_v(scan.serial_number),
        hv_v=record.curve.hv_at_target_v if record else None,
        hv_err_v=record.curve.hv_at_target_err_v if record else None,
        recommended_v=record.recommended_v if record else None,
        message=record.curve.message if record else "no point was measured",
    )


def _report(checks: list[PointCheck], hv: HvCheck, seconds: float) -> int:
    for check in checks:
        print(check.line + (f"   WRONG: {check.fault}" if check.fault else ""))
    wrong = [f"{c.serial_number} {c.point}: {c.fault}" for c in checks if c.fault]
    wrong += [f"HV check: {hv.fault}"] if hv.fault else []
    found = "none" if hv.hv_v is None else f"{hv.hv_v:.1f} ± {hv.hv_err_v or 0.0:.1f} V"
    print(
        f"HV for gain 1e7: {found} (true {hv.true_hv_v:.1f} V) {hv.message}"
        + (f"   WRONG: {hv.fault}" if hv.fault else "")
    )
    summary = {
        "ok": not wrong,
        "points": len(checks),
        "wrong": wrong,
        "largest_deviation": _largest(check.deviation for check in checks),
        "largest_model_deviation": _largest(check.model_deviation for check in checks),
        "hv": asdict(hv),
        "seconds": round(seconds, 1),
    }
    print(json.dumps(summary))
    return 1 if wrong else 0


def _largest(deviations: Iterable[float | None]) -> float | None:
    sizes = [abs(deviation) for deviation in deviations if deviation is not None]
    return round(max(sizes), 4) if sizes else None
