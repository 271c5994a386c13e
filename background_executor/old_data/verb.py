"""The verb ``import``: a result tree of the old system into the store.

Without an executor it is done here, under the executor's lock; a running one
is asked to do it.
"""

import argparse
import contextlib
import getpass
from datetime import UTC, datetime
from pathlib import Path

from background_executor import instance
from background_executor.asking import EXIT_DONE, Arguments, asks, wait_arguments
from background_executor.commands import ImportTree
from background_executor.config import load_config
from background_executor.errors import AlreadyRunningError
from background_executor.lease import hold_lease
from background_executor.old_data.importing import import_tree
from background_executor.terminal import say


def import_arguments(parser: argparse.ArgumentParser) -> None:
    """Add which tree."""
    parser.add_argument("folder", type=Path, help="the tree, or any part of it; it is only read")
    wait_arguments(parser)


def import_old_data(given: Arguments) -> int:
    """Import a tree and print what was read and what was not."""
    config = load_config(given.settings)
    try:
        with (
            instance.hold_lock(config, instance.LockAct.IMPORT),
            hold_lease(config.store_url, config.site.name),
            contextlib.closing(config.open_store()) as store,
        ):
            operator, now = given.operator or getpass.getuser(), datetime.now(UTC)
            report = import_tree(store, config, given.folder, operator, now)
    except AlreadyRunningError:
        return _ask_executor(given)
    say(*report.lines())
    return EXIT_DONE


_ask_executor = asks(lambda given: ImportTree(folder=str(given.folder.absolute())))
