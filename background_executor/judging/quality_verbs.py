"""Verbs about the quality of results: references, and judging again."""

import argparse

from background_executor.asking import Arguments, asks, wait_arguments
from background_executor.config import load_config
from background_executor.errors import CommandError
from background_executor.judging.quality_commands import JudgeAgain, MakeReference
from background_executor.judging.reference import ReferenceKind
from background_executor.verb import Verb


def _reference_arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--scan", help="complete position scan without poor points")
    what.add_argument("--template", action="store_true", help="the one that is shipped")
    parser.add_argument(
        "--of",
        choices=[kind.value for kind in ReferenceKind],
        required=True,
        help="for one PMT, or for all of the site's type that have none of their own",
    )
    parser.add_argument("--serial-number", help="the PMT, where it is not that of the scan")
    parser.add_argument("--comment", default="", help="for the audit")
    wait_arguments(parser)


def _reference(given: Arguments) -> MakeReference:
    kind = ReferenceKind(given.of)
    if kind is ReferenceKind.TYPE and given.serial_number:
        raise CommandError("--serial-number is for --of pmt: a type's reference has none")
    return MakeReference(
        of=kind,
        scan_id=given.scan,
        serial_number=given.serial_number,
        comment=given.comment,
    )


def _judging_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scan_id", help="as 'scans' prints it")
    parser.add_argument("--reason", default="", help="for the audit")
    wait_arguments(parser)


def _judging(given: Arguments) -> JudgeAgain:
    """Take the limits from the settings file as it is now."""
    health = load_config(given.settings).health
    return JudgeAgain(scan_id=given.scan_id, health=health, reason=given.reason)


QUALITY_VERBS = (
    Verb(
        "make-reference",
        "compare points with this scan, or with the shipped template, from now on",
        "make-reference --scan 0123456789ab --of type --comment 'certified good'",
        _reference_arguments,
        asks(_reference),
    ),
    Verb(
        "judge-again",
        "judge a scan's stored results by the limits that the settings file has now",
        "judge-again 0123456789ab --reason 'wider gain window' --wait",
        _judging_arguments,
        asks(_judging),
    ),
)
