"""A piece of the executor's turn: when it is due, and what last stood in its way."""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import TypeVar

from background_executor.errors import (
    LocalDiskError,
    NoAnswerError,
    RemoteFileError,
    SchedulerError,
)

Item = TypeVar("Item")

log = logging.getLogger(__name__)

PAUSE_AFTER_TROUBLE = timedelta(seconds=15)
"""What the server has refused is not asked for again in every turn."""
_IN_THE_WAY = (RemoteFileError, SchedulerError, NoAnswerError, LocalDiskError, OSError)
"""What stands in the way of one piece of work, and of no other."""


def do_for_each(items: Iterable[Item], act: Callable[[Item], None]) -> None:
    """Do something for each, past what the server or the scheduler has against one of them.

    Raises
    ------
    RemoteFileError
        The first one, when all the others had their turn.
    SchedulerError
        The same.
    """
    first: RemoteFileError | SchedulerError | None = None
    for item in items:
        try:
            act(item)
        except (RemoteFileError, SchedulerError) as error:
            first = first or error
    if first is not None:
        raise first


class Work:
    """Does something every so often; what the server has against it stops nothing else."""

    def __init__(self, act: Callable[[datetime], None], every: timedelta = timedelta(0)) -> None:
        self._act = act
        self._every = every
        self._last: datetime | None = None
        self.trouble = ""
        """What server, scheduler or this disk said the last time; empty when all was well."""

    def is_due(self, now: datetime) -> bool:
        """Tell whether it is time again; a clock that jumps back does no harm."""
        pause = max(self._every, PAUSE_AFTER_TROUBLE) if self.trouble else self._every
        return self._last is None or abs(now - self._last) >= pause

    def hasten(self) -> None:
        """Make it due at once."""
        self._last = None

    def do_when_due(self, now: datetime) -> None:
        """Do it when it is time, and remember what stood in its way.

        Raises
        ------
        UnreachableError
            When there is no connection: then it was not done, and is due still.
        RefusedError
            When a person must act.
        """
        if not self.is_due(now):
            return
        try:
            self._act(now)
        except _IN_THE_WAY as error:
            if str(error) != self.trouble:
                log.warning("Something could not be done and will be tried again: %s", error)
            self.trouble = str(error)
        else:
            self.trouble = ""
        self._last = now
