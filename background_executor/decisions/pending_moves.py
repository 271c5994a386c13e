"""All acts on the server that are not finished, each carried on at its own pace.

There is one at most for each scan. One that gets no answer, because a file of its
scan hangs or a folder cannot be listed, waits longer and longer between its tries and
keeps no other scan's waiting. While it has renamed nothing, it is given up in the end.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from background_executor.decisions import decision_queries
from background_executor.decisions.moves import Conclude, carry_on
from background_executor.decisions.rolling_back import give_up
from background_executor.errors import NoAnswerError, RemoteFileError
from background_executor.site import Site

MAX_TRIES = 3
"""So often an act that has renamed nothing may get no answer; then it is rolled back."""
FIRST_PAUSE = timedelta(seconds=15)
MAX_DOUBLINGS = 4
"""So often the pause doubles, to 4 min."""


@dataclass(frozen=True)
class _Trouble:
    """What stood in the way of an act the last time."""

    error: RemoteFileError | NoAnswerError
    tries: int
    at: datetime

    def is_due(self, now: datetime) -> bool:
        """Tell whether it is time to try again; a clock that jumps back does no harm."""
        pause = FIRST_PAUSE * (1 << min(self.tries - 1, MAX_DOUBLINGS))
        return abs(now - self.at) >= pause


class PendingMoves:
    """Carries them on; a restart forgets what was in their way and tries at once."""

    def __init__(self, site: Site, conclude: Conclude) -> None:
        self._site = site
        self._conclude = conclude
        self._troubles: dict[int, _Trouble] = {}

    def carry_on(self, now: datetime) -> None:
        """Finish or roll back every act that is due, the oldest first.

        Raises
        ------
        RemoteFileError
            What is in the way of the oldest that waits, when all others had their turn.
        NoAnswerError
            The same.
        UnreachableError
            At once, when there is no connection.
        RefusedError
            The same.
        """
        moves = decision_queries.moves_in_progress(self._site.store, self._site.name)
        numbers = [move.move_id for move in moves]
        self._troubles = {n: self._troubles[n] for n in numbers if n in self._troubles}
        for move in moves:
            trouble = self._troubles.get(move.move_id)
            if trouble is not None and not trouble.is_due(now):
                continue
            try:
                carry_on(self._site, move, self._conclude, now)
                self._troubles.pop(move.move_id, None)
            except (RemoteFileError, NoAnswerError) as error:
                self._wait_or_give_up(move.move_id, error, now)
        for number in numbers:
            if number in self._troubles:
                raise self._troubles[number].error

    def _wait_or_give_up(
        self, number: int, error: RemoteFileError | NoAnswerError, now: datetime
    ) -> None:
        before = self._troubles.get(number)
        trouble = _Trouble(error, before.tries + 1 if before else 1, now)
        self._troubles[number] = trouble
        why = f"no answer, {MAX_TRIES} times: {error}"
        if trouble.tries >= MAX_TRIES and give_up(self._site, number, why, now):
            del self._troubles[number]
