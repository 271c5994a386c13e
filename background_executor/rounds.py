"""Something is done for each of many, and what the server hangs at keeps no other waiting.

Each call that hangs costs its whole time-out, in which nothing else is done. So
a round ends at the first that hangs, the next one begins with all the others,
and what hung is asked again after longer and longer pauses until it answers.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from background_executor.errors import (
    NoAnswerError,
    PutOffError,
    RemoteFileError,
    SchedulerError,
)

Item = TypeVar("Item")

MAX_DOUBLINGS = 2
"""So often the pause after a hang doubles; it begins with twice the time that a call may take."""


@dataclass(frozen=True)
class Hang:
    """What gave no answer the last time."""

    error: NoAnswerError
    tries: int
    """In a row."""
    at: datetime
    """When the last of them began."""


class Rounds(Generic[Item]):
    """Does something for each, round after round, past what hangs.

    What it remembers may be lost: then each is asked once more.

    Parameters
    ----------
    call_timeout_s
        What one hang costs.
    name_of
        Gives the name under which an item is known from round to round.
    """

    def __init__(self, call_timeout_s: float, name_of: Callable[[Item], str]) -> None:
        self._call_timeout = timedelta(seconds=call_timeout_s)
        self._name_of = name_of
        self._hangs: dict[str, Hang] = {}

    def hung(self, item: Item) -> bool:
        """Tell whether an item gave no answer the last time."""
        return self._name_of(item) in self._hangs

    def do(self, items: Iterable[Item], act: Callable[[Item], None], now: datetime) -> None:
        """Do something for each, up to the first that hangs; those that hung before come last.

        Raises
        ------
        PutOffError
            When one that hung before was not due, and all others had their turn.
        NoAnswerError
            When one hung now: those behind it come first in the next round.
        RemoteFileError
            The first one, when all the others had their turn.
        SchedulerError
            The same.
        """
        named = {self._name_of(item): item for item in items}
        self._hangs = {name: hang for name, hang in self._hangs.items() if name in named}
        first: RemoteFileError | SchedulerError | None = None
        for name in self._due(named, now):
            try:
                act(named[name])
            except NoAnswerError as error:
                before = self._hangs.get(name)
                self._hangs[name] = Hang(error, before.tries + 1 if before else 1, now)
                raise
            except (RemoteFileError, SchedulerError) as error:
                first = first or error
            self._hangs.pop(name, None)
        if first is not None:
            raise first
        for hang in self._hangs.values():
            raise PutOffError(str(hang.error)) from hang.error

    def _due(self, names: Iterable[str], now: datetime) -> list[str]:
        """Return whose turn it is: what never hung in its order, then what hung longest ago."""
        well = [name for name in names if name not in self._hangs]
        hung = [name for name, hang in self._hangs.items() if self._is_over(hang, now)]
        return well + sorted(hung, key=lambda name: self._hangs[name].at)

    def _is_over(self, hang: Hang, now: datetime) -> bool:
        """Tell whether the pause after a hang is over; a clock that jumps back does no harm."""
        pause = 2 * self._call_timeout * (1 << min(hang.tries - 1, MAX_DOUBLINGS))
        return abs(now - hang.at) >= pause
