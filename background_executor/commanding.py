"""What every act on a command gets, and what it gives back.

An act looks and decides; what it changes is committed together with the answer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from background_executor.records import CommandRecord
from background_executor.site import Site
from background_executor.writing import StoreWriter

Change = Callable[[StoreWriter], None]


class Afterwards(StrEnum):
    """What the executor does when a command was answered."""

    NOTHING = "nothing"
    """Go on as before."""
    SYNC = "sync"
    """Read everything from the server in this turn."""
    STOP = "stop"
    """End."""


@dataclass(frozen=True)
class Outcome:
    """What an act gave."""

    answer: str
    change: Change = lambda _writer: None
    """What is committed together with the answer."""
    afterwards: Afterwards = Afterwards.NOTHING
    is_answered: bool = True
    """False: the command stays in hand until what it began on the server is finished."""
    is_refused: bool = False
    """True: what was asked for was not done, and the answer says why; ``change`` is kept."""


@dataclass(frozen=True)
class Act:
    """A command in hand."""

    site: Site
    record: CommandRecord
    now: datetime
    executor_started_at: datetime
