"""Small simulated acquisitions."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from server_side.pulses import PulseReading, read_pulses
from server_side.scan import PositionPoint, ScanKind, Slot
from server_side.settings import AnalysisSettings
from server_side.simulate import (
    BenchSettings,
    SimulatedAcquisition,
    SimulatedPmt,
    simulate_acquisition,
)

NOW = datetime(2026, 2, 20, 5, 41, 23, tzinfo=UTC)
Simulate = Callable[[BenchSettings], SimulatedAcquisition]
ReadPoint = Callable[[BenchSettings, SimulatedAcquisition], PulseReading]


@pytest.fixture
def one_pmt() -> BenchSettings:
    """One PMT in slot 1, two positions, a thousand triggers each."""
    return BenchSettings(
        pmts=(SimulatedPmt(serial_number="KQ0001", slot=Slot.ONE),),
        points=(PositionPoint(theta_deg=0, phi_deg=0), PositionPoint(theta_deg=10, phi_deg=90)),
        triggers=1000,
    )


@pytest.fixture
def two_pmts(one_pmt: BenchSettings) -> BenchSettings:
    """The same with a second PMT in slot 2."""
    second = SimulatedPmt(serial_number="KQ0002", slot=Slot.TWO)
    return one_pmt.model_copy(update={"pmts": (*one_pmt.pmts, second)})


@pytest.fixture
def simulate(tmp_path: Path) -> Simulate:
    """Run an acquisition below the test's folder."""
    return lambda bench: simulate_acquisition(bench, tmp_path / "raw", now=NOW)


@pytest.fixture
def read_point() -> ReadPoint:
    """Read the first PMT's first point of an acquisition."""

    def read(bench: BenchSettings, acquisition: SimulatedAcquisition) -> PulseReading:
        folder = acquisition.folder / bench.pmts[0].serial_number
        point = bench.point_of(bench.pmts[0], 0).name
        is_position = bench.kind is ScanKind.POSITION
        folder /= f"wavesave_{point}" if is_position else point
        paths = {int(path.name[4]): path for path in folder.glob("wave*.txt")}
        return read_pulses(paths, bench.daq, AnalysisSettings(), bench.kind)

    return read
