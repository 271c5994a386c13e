"""The executor's loop: turn after turn until asked to end, also while the store is out of reach.

A disk that is full, or a database that is away, comes back. Until then nothing
can be noted, not even a sign of life, so that pages show the executor as
silent since its last word, which is true. The jobs on the server go on, and
what they publish waits for them there.
"""

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from background_executor.errors import StoreUnavailableError
from background_executor.executor import Executor
from background_executor.lease import Lease
from background_executor.site import Site

log = logging.getLogger(__name__)

PAUSE_S = 1.0
"""Least time between two tries while the store is out of reach."""


def turn_until_asked(
    site: Site, executor: Executor, lease: Lease, asked_to_end: threading.Event
) -> None:
    """Do one turn after the other, each only while the store is ours to work on.

    Parameters
    ----------
    lease
        Held by the caller.
    asked_to_end
        Set by whoever wants the loop to end after the turn in hand.

    Raises
    ------
    AlreadyRunningError
        When the lease was lost to another executor.
    """
    outage = Outage(site)
    goes_on = True
    while goes_on and not asked_to_end.is_set():
        pause_s = site.config.site.poll_s
        try:
            lease.keep()
            goes_on = executor.step(datetime.now(UTC))
            outage.end(datetime.now(UTC))
        except StoreUnavailableError as error:
            outage.note(error, datetime.now(UTC))
            pause_s = max(pause_s, PAUSE_S)
        if goes_on:
            asked_to_end.wait(pause_s)
    _try_last_word(lambda: executor.end(datetime.now(UTC), "ended as it was asked to; jobs go on"))


class Outage:
    """Remembers since when the store is out of reach, and writes it down afterwards."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._since: datetime | None = None
        self._error = ""

    def note(self, error: StoreUnavailableError, now: datetime) -> None:
        """Remember an error; said once, not in every turn."""
        if self._since is None:
            self._since = now
        if str(error) != self._error:
            self._error = str(error)
            log.error("Nothing can be noted for now; it is tried again: %s", error)

    def end(self, now: datetime) -> None:
        """Write into the audit that the store was out of reach, when it was."""
        if self._since is None:
            return
        name = self._site.name
        with self._site.store.writing(now) as writer:
            writer.add_event(
                name,
                "executor",
                f"executor {name}",
                "store reached again",
                before=f"out of reach since {self._since:%Y-%m-%d %H:%M:%S} UTC",
                reason=self._error,
            )
        log.info("The store can be written again.")
        self._since, self._error = None, ""


def _try_last_word(say: Callable[[], None]) -> None:
    try:
        say()
    except StoreUnavailableError as error:
        log.warning("The last word could not be noted: %s", error)
