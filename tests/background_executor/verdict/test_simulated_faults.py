"""Each fault of the simulator through the whole chain: files, pulses, fit, result, verdict.

A fault must end in an outcome or a measured quantity of its own, and never in a
gain that is wrong and looks right.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from background_executor.judging.derived_quantities import ScanContext
from background_executor.judging.health import HealthSettings
from background_executor.judging.verdict import Judgement, judge
from background_executor.records import CheckOutcome, Verdict
from server_side.by_hand import Request, process_by_hand
from server_side.gain_fit import GainFitter
from server_side.layout import RESULT_FILE
from server_side.result import Missing, PointResult, Quantity, ValidFit
from server_side.scan import PositionPoint, Slot
from server_side.settings import MeasurementSettings
from server_side.simulate import (
    BenchSettings,
    Fault,
    FaultAt,
    SimulatedPmt,
    simulate_acquisition,
)
from server_side.simulate.truth import TruePoint, read_truth

NOW = datetime(2026, 2, 20, 5, 41, 23, tzinfo=UTC)
TRIGGERS = 10_000
LARGEST_BIAS = 0.08
"""Of the two-Gaussian gain: 2 to 4 % from the model, and three errors of 1.5 %."""
LARGEST_DFT_BIAS = 0.03
"""Of the gain by the Fourier model, which has no bias: three of its errors."""

SIGNS: dict[Fault, tuple[set[Verdict], set[str]]] = {
    Fault.LOW_GAIN: ({Verdict.POOR}, {"gain"}),
    Fault.HIGH_GAIN: ({Verdict.POOR}, {"gain"}),
    Fault.NO_LIGHT: ({Verdict.NO_LIGHT}, {"light"}),
    Fault.LIGHT_LEAK: ({Verdict.CHECK}, {"dark_rate_hz", "disturbed_fraction"}),
    Fault.DEAD_CHANNEL: ({Verdict.NO_LIGHT}, {"light", "baseline_noise_adc"}),
    Fault.NOISY_BASELINE: ({Verdict.FIT_FAILED}, {"baseline_noise_adc", "arrival_shift_ns"}),
    Fault.BASELINE_DRIFT: ({Verdict.CHECK}, {"baseline_drift_adc"}),
    Fault.SATURATION: ({Verdict.CHECK}, {"saturated_fraction"}),
    Fault.SHIFTED_ARRIVAL: ({Verdict.CHECK}, {"arrival_shift_ns"}),
    Fault.TRUNCATED_FILE: ({Verdict.POOR}, {"cut_off_events", "completeness"}),
    Fault.LOST_EVENTS: ({Verdict.POOR}, {"lost_events"}),
    Fault.DOUBLED_EVENTS: ({Verdict.POOR}, {"doubled_events"}),
    Fault.SLIPPED_EVENTS: ({Verdict.POOR}, {"slipped_events"}),
    Fault.SLOW_DAQ: ({Verdict.CHECK}, {"trigger_rate_hz"}),
    Fault.STALLED_DAQ: ({Verdict.CHECK}, {"completeness"}),
    Fault.LASER_DRIFT: ({Verdict.CHECK}, {"monitor_drift"}),
}
"""By which verdict, and which checks outside their limits, a fault is known."""
ALL_SIGNS = set[str]().union(*(checks for _, checks in SIGNS.values()))

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@dataclass(frozen=True)
class Processed:
    """One simulated point and what came of it."""

    result: PointResult
    truth: TruePoint


Process = Callable[..., Processed]


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Process:
    """Simulate one point and analyse it as the cluster does."""
    fitter = GainFitter()

    def run(theta_deg: int, fault: Fault | None = None, **changes: bool) -> Processed:
        base = tmp_path_factory.mktemp("point")
        bench = BenchSettings(
            pmts=(SimulatedPmt(serial_number="KQ0001", slot=Slot.ONE),),
            points=(PositionPoint(theta_deg=theta_deg, phi_deg=0),),
            triggers=TRIGGERS,
            faults=() if fault is None else (FaultAt(fault=fault, slot=Slot.ONE),),
            **changes,
        )
        done = simulate_acquisition(bench, base / "raw", now=NOW)
        request = Request(
            raw_folder=done.folder,
            out=base / "out",
            serial_number=None,
            slot=Slot.ONE,
            kind=None,
            point=None,
            zone="Asia/Tokyo",
            settings=MeasurementSettings(),
        )
        (entry,) = process_by_hand(request, fitter)
        assert entry.folder is not None, entry.message
        result = PointResult.model_validate_json(Path(entry.folder, RESULT_FILE).read_bytes())
        truth = read_truth(done.truth_file).points[0]
        shutil.rmtree(base)
        return Processed(result, truth)

    return run


@pytest.fixture(scope="module")
def centre(process: Process) -> PointResult:
    """A healthy centre, to which the other points are compared."""
    return process(0).result


def judge_beside(centre: PointResult, result: PointResult) -> tuple[Judgement, set[str]]:
    """Return the judgement and the names of all checks that are outside their limits."""
    context = ScanContext(centre=centre, expected_events=TRIGGERS)
    judgement = judge(result, HealthSettings(), NOW, context)
    checks = judgement.verdict.checks
    return judgement, {c.name for c in checks if c.outcome is CheckOutcome.OUTSIDE}


def test_every_fault_has_signs_that_no_other_has() -> None:
    assert set(SIGNS) == set(Fault)
    signs = [(frozenset(verdicts), frozenset(checks)) for verdicts, checks in SIGNS.values()]
    # A gain that is too low and one that is too high differ by its value.
    assert len(set(signs)) == len(signs) - 1


def test_a_point_without_a_fault_shows_no_sign_of_any(
    process: Process, centre: PointResult
) -> None:
    found = process(10)
    judgement, outside = judge_beside(centre, found.result)
    assert outside == set()
    assert judgement.verdict.verdict in {Verdict.HEALTHY, Verdict.CHECK}
    assert_gains_are_true(found, judgement)


@pytest.mark.parametrize("fault", Fault)
def test_a_fault_is_known_by_its_own_signs_and_never_by_a_wrong_gain(
    process: Process, centre: PointResult, fault: Fault
) -> None:
    found = process(10, fault)
    judgement, outside = judge_beside(centre, found.result)
    verdicts, checks = SIGNS[fault]
    assert judgement.verdict.verdict in verdicts, judgement.verdict.summary
    assert outside & ALL_SIGNS == checks
    assert_gains_are_true(found, judgement)


def assert_gains_are_true(found: Processed, judgement: Judgement) -> None:
    """A gain there is must be that of the PMT, whatever else is wrong."""
    true_gain = found.truth.gain_peak
    if judgement.gain is not None:
        assert judgement.gain.gain == pytest.approx(true_gain, rel=LARGEST_BIAS)
    else:
        assert judgement.verdict.verdict in {Verdict.NO_LIGHT, Verdict.FIT_FAILED}
    fit = found.result.fit_of("dft")
    if isinstance(fit, ValidFit):
        assert fit.gain_peak == pytest.approx(true_gain, rel=LARGEST_DFT_BIAS)


def test_reference_monitor_dark_pulses_and_late_tail_are_measured(process: Process) -> None:
    found = process(0, has_reference=True)
    measured = {entry.name: entry for entry in found.result.quality}
    for name in ("reference_charge_pc", "reference_hit_fraction", "monitor_charge_pc"):
        assert isinstance(measured[name], Quantity), measured[name]
    dark, tail = measured["dark_rate_hz"], measured["arrival_tail_ns"]
    assert isinstance(dark, Quantity)
    assert dark.value == pytest.approx(found.truth.dark_rate_hz, abs=4 * (dark.error or 0.0))
    assert isinstance(tail, Quantity)
    assert 1.0 < tail.value < 4.0


def test_without_reference_and_monitor_it_is_said_that_they_are_missing(process: Process) -> None:
    measured = {entry.name: entry for entry in process(0, has_monitor=False).result.quality}
    for name in ("reference_charge_pc", "monitor_charge_pc"):
        entry = measured[name]
        assert isinstance(entry, Missing)
        assert "there is no" in entry.reason
