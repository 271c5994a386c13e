"""``python -m server_side``: the command line of the cluster part.

Each verb loads what it needs when it runs: help, ``inspect``, ``hv-curve`` and
``acquisitions`` come without zfit. Results go to the standard output, and
nothing else does, so that JSON there is clean; errors are one line on the
standard error.
"""

import argparse
import contextlib
import logging
import math
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from server_side import __version__
from server_side.boundary import faults_in_words
from server_side.errors import InputFileError, ServerSideError
from server_side.journal import EndReason
from server_side.order import JobOrder
from server_side.scan import ScanKind, Slot
from server_side.settings import MeasurementSettings


@dataclass(frozen=True)
class Verb:
    """One verb of the command line."""

    name: str
    help: str
    example: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a verb; return the exit status of the process."""
    given = list(sys.argv[1:] if argv is None else argv)
    args = build_parser(given).parse_args(given)
    verb: Verb = args.verb
    try:
        return verb.run(args)
    except ValidationError as error:
        return _complain(verb, f"{error.title}: {faults_in_words(error)}")
    except (ServerSideError, OSError, ValueError) as error:
        return _complain(verb, str(error))


def build_parser(given: Sequence[str]) -> argparse.ArgumentParser:
    """Return the parser; only the verb that was given gets its arguments, which may be heavy."""
    parser = argparse.ArgumentParser(
        prog="python -m server_side",
        description="WaveDump files in, published results out.",
        epilog="'python -m server_side VERB --help' shows a verb's arguments and an example.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    for verb in VERBS:
        part = verbs.add_parser(
            verb.name,
            help=verb.help,
            description=verb.help,
            epilog=f"example:\n  python -m server_side {verb.name} {verb.example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        part.set_defaults(verb=verb)
        if verb.name in given:
            verb.add_arguments(part)
    return parser


def _complain(verb: Verb, message: str) -> int:
    print(f"{verb.name}: {' '.join(message.split())}", file=sys.stderr)
    return 1


def _settings(path: str | None) -> MeasurementSettings:
    """Read measurement settings: the defaults, a JSON file, or ``-`` for standard input."""
    if path is None:
        return MeasurementSettings()
    try:
        content = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise InputFileError(
            f"no measurement settings in {path}: {error.strerror}; name a JSON file"
        ) from error
    return MeasurementSettings.model_validate_json(content)


def _add_settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--settings",
        metavar="FILE",
        help="measurement settings as JSON, like 'settings' of a plan; '-' reads standard input",
    )


def _add_simulate(parser: argparse.ArgumentParser) -> None:
    from server_side.simulate import command  # noqa: PLC0415 - heavy

    command.add_arguments(parser)


def _simulate(args: argparse.Namespace) -> int:
    from server_side.simulate import command  # noqa: PLC0415 - heavy

    return command.run(args)


def _add_process(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("raw_folder", type=Path, help="acquisition, serial number or point folder")
    parser.add_argument("--out", type=Path, required=True, help="base folder of the results")
    parser.add_argument("--serial-number", help="of the PMT; else the folder's name says it")
    parser.add_argument("--slot", type=int, choices=(1, 2), default=1, help="place of the PMT")
    parser.add_argument("--kind", choices=[str(kind) for kind in ScanKind], help="which points")
    parser.add_argument("--point", help="name of the point, for a folder of another name")
    parser.add_argument("--zone", default="Asia/Tokyo", help="time zone of the folders' stamps")
    parser.add_argument("--json", action="store_true", help="print a JSON list instead of lines")
    _add_settings(parser)


def _process(args: argparse.Namespace) -> int:
    quiet_libraries()
    from server_side import by_hand  # noqa: PLC0415 - heavy
    from server_side.gain_fit import GainFitter  # noqa: PLC0415 - heavy: loads zfit

    settings = _settings(args.settings)
    request = by_hand.Request(
        raw_folder=args.raw_folder,
        out=args.out,
        serial_number=args.serial_number,
        slot=Slot(args.slot),
        kind=None if args.kind is None else ScanKind(args.kind),
        point=args.point,
        zone=args.zone,
        settings=settings,
    )
    processed = []
    for entry in by_hand.process_by_hand(request, GainFitter(settings.analysis.min_charges)):
        processed.append(entry)
        if not args.json:
            print(entry.line, flush=True)
    if args.json:
        listing = TypeAdapter(list[by_hand.ProcessedPoint])
        print(listing.dump_json(processed, indent=1).decode())
    return 0 if all(entry.folder is not None for entry in processed) else 1


def _add_watch(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("order", type=Path, help="job-<job uuid>.json, as the executor wrote it")


def _watch(args: argparse.Namespace) -> int:
    quiet_libraries()
    from server_side.watch import run_order  # noqa: PLC0415

    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s"
    )
    signalled = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: signalled.set())
    order = JobOrder.model_validate_json(args.order.read_bytes())
    reason = run_order(order, signalled, os.environ)
    return 1 if reason is EndReason.FAILED else 0


def _add_inspect(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="one raw file")
    _add_settings(parser)


def _inspect(args: argparse.Namespace) -> int:
    from server_side.wavedump import inspect_file  # noqa: PLC0415 - heavy: loads numba

    print(inspect_file(args.file, _settings(args.settings).daq).model_dump_json(indent=1))
    return 0


def _add_fit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("spectrum", type=Path, help="JSON file with one spectrum or a list")
    parser.add_argument(
        "--model",
        default="dft",
        help="charge-response model: dft (default), two_gaussian, poisson_gauss or moments",
    )
    parser.add_argument(
        "--minos", action="store_true", help="also give the parameters' intervals by Minos"
    )


def _fit(args: argparse.Namespace) -> int:
    quiet_libraries()
    from server_side.fit_cli import fit_file_json  # noqa: PLC0415

    with contextlib.redirect_stdout(sys.stderr):
        text = fit_file_json(args.spectrum, args.model, minos=args.minos)
    print(text)
    return 0


def _add_hv_curve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("points", type=Path, help="CSV file with the columns hv_V,gain,gain_err")
    parser.add_argument("--target-gain", type=_gain, default=1e7, help="gain that is wanted")
    parser.add_argument("--plot", type=Path, help="PNG file to draw points, curve and band into")


def _gain(text: str) -> float:
    gain = float(text)
    if not (math.isfinite(gain) and gain > 0):
        raise argparse.ArgumentTypeError(f"expected a positive number like 1e7, found {text!r}")
    return gain


def _hv_curve(args: argparse.Namespace) -> int:
    from server_side.fit_cli import hv_curve_file_json  # noqa: PLC0415

    print(hv_curve_file_json(args.points, args.target_gain, args.plot))
    return 0


def _add_acquisitions(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--raw-base", type=Path, required=True, help="folder of acquisitions")
    parser.add_argument("--zone", default="Asia/Tokyo", help="time zone of the folders' stamps")
    parser.add_argument("--json", action="store_true", help="print a JSON list instead of lines")
    _add_settings(parser)


def _acquisitions(args: argparse.Namespace) -> int:
    from server_side.acquisitions import ACQUISITION_LIST, list_acquisitions  # noqa: PLC0415

    found = list_acquisitions(args.raw_base, _settings(args.settings).daq, args.zone)
    if args.json:
        print(ACQUISITION_LIST.dump_json(found, indent=1).decode())
    else:
        for entry in found:
            print(f"{entry.folder}  {entry.serial_number}  {entry.kind}  {entry.points} points")
    return 0


def quiet_libraries() -> None:
    """Keep TensorFlow's chatter off the terminal; must come before it is loaded."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


VERBS = (
    Verb(
        "simulate",
        "write the WaveDump files of a simulated bench",
        "WaveDumpSaves --serial-number KQ0146 --triggers 2000 --fault 1:theta20_phi90:low_gain",
        _add_simulate,
        _simulate,
    ),
    Verb(
        "process",
        "analyse one's own raw data folder",
        "WaveDumpSaves/wavedump_output_20260220_144123 --out results",
        _add_process,
        _process,
    ),
    Verb("watch", "do the job that an order file describes", "job-<uuid>.json", _add_watch, _watch),
    Verb(
        "inspect",
        "print what is in one raw file, as JSON; status 1 when it cannot be read",
        "wave2save_theta10_phi90.txt",
        _add_inspect,
        _inspect,
    ),
    Verb(
        "fit",
        "fit charge spectra, print gains as JSON",
        "tests/data/spectra.json --model two_gaussian",
        _add_fit,
        _fit,
    ),
    Verb(
        "hv-curve",
        "fit gain over HV, print the voltage for the wanted gain as JSON",
        "points.csv --target-gain 1e7",
        _add_hv_curve,
        _hv_curve,
    ),
    Verb(
        "acquisitions",
        "list the acquisitions that could be processed",
        "--raw-base WaveDumpSaves --json",
        _add_acquisitions,
        _acquisitions,
    ),
)
