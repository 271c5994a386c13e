"""When the next connect is allowed: login nodes ban clients that come back too soon."""

import random
from collections.abc import Callable

from background_executor.errors import UnreachableError

LONGEST_PAUSE_S = 300.0


class ConnectPacer:
    """Keeps connects apart: at least an interval always, more after each failure.

    It never sleeps. The executor goes on turning and asks again.

    Parameters
    ----------
    clock
        Monotonic seconds.
    interval_s
        Least time between two connects.
    jitter
        Gives numbers in [0, 1); keeps many clients from coming back together.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        interval_s: float,
        *,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._clock = clock
        self._interval_s = interval_s
        self._jitter = jitter
        self._failures = 0
        self._not_before = clock()
        self._last_error = ""

    def begin(self) -> None:
        """Note that a connect is being made.

        Raises
        ------
        UnreachableError
            When it is too early.
        """
        wait_s = self._not_before - self._clock()
        if wait_s > 0:
            because = f" after: {self._last_error}" if self._last_error else ""
            raise UnreachableError(f"not connected; next try in {wait_s:.0f} s{because}")
        self._not_before = self._clock() + self._interval_s

    def failed(self, error: str) -> None:
        """Put the next connect off, longer with each failure in a row."""
        pause_s = min(self._interval_s * 2.0**self._failures, LONGEST_PAUSE_S)
        self._failures = min(self._failures + 1, 30)
        self._last_error = error
        self._not_before = self._clock() + max(
            pause_s * (1.0 + 0.5 * self._jitter()), self._interval_s
        )

    def succeeded(self) -> None:
        """Forget the failures; the interval since this connect still holds."""
        self._failures, self._last_error = 0, ""
