"""The verb ``rebuild``: a new store from what lies on the server, under the executor's lock."""

import argparse
import contextlib
import getpass
from datetime import UTC, datetime

from background_executor import instance
from background_executor.asking import EXIT_DONE, Arguments
from background_executor.config import load_config
from background_executor.lease import hold_lease
from background_executor.rebuild.rebuild import rebuild_store
from background_executor.site import Site, open_scheduler, open_transport
from background_executor.terminal import say


def rebuild_arguments(parser: argparse.ArgumentParser) -> None:
    """Add who asks."""
    parser.add_argument("--operator", default=None, help="who asks; your login name if not given")


def rebuild(given: Arguments) -> int:
    """Fill the empty store of a site from its server and print what was found."""
    config = load_config(given.settings)
    with contextlib.ExitStack() as stack:
        stack.enter_context(instance.hold_lock(config, instance.LockAct.REBUILD))
        stack.enter_context(hold_lease(config.store_url, config.site.name))
        store = stack.enter_context(contextlib.closing(config.open_store()))
        transport = stack.enter_context(contextlib.closing(open_transport(config)))
        site = Site(config, store, transport, open_scheduler(config))
        report = rebuild_store(site, given.operator or getpass.getuser(), datetime.now(UTC))
    say(*report.lines())
    return EXIT_DONE
