"""How a job is asked to end: a signal, its stop file, its own time limit, its folder gone.

``check`` is called between the steps of the work, also while a point is
analysed, and raises where the work can be left: a point is published whole or
not at all.
"""

import threading
import time
from collections.abc import Callable
from pathlib import Path

from server_side.journal import EndReason

LOOK_PACE_S = 0.5
"""The stop file is not looked for more often."""
MARGIN_FRACTION = 0.1
LARGEST_MARGIN_S = 120.0
"""A job leaves so long before its time limit: this, or a tenth of the limit."""


class EndRequested(Exception):  # noqa: N818 - it is a request, nothing went wrong
    """The job is to end, for the reason it carries."""

    def __init__(self, reason: EndReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class Interrupt:
    """Everything that asks one job to end.

    Parameters
    ----------
    signalled
        Set by the signal handler of the process.
    stop_file
        Its presence asks the job to end, and so does the absence of its folder, the scan's.
    time_limit_s
        After so long the scheduler would end the job; None without a limit.
    """

    def __init__(
        self,
        signalled: threading.Event,
        stop_file: Path,
        time_limit_s: float | None,
        steady_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._signalled = signalled
        self._stop_file = stop_file
        self._steady_s = steady_s
        self._leave_at_s = _leave_at(steady_s(), time_limit_s)
        self._looked_at_s = float("-inf")

    def check(self) -> None:
        """Return while the job may go on.

        Raises
        ------
        EndRequested
            When it is to end.
        """
        if self._signalled.is_set():
            raise EndRequested(EndReason.STOPPED, "signal: the process was asked to end")
        now_s = self._steady_s()
        if now_s >= self._leave_at_s:
            raise EndRequested(EndReason.TIME_LIMIT, "left before the scheduler's time limit")
        if now_s - self._looked_at_s >= LOOK_PACE_S:
            self._looked_at_s = now_s
            if self._stop_file.exists():
                raise EndRequested(EndReason.STOPPED, "stop file: the executor asked to end")
            if not self._stop_file.parent.is_dir():
                # A job that was taken for lost must not make a folder anew that is archived.
                gone = f"{self._stop_file.parent} is not there any more: it was archived or moved"
                raise EndRequested(EndReason.STOPPED, gone)

    def wait(self, seconds: float) -> None:
        """Wait, but not longer than until the job is to end."""
        end_s = self._steady_s() + seconds
        while (left_s := end_s - self._steady_s()) > 0:
            self.check()
            self._signalled.wait(min(left_s, LOOK_PACE_S))
        self.check()


def _leave_at(now_s: float, time_limit_s: float | None) -> float:
    if time_limit_s is None:
        return float("inf")
    return now_s + time_limit_s - min(LARGEST_MARGIN_S, MARGIN_FRACTION * time_limit_s)
