"""What a command gives, as a file to read: it must keep coming, and must end.

A time-out on each piece is not enough: a server that gives one byte a minute
would hold the connection, and the executor with it, for ever.
"""

import time
from collections.abc import Callable

import paramiko

from background_executor.errors import UnreachableError, UntrustedFileError

SLOWEST_BYTES_S = 1 << 16
"""What comes more slowly than this is given up; half a megabit is less than any line of today."""
GREETING_LIMIT_BYTES = 1 << 20
"""So much a login shell may print before the command begins."""
_KEPT_ERROR_BYTES = 500
_PIECE_BYTES = 1 << 15


class TimedStream:
    """The output of a command on a channel, from the mark on, within its time.

    Parameters
    ----------
    mark
        The line behind which the output begins.
    timeout_s
        Time for the first byte, and for the end after the last; each byte that
        comes gives its share of a second more.
    max_bytes
        More than this is refused, whatever it is.
    """

    def __init__(
        self,
        channel: paramiko.Channel,
        mark: bytes,
        *,
        timeout_s: float,
        max_bytes: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._channel = channel
        self._mark = mark
        self._timeout_s = timeout_s
        self._max_bytes = max_bytes
        self._clock = clock
        self._began_s = clock()
        self._received = 0
        self._greeting = b""
        self._ahead = b""
        self.has_begun = False
        """Whether the mark came: the login shell ran the command."""

    def read(self, size: int) -> bytes:
        """Return up to so many bytes; nothing at the end.

        Raises
        ------
        UnreachableError
            When what comes is too slow, or nothing comes.
        UntrustedFileError
            When more comes than may.
        """
        if not self.has_begun:
            self._pass_greeting()
        if self._ahead:
            piece, self._ahead = self._ahead[:size], self._ahead[size:]
            return piece
        return self._receive(self._channel.recv, size) if self.has_begun else b""

    def errors(self) -> str:
        """Wait for the end of what the command says of errors, and return its last words."""
        said = b""
        while piece := self._receive(self._channel.recv_stderr, _PIECE_BYTES):
            said = (said + piece)[-_KEPT_ERROR_BYTES - len(self._mark) :]
        words = said.rpartition(self._mark)[2].strip() or self._greeting.strip()
        return words[-_KEPT_ERROR_BYTES:].decode(errors="replace")

    def _pass_greeting(self) -> None:
        """Read up to the mark; what ends without one was no output, but a shell's last words."""
        while not self.has_begun and len(self._greeting) < GREETING_LIMIT_BYTES:
            piece = self._receive(self._channel.recv, _PIECE_BYTES)
            if not piece:
                return
            before, mark, output = (self._greeting + piece).partition(self._mark)
            self._greeting, self._ahead, self.has_begun = before, output, bool(mark)

    def _receive(self, take: Callable[[int], bytes], size: int) -> bytes:
        self._channel.settimeout(self._seconds_left())
        try:
            piece = take(size)
        except TimeoutError as error:
            raise self._too_slow() from error
        self._received += len(piece)
        if self._received > self._max_bytes:
            raise UntrustedFileError(
                f"the server gives more than the {self._max_bytes} bytes asked for"
            )
        return piece

    def _seconds_left(self) -> float:
        allowed_s = self._timeout_s + self._received / SLOWEST_BYTES_S
        left_s = self._began_s + allowed_s - self._clock()
        if left_s <= 0:
            raise self._too_slow()
        return left_s

    def _too_slow(self) -> UnreachableError:
        taken_s = self._clock() - self._began_s
        return UnreachableError(
            f"only {self._received} bytes and no end came within {taken_s:.0f} s; "
            "it will be asked again"
        )
