"""The executor's command line: run it, ask it for things, see how it is.

Whatever changes something is a command row that the running executor does and
answers, exactly as from the page.
"""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from background_executor.asking import EXIT_FAILED
from background_executor.config import SETTINGS_VARIABLE
from background_executor.errors import ExecutorError, SettingsError
from background_executor.terminal import say_at_length
from background_executor.verbs import VERBS


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all verbs, each with help and an example."""
    parser = argparse.ArgumentParser(
        prog="python -m background_executor", description="The executor of one site."
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="COMMAND")
    for verb in VERBS:
        example = f"Example: python -m background_executor {verb.example} --settings site.toml"
        one = verbs.add_parser(
            verb.name,
            help=verb.summary,
            description=verb.summary.capitalize(),
            epilog=example,
            # A wrapped example cannot be copied.
            formatter_class=argparse.RawDescriptionHelpFormatter,
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
        say_at_length(str(error), is_error=True)
        return EXIT_FAILED
