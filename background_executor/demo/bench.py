"""The simulated bench as the demo sees it: a process that writes raw files, and its truth file.

The simulator is a program of the cluster part and stays one here: it gets a
settings file, and what it really simulated is read back from the file that it
writes beside the raw data.
"""

import json

from pydantic import BaseModel, ConfigDict

from background_executor.demo.children import Child, Children
from background_executor.demo.scenario import (
    FAULTS,
    NOMINAL_V,
    OCCUPANCY,
    SEED,
    SERIAL_NUMBERS,
    TRIGGERS,
    TRUE_GAIN,
    TRUE_HV_V,
    DemoFolders,
)
from background_executor.errors import SettingsError
from server_side.scan import Point, ScanKind, Slot


class _PartOfTruth(BaseModel):
    """Of the truth file only what is compared; the rest is the simulator's own."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class TruePoint(_PartOfTruth):
    """What a PMT really did at one point."""

    serial_number: str
    point: Point
    spe_peak_pc: float


class TruePmt(_PartOfTruth):
    """What is true of a PMT at all points."""

    serial_number: str
    hv_for_target_v: float


class Truth(_PartOfTruth):
    """The true values of one acquisition."""

    pmts: tuple[TruePmt, ...]
    points: tuple[TruePoint, ...]

    def peak_pc(self, serial_number: str, point: str) -> float:
        """Return the true mode of the single-photoelectron charge (pC)."""
        return next(
            true.spe_peak_pc
            for true in self.points
            if (true.serial_number, true.point.name) == (serial_number, point)
        )

    def hv_at_target_v(self, serial_number: str) -> float:
        """Return the true voltage for a gain of 1e7 (V)."""
        return next(
            true.hv_for_target_v for true in self.pmts if true.serial_number == serial_number
        )


def start(
    children: Children, folders: DemoFolders, kind: ScanKind, seconds_per_point: float | None = None
) -> Child:
    """Start an acquisition; as fast as it goes unless a pace is given."""
    settings = folders.bench_settings(kind)
    settings.write_text(json.dumps(_settings(kind, seconds_per_point), indent=1))
    argv = ["-m", "server_side", "simulate", str(folders.raw), "--bench", str(settings)]
    return children.start(f"bench-{kind}", argv)


def read_truth(folders: DemoFolders, kind: ScanKind) -> Truth:
    """Return the true values of the newest acquisition of a kind.

    Raises
    ------
    SettingsError
        When the bench wrote none.
    """
    for path in sorted(folders.raw.glob("truth_*.json"), reverse=True):
        truth = Truth.model_validate_json(path.read_bytes())
        if all(true.point.kind == kind for true in truth.points):
            return truth
    raise SettingsError(f"no truth file of a {kind} acquisition in {folders.raw}")


def _settings(kind: ScanKind, seconds_per_point: float | None) -> dict[str, object]:
    slots = tuple(zip(Slot, SERIAL_NUMBERS, strict=True))
    measured = slots if kind is ScanKind.POSITION else slots[:1]
    pmts = [
        {
            "serial_number": serial_number,
            "slot": slot,
            "gain_peak": TRUE_GAIN,
            "hv_for_target_v": TRUE_HV_V,
            "nominal_v": NOMINAL_V,
        }
        for slot, serial_number in measured
    ]
    faults = [
        {"fault": fault, "slot": slot, "point": point}
        for slot, serial_number in measured
        for (faulty, point), fault in FAULTS.items()
        if faulty == serial_number and kind is ScanKind.POSITION
    ]
    return {
        "kind": kind,
        "pmts": pmts,
        "faults": faults,
        "triggers": TRIGGERS,
        "light": {"occupancy": OCCUPANCY},
        "seed": SEED + (kind is ScanKind.HV),
        "seconds_per_point": seconds_per_point,
    }
