"""The verb ``simulate``: run a simulated acquisition until it is done or asked to end."""

import argparse
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from types import FrameType

from pydantic import ValidationError

from server_side.boundary import faults_in_words
from server_side.errors import SimulationError
from server_side.scan import ScanKind
from server_side.simulate.acquisition import simulate_acquisition
from server_side.simulate.faults import Fault
from server_side.simulate.settings import (
    BenchSettings,
    FaultAt,
    LightSettings,
    SimulatedPmt,
    SpeSettings,
)
from server_side.simulate.spe import SpeShape

EXAMPLE = (
    "example: simulate raw --serial-number KQ0001 --serial-number KQ0002 "
    "--seconds-per-point 5 --fault 1:theta20_phi90:low_gain"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give a parser the arguments of the verb."""
    parser.add_argument("raw_base", type=Path, help="folder that holds acquisitions")
    parser.add_argument(
        "--bench", help="BenchSettings as a JSON file, or '-' for stdin; instead of all below"
    )
    parser.add_argument(
        "--serial-number",
        action="append",
        dest="serial_numbers",
        metavar="SN",
        help="PMT on the bench, slot 1 first; may be given twice (default: SIM0001)",
    )
    parser.add_argument("--kind", choices=[kind.value for kind in ScanKind], default="position")
    parser.add_argument("--triggers", type=int, default=20_000, help="per point (default: 20000)")
    parser.add_argument(
        "--occupancy", type=float, default=0.3, help="mean photoelectrons per trigger"
    )
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same files")
    parser.add_argument(
        "--seconds-per-point", type=float, help="pace of a live DAQ (default: as fast as it goes)"
    )
    parser.add_argument("--spe-shape", choices=[shape.value for shape in SpeShape])
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        dest="faults",
        metavar="SLOT:POINT:FAULT",
        help=f"POINT may be 'all'; faults are {', '.join(fault.value for fault in Fault)}",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run an acquisition; SIGTERM and SIGINT end it with its files as they are then."""
    bench = bench_of(arguments)
    stop = Event()

    def ask_to_stop(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask_to_stop)
    done = simulate_acquisition(bench, arguments.raw_base, now=datetime.now(UTC), stop=stop)
    ending = "stopped" if done.was_stopped else "done"
    print(f"{ending}: {done.finished_points} of {len(bench.steps)} points in {done.folder}")
    return 0


def bench_of(arguments: argparse.Namespace) -> BenchSettings:
    """Return the bench that the arguments describe.

    Raises
    ------
    SimulationError
        When they describe none; the message names each fault.
    """
    try:
        if arguments.bench is not None:
            is_stdin = arguments.bench == "-"
            text = sys.stdin.read() if is_stdin else Path(arguments.bench).read_text()
            return BenchSettings.model_validate_json(text)
        return _bench_of_options(arguments)
    except (OSError, ValidationError, ValueError) as error:
        raise SimulationError(
            f"no bench can be made of these settings: {faults_in_words(error)}"
        ) from error


def _bench_of_options(arguments: argparse.Namespace) -> BenchSettings:
    spe = SpeSettings()
    if arguments.spe_shape:
        spe = SpeSettings(shape=SpeShape(arguments.spe_shape))
    return BenchSettings(
        kind=ScanKind(arguments.kind),
        pmts=tuple(
            SimulatedPmt.model_validate({"serial_number": serial, "slot": slot, "spe": spe})
            for slot, serial in enumerate(arguments.serial_numbers or ["SIM0001"], start=1)
        ),
        triggers=arguments.triggers,
        light=LightSettings(occupancy=arguments.occupancy),
        faults=tuple(_parse_fault(text) for text in arguments.faults),
        seed=arguments.seed,
        seconds_per_point=arguments.seconds_per_point,
    )


def _parse_fault(text: str) -> FaultAt:
    parts = text.split(":")
    if len(parts) != 3:
        raise ValueError(f"fault {text!r}: expected like '1:theta20_phi90:low_gain'")
    slot, point, fault = parts
    return FaultAt.model_validate(
        {"slot": int(slot), "point": None if point == "all" else point, "fault": fault}
    )
