"""Which check names which fault of the simulated bench: what benchmark and tests share.

One acquisition per seed: a clean centre, then one position for each fault.
Judged by the default limits but for two things: the gain window lies about the
gain that the judging model gives here, as wide as the statistics of a small point
ask for, and the reference is a clean point of the same PMT in another scan.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from background_executor.judging.derived_quantities import ScanContext
from background_executor.judging.health import GainLimits, HealthSettings
from background_executor.judging.reference import (
    ReferenceContent,
    ReferenceKind,
    ReferenceRecord,
    ReferenceSpectrum,
)
from background_executor.judging.verdict import judge
from background_executor.records import CheckOutcome, CheckRecord, Verdict, VerdictRecord
from server_side.gain_fit import GainFitter
from server_side.result import PointResult, SpectrumName
from server_side.scan import Slot, position_points
from server_side.settings import AnalysisSettings
from server_side.simulate import BenchSettings, Fault, FaultAt, SimulatedPmt
from tests.waveform_points import SERIAL_NUMBER, measure_bench

NOW = datetime(2026, 2, 20, tzinfo=UTC)
TRIGGERS = 12_000
"""A point; 2,700 selected charges, a two-Gaussian gain good to 0.7 %."""
REFERENCE_SEEDS = 1_000_000
"""The scan that a reference is of has a seed that is so much higher."""
HEALTH = HealthSettings(
    gain=(
        GainLimits(
            model="two_gaussian",
            inner_low=0.955e7,
            inner_high=1.035e7,
            outer_low=0.955e7,
            outer_high=1.035e7,
        ),
    )
)
"""Two-Gaussian gains of a true 1e7 are 0.9965e7 at the centre with a standard deviation of
0.006e7 (30 points), up to one per cent less at the edge: five to seven of them to each side."""
JUDGING_ALONE = AnalysisSettings(models=("two_gaussian",))
"""Analysis without the second opinion, by far the slowest part of a point: nothing that a fault's
own check reads is from it, and without it fewer checks could hide that the own one is silent."""
OWN_CHECK = {
    Fault.LOW_GAIN: "gain below",
    Fault.HIGH_GAIN: "gain above",
    Fault.NO_LIGHT: "light below",
    Fault.LIGHT_LEAK: "dark_rate_hz above",
    Fault.DEAD_CHANNEL: "baseline_noise_adc below",
    Fault.NOISY_BASELINE: "baseline_noise_adc above",
    Fault.BASELINE_DRIFT: "baseline_drift_adc above",
    Fault.SATURATION: "saturated_fraction above",
    Fault.SHIFTED_ARRIVAL: "arrival_shift_ns above",
    Fault.TRUNCATED_FILE: "cut_off_events above",
    Fault.LOST_EVENTS: "lost_events above",
    Fault.DOUBLED_EVENTS: "doubled_events above",
    Fault.SLIPPED_EVENTS: "slipped_events above",
    Fault.SLOW_DAQ: "trigger_rate_hz below",
    Fault.STALLED_DAQ: "completeness below",
    Fault.LASER_DRIFT: "monitor_drift below",
}
"""By which check, and which side of its limits, each fault is to be named."""


@dataclass(frozen=True)
class Judged:
    """One simulated point, judged."""

    fault: Fault | None
    result: PointResult
    verdict: VerdictRecord

    @property
    def named(self) -> tuple[str, ...]:
        """Checks outside of their limits, each with its side."""
        checks = self.verdict.checks
        return tuple(_name(c) for c in checks if c.outcome is CheckOutcome.OUTSIDE)

    @property
    def is_named_by_its_own(self) -> bool:
        """Whether the fault's own check is among them, and the verdict not healthy."""
        is_healthy = self.verdict.verdict is Verdict.HEALTHY
        return self.fault is not None and OWN_CHECK[self.fault] in self.named and not is_healthy


def judge_faults(
    fitter: GainFitter, seed: int, faults: Sequence[Fault], analysis: AnalysisSettings | None = None
) -> Iterator[Judged]:
    """Measure a clean centre and one position for each fault; judge all of them."""
    points = position_points()[: len(faults) + 1]
    bench = BenchSettings(
        pmts=(SimulatedPmt(serial_number=SERIAL_NUMBER, slot=Slot.ONE),),
        points=points,
        triggers=TRIGGERS,
        faults=tuple(
            FaultAt(fault=fault, slot=Slot.ONE, point=point.name)
            for fault, point in zip(faults, points[1:], strict=True)
        ),
        seed=seed,
    )
    results = measure_bench(fitter, bench, analysis)
    return _judge_all(results, (None, *faults), _measure_reference(fitter, seed))


def judge_clean(fitter: GainFitter, seed: int, points: int) -> Iterator[Judged]:
    """Measure and judge positions without any fault."""
    bench = BenchSettings(
        pmts=(SimulatedPmt(serial_number=SERIAL_NUMBER, slot=Slot.ONE),),
        points=position_points()[:points],
        triggers=TRIGGERS,
        has_reference=True,
        seed=seed,
    )
    results = measure_bench(fitter, bench)
    return _judge_all(results, (None,) * points, _measure_reference(fitter, seed))


def _measure_reference(fitter: GainFitter, seed: int) -> ReferenceRecord:
    """Measure the clean centre of another scan: a point compared with itself proves nothing."""
    bench = BenchSettings(
        pmts=(SimulatedPmt(serial_number=SERIAL_NUMBER, slot=Slot.ONE),),
        points=position_points()[:1],
        triggers=TRIGGERS,
        seed=REFERENCE_SEEDS + seed,
    )
    (result,) = measure_bench(fitter, bench, JUDGING_ALONE)
    return _reference(result)


def _judge_all(
    results: Iterator[PointResult], faults: Sequence[Fault | None], reference: ReferenceRecord
) -> Iterator[Judged]:
    context = ScanContext()
    for result, fault in zip(results, faults, strict=True):
        if context.centre is None:
            # Every clean point has as many triggers as the centre.
            others = (result.triggers,) * 3
            context = ScanContext(result, other_triggers=others, reference=reference)
        yield Judged(fault, result, judge(result, HEALTH, NOW, context).verdict)


def _reference(result: PointResult) -> ReferenceRecord:
    spectrum = result.spectrum_of(SpectrumName.THRESHOLD)
    assert spectrum is not None
    content = ReferenceContent(
        scan_id=result.scan_id,
        serial_number=result.serial_number,
        spectra=(
            ReferenceSpectrum(
                point=None,
                edges_pc=spectrum.edges_pc,
                counts=tuple(float(count) for count in spectrum.counts),
            ),
        ),
    )
    return ReferenceRecord(
        1, "bench", ReferenceKind.PMT, result.serial_number, 1, content, "", "bench", NOW
    )


def _name(check: CheckRecord) -> str:
    """Name a check with the side of its limits; a failed fit has no side."""
    low, high = check.outer
    value = check.value
    if value is not None and low is not None and value < low:
        return f"{check.name} below"
    return f"{check.name} above" if value is not None and high is not None else check.name
