"""The executor's command line: run it, ask it for things, see how it is.

Whatever changes something is a command row that the running executor does and
answers, exactly as from the page.
"""

import argparse
import contextlib
import getpass
import os
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from background_executor import instance, queries
from background_executor.commands import (
    Command,
    ListAcquisitions,
    ProcessExisting,
    Reset,
    StartHvCheck,
    StartScan,
    StopScan,
    SyncNow,
)
from background_executor.config import SiteConfig, load_config
from background_executor.errors import ExecutorError, SettingsError
from background_executor.logs import LOG_FILE, set_up_logging
from background_executor.records import CommandRecord, CommandState
from background_executor.status import status_json, status_report, status_text
from server_side.scan import Slot

SETTINGS_VARIABLE = "PMT_MONITOR_SETTINGS"

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_REFUSED = 3
"""The executor refused the command, or none runs."""
EXIT_NO_ANSWER = 4

Arguments = argparse.Namespace


@dataclass(frozen=True)
class Verb:
    """One command of this program."""

    name: str
    summary: str
    example: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    act: Callable[[Arguments], int]


def _nothing_more(_parser: argparse.ArgumentParser) -> None:
    pass


def _run_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--detach", action="store_true", help="start it in the background and print its process id"
    )
    parser.add_argument(
        "--timeout-s", type=float, default=60.0, help="how long --detach waits for a sign of life"
    )


def _run(given: Arguments) -> int:
    if given.detach:
        print(instance.spawn(given.settings, given.timeout_s))
        return EXIT_DONE
    config = load_config(given.settings)
    set_up_logging(config)
    status = instance.run(config)
    if status != 0:
        print(f"the executor crashed; see {config.log_folder / LOG_FILE}", file=sys.stderr)
    return status


def _stop_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--timeout-s", type=float, default=30.0, help="how long to wait")


def _stop(given: Arguments) -> int:
    was_running = instance.stop(load_config(given.settings), given.timeout_s)
    print("the executor has ended; jobs go on" if was_running else "no executor runs")
    return EXIT_DONE


def _status_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="for programs")


def _status(given: Arguments) -> int:
    config = load_config(given.settings)
    with contextlib.closing(config.open_store()) as store:
        report = status_report(config, store)
    print(status_json(report) if given.json else status_text(report))
    return EXIT_DONE if report.is_running else EXIT_REFUSED


def _pmt_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("serial_number", help="of the PMT, like KQ0146")
    parser.add_argument("--slot", type=int, choices=[1, 2], required=True, help="where it stands")
    _wait_arguments(parser)


def _hv_arguments(parser: argparse.ArgumentParser) -> None:
    _pmt_arguments(parser)
    parser.add_argument("--nominal-v", type=int, required=True, help="voltage in the middle")


def _stop_scan_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scan_id", help="as 'status' prints it")
    parser.add_argument("--reason", default="", help="for the audit")
    _wait_arguments(parser)


def _existing_arguments(parser: argparse.ArgumentParser) -> None:
    _pmt_arguments(parser)
    parser.add_argument("acquisition", help="folder below the raw base, of 'list-acquisitions'")
    parser.add_argument("--kind", choices=["position", "hv"], default="position")


def _wait_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--wait", action="store_true", help="wait for the answer and print it")
    parser.add_argument("--timeout-s", type=float, default=60.0, help="how long --wait waits")
    parser.add_argument("--operator", default=None, help="who asks; your login name if not given")
    parser.add_argument("--key", default=None, help="the same key again asks nothing new")


def _asks(make: Callable[[Arguments], Command]) -> Callable[[Arguments], int]:
    """Return the act of a verb that asks the executor for something."""

    def act(given: Arguments) -> int:
        try:
            command = make(given)
        except ValidationError as error:
            faults = "; ".join(str(fault["msg"]) for fault in error.errors())
            print(f"{given.verb} cannot be asked for: {faults}", file=sys.stderr)
            return EXIT_FAILED
        return _ask(load_config(given.settings), command, given)

    return act


def _ask(config: SiteConfig, command: Command, given: Arguments) -> int:
    operator, key = given.operator or getpass.getuser(), given.key or str(uuid.uuid4())
    with contextlib.closing(config.open_store()) as store:
        number = store.enqueue(config.site.name, command, operator, key)
        if not instance.is_running(config):
            print(f"command {number} waits: no executor of site {config.site.name} runs")
            return EXIT_REFUSED if given.wait else EXIT_DONE
        if not given.wait:
            print(f"command {number} waits for its answer")
            return EXIT_DONE
        give_up = time.monotonic() + given.timeout_s
        while time.monotonic() < give_up:
            record = queries.command(store, number)
            if record is not None and record.state in (CommandState.DONE, CommandState.REFUSED):
                return _print_answer(record, config, given)
            time.sleep(0.1)
    print(f"command {number} was not answered within {given.timeout_s:g} s", file=sys.stderr)
    return EXIT_NO_ANSWER


def _print_answer(record: CommandRecord, config: SiteConfig, given: Arguments) -> int:
    is_done = record.state is CommandState.DONE
    print(record.answer, file=sys.stdout if is_done else sys.stderr)
    if is_done and given.verb == "list-acquisitions":
        with contextlib.closing(config.open_store()) as store:
            for found in queries.acquisitions(store, config.site.name):
                print(f"{found.folder} {found.serial_number} {found.kind} {found.points} points")
    return EXIT_DONE if is_done else EXIT_REFUSED


VERBS: tuple[Verb, ...] = (
    Verb("run", "work until asked to end", "run --detach", _run_arguments, _run),
    Verb("stop", "end the running executor; jobs go on", "stop", _stop_arguments, _stop),
    Verb("status", "how it is", "status --json", _status_arguments, _status),
    Verb(
        "start-scan",
        "begin a position scan",
        "start-scan KQ0146 --slot 1 --wait",
        _pmt_arguments,
        _asks(lambda a: StartScan(serial_number=a.serial_number, slot=Slot(a.slot))),
    ),
    Verb(
        "start-hv-check",
        "begin an HV check",
        "start-hv-check KQ0146 --slot 1 --nominal-v 1800",
        _hv_arguments,
        _asks(
            lambda a: StartHvCheck(
                serial_number=a.serial_number, slot=Slot(a.slot), nominal_v=a.nominal_v
            )
        ),
    ),
    Verb(
        "stop-scan",
        "end a scan or HV check; what was measured stays",
        "stop-scan 0123456789ab --reason 'laser off'",
        _stop_scan_arguments,
        _asks(lambda a: StopScan(scan_id=a.scan_id, reason=a.reason)),
    ),
    Verb(
        "process-existing",
        "make a scan of raw data that are there already",
        "process-existing KQ0146 wavedump_output_20260220_144123 --slot 1",
        _existing_arguments,
        _asks(
            lambda a: ProcessExisting(
                serial_number=a.serial_number,
                slot=Slot(a.slot),
                scan_kind=a.kind,
                acquisition=a.acquisition,
            )
        ),
    ),
    Verb(
        "list-acquisitions",
        "look which raw data are there",
        "list-acquisitions --wait",
        _wait_arguments,
        _asks(lambda _: ListAcquisitions()),
    ),
    Verb(
        "sync-now",
        "read everything new from the server at once",
        "sync-now --wait",
        _wait_arguments,
        _asks(lambda _: SyncNow()),
    ),
    Verb(
        "reset",
        "read everything from the server again; deletes nothing",
        "reset --wait",
        _wait_arguments,
        _asks(lambda _: Reset()),
    ),
)


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all verbs, each with help and an example."""
    parser = argparse.ArgumentParser(
        prog="python -m background_executor", description="The executor of one site."
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="COMMAND")
    for verb in VERBS:
        example = f"Example: python -m background_executor {verb.example} --settings site.toml"
        one = verbs.add_parser(
            verb.name, help=verb.summary, description=verb.summary.capitalize(), epilog=example
        )
        one.add_argument(
            "--settings",
            type=Path,
            default=os.environ.get(SETTINGS_VARIABLE) or None,
            help=f"the site's settings file; else the environment's {SETTINGS_VARIABLE}",
        )
        verb.add_arguments(one)
        one.set_defaults(act=verb.act)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Do one command; every error that was foreseen becomes one line and an exit code."""
    given = make_parser().parse_args(arguments)
    try:
        if given.settings is None:
            raise SettingsError(
                f"no settings file was named: give --settings site.toml or set {SETTINGS_VARIABLE}"
            )
        return int(given.act(given))
    except ExecutorError as error:
        print(error, file=sys.stderr)
        return EXIT_FAILED
