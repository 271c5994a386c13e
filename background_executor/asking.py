"""Verbs that ask the running executor for something, exactly as the page does.

Each puts one command row into the store; the executor claims, does and answers it.
"""

import argparse
import contextlib
import getpass
import time
import uuid
from collections.abc import Callable

from pydantic import ValidationError

from background_executor import instance, queries
from background_executor.commands import Command, PreviousScan
from background_executor.config import SiteConfig, load_config
from background_executor.records import CommandRecord, CommandState
from background_executor.terminal import say, say_at_length
from server_side.boundary import faults_in_words

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_REFUSED = 3
"""The executor refused the command, or none runs."""
EXIT_NO_ANSWER = 4

Arguments = argparse.Namespace


def pmt_arguments(parser: argparse.ArgumentParser) -> None:
    """Add which PMT, and where it stands."""
    parser.add_argument("serial_number", help="of the PMT, like KQ0146")
    parser.add_argument("--slot", type=int, choices=[1, 2], required=True, help="where it stands")
    parser.add_argument(
        "--previous",
        choices=[choice.value for choice in PreviousScan],
        default=PreviousScan.ARCHIVE_IF_SETTLED.value,
        help="what becomes of the previous scan of this PMT",
    )
    parser.add_argument(
        "--previous-reason", default="", help="why it is archived as it is, or kept aside"
    )
    wait_arguments(parser)


def hv_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the same and the voltage."""
    pmt_arguments(parser)
    parser.add_argument("--nominal-v", type=int, required=True, help="voltage in the middle")


def scan_arguments(parser: argparse.ArgumentParser) -> None:
    """Add which scan, and why."""
    parser.add_argument("scan_id", help="as 'scans' prints it")
    parser.add_argument("--reason", default="", help="for the audit")
    wait_arguments(parser)


def existing_arguments(parser: argparse.ArgumentParser) -> None:
    """Add which PMT and which raw data."""
    pmt_arguments(parser)
    parser.add_argument("acquisition", help="folder below the raw base, of 'list-acquisitions'")
    parser.add_argument("--kind", choices=["position", "hv"], default="position")


def wait_arguments(parser: argparse.ArgumentParser) -> None:
    """Add how to ask."""
    parser.add_argument("--wait", action="store_true", help="wait for the answer and print it")
    parser.add_argument("--timeout-s", type=float, default=60.0, help="how long --wait waits")
    parser.add_argument("--operator", default=None, help="who asks; your login name if not given")
    parser.add_argument("--key", default=None, help="the same key again asks nothing new")


def asks(make: Callable[[Arguments], Command]) -> Callable[[Arguments], int]:
    """Return the act of a verb that asks the executor for something."""

    def act(given: Arguments) -> int:
        try:
            command = make(given)
        except ValidationError as error:
            words = f"{given.verb} cannot be asked for: {faults_in_words(error)}"
            say_at_length(words, is_error=True)
            return EXIT_FAILED
        return _ask(load_config(given.settings), command, given)

    return act


def _ask(config: SiteConfig, command: Command, given: Arguments) -> int:
    operator, key = given.operator or getpass.getuser(), given.key or str(uuid.uuid4())
    with contextlib.closing(config.open_store()) as store:
        number = store.enqueue(config.site.name, command, operator, key)
        if not instance.is_running(config):
            say(f"command {number} waits: no executor of site {config.site.name} runs")
            return EXIT_REFUSED if given.wait else EXIT_DONE
        if not given.wait:
            say(f"command {number} waits for its answer")
            return EXIT_DONE
        give_up = time.monotonic() + given.timeout_s
        while time.monotonic() < give_up:
            record = queries.command(store, number)
            if record is not None and record.state in (CommandState.DONE, CommandState.REFUSED):
                return _print_answer(record, config, given)
            time.sleep(0.1)
    say(f"command {number} was not answered within {given.timeout_s:g} s", is_error=True)
    return EXIT_NO_ANSWER


def _print_answer(record: CommandRecord, config: SiteConfig, given: Arguments) -> int:
    is_done = record.state is CommandState.DONE
    say_at_length(record.answer, is_error=not is_done)
    if is_done and given.verb == "list-acquisitions":
        with contextlib.closing(config.open_store()) as store:
            for found in queries.acquisitions(store, config.site.name):
                say(f"{found.folder} {found.serial_number} {found.kind} {found.points} points")
    return EXIT_DONE if is_done else EXIT_REFUSED
