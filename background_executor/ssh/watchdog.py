"""Ends a connection whose far end has gone silent, whatever its owner is waiting in.

Some waits of the SSH library know no time-out. Closing the socket below them
is what ends them all.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Watchdog:
    """A thread that closes a connection when a call takes longer than it may."""

    def __init__(self, end_connection: Callable[[], None]) -> None:
        self._end_connection = end_connection
        self._deadline: float | None = None
        self._closed = False
        self._changed = threading.Condition()
        self.has_bitten = False
        self._thread = threading.Thread(target=self._watch, name="ssh watchdog", daemon=True)
        self._thread.start()

    @contextmanager
    def limit(self, seconds: float) -> Iterator[None]:
        """Let what happens inside take so long and no longer, and no longer than around it."""
        outer = self._deadline
        ends_at = time.monotonic() + seconds
        self._set(ends_at if outer is None else min(ends_at, outer))
        try:
            yield
        finally:
            self._set(outer)

    def close(self) -> None:
        """End the watch."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not threading.current_thread():
            self._thread.join(5)

    def _set(self, deadline: float | None) -> None:
        with self._changed:
            self._deadline = deadline
            self._changed.notify()

    def _watch(self) -> None:
        with self._changed:
            while not self._closed:
                if self._deadline is None:
                    self._changed.wait()
                elif (left_s := self._deadline - time.monotonic()) > 0:
                    self._changed.wait(left_s)
                else:
                    self.has_bitten = True
                    break
        if self.has_bitten:
            self._end_connection()
