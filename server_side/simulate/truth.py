"""The true values of a simulated acquisition, in a side file that the analysis never reads."""

from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime

from server_side.boundary import BoundaryModel
from server_side.result import ELEMENTARY_CHARGE_C
from server_side.scan import Point, SerialNumber, Slot
from server_side.simulate.bench import conditions_of
from server_side.simulate.faults import Fault
from server_side.simulate.settings import BenchSettings, SimulatedPmt


class TruePoint(BoundaryModel):
    """What a PMT really did at one point."""

    serial_number: SerialNumber
    slot: Slot
    point: Point
    faults: tuple[Fault, ...]
    gain_peak: float
    """Mode of the SPE charge over e."""
    gain_mean: float
    spe_peak_pc: float
    spe_mean_pc: float
    occupancy: float
    """Mean photoelectrons per trigger from the laser, at the first event."""
    dark_rate_hz: float


class TruePmt(BoundaryModel):
    """What is true of a PMT at all points."""

    serial_number: SerialNumber
    slot: Slot
    hv_for_target_v: float
    """Voltage at which ``gain_peak`` is 1e7 at the centre."""
    gain_index: float


class Truth(BoundaryModel):
    """Content of ``truth_<stamp>.json`` beside an acquisition."""

    format_version: Literal[1] = 1
    acquisition: str
    """Name of the acquisition folder."""
    began_at: AwareDatetime
    bench: BenchSettings
    pmts: tuple[TruePmt, ...]
    points: tuple[TruePoint, ...]


def true_values(bench: BenchSettings, acquisition: str, began_at: AwareDatetime) -> Truth:
    """Return the true values of an acquisition."""
    return Truth(
        acquisition=acquisition,
        began_at=began_at,
        bench=bench,
        pmts=tuple(
            TruePmt(
                serial_number=pmt.serial_number,
                slot=pmt.slot,
                hv_for_target_v=pmt.hv_for_target_v,
                gain_index=pmt.gain_index,
            )
            for pmt in bench.pmts
        ),
        points=tuple(_true_point(bench, pmt, step) for step in bench.steps for pmt in bench.pmts),
    )


def write_truth(truth: Truth, path: Path) -> None:
    """Write the true values aside and rename the file into place."""
    aside = path.with_suffix(".part")
    aside.write_text(truth.model_dump_json(indent=1))
    aside.replace(path)


def read_truth(path: Path) -> Truth:
    """Read the true values beside an acquisition."""
    return Truth.model_validate_json(path.read_bytes())


def _true_point(bench: BenchSettings, pmt: SimulatedPmt, step: int) -> TruePoint:
    conditions = conditions_of(bench, pmt, step)
    mean_over_mode = pmt.spe.distribution().mean
    peak_pc = conditions.gain_peak * ELEMENTARY_CHARGE_C * 1e12
    return TruePoint(
        serial_number=pmt.serial_number,
        slot=pmt.slot,
        point=bench.point_of(pmt, step),
        faults=bench.faults_of(pmt, step),
        gain_peak=conditions.gain_peak,
        gain_mean=conditions.gain_peak * mean_over_mode,
        spe_peak_pc=peak_pc,
        spe_mean_pc=peak_pc * mean_over_mode,
        occupancy=conditions.occupancy,
        dark_rate_hz=conditions.dark_rate_hz,
    )
