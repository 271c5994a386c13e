"""A piece of the executor's turn: when it is due, and what last stood in its way."""

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from background_executor.errors import (
    LocalDiskError,
    NoAnswerError,
    PutOffError,
    RemoteFileError,
    SchedulerError,
)

log = logging.getLogger(__name__)

PAUSE_AFTER_TROUBLE = timedelta(seconds=15)
"""What the server has refused is not asked for again in every turn."""
REST = 2.0
"""What takes longer than it should pauses for so many times as long: other work comes between."""
_IN_THE_WAY = (RemoteFileError, SchedulerError, NoAnswerError, LocalDiskError, OSError)
"""What stands in the way of one piece of work, and of no other."""


class Work:
    """Does something every so often; what the server has against it stops nothing else.

    Parameters
    ----------
    clock
        Monotonic seconds, for the time that the work itself takes.
    """

    def __init__(
        self,
        act: Callable[[datetime], None],
        every: timedelta = timedelta(0),
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._act = act
        self._every = every
        self._clock = clock
        self._last: datetime | None = None
        self._pause = every
        self._rests_until_s = clock()
        self.trouble = ""
        """What server, scheduler or this disk said the last time; empty when all was well."""

    def is_due(self, now: datetime) -> bool:
        """Tell whether it is time again; a clock that jumps back does no harm."""
        if self._last is None:
            return True
        return abs(now - self._last) >= self._pause and self._clock() >= self._rests_until_s

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
        began_s = self._clock()
        try:
            self._act(now)
        except _IN_THE_WAY as error:
            if str(error) != self.trouble:
                log.warning("Something could not be done and will be tried again: %s", error)
            self.trouble = str(error)
            # What was put off has a pace of its own, and the others keep theirs.
            is_late = not isinstance(error, PutOffError)
            self._pause = max(self._every, PAUSE_AFTER_TROUBLE) if is_late else self._every
        else:
            self.trouble, self._pause = "", self._every
        self._last = now
        self._rest_after(began_s)

    def _rest_after(self, began_s: float) -> None:
        """Rest when it took longer than its own pause; what knows none goes on as it comes."""
        ended_s = self._clock()
        took_s = ended_s - began_s
        is_slow = took_s > self._pause.total_seconds() > 0
        self._rests_until_s = ended_s + REST * took_s if is_slow else ended_s
