"""Parts of many files in one round trip: requests go out together, answers come back together.

The SSH library's own file client waits for each answer before it asks again,
which at 140 ms makes a minute of waiting out of what two running scans are
asked for. This one sends all requests first.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import paramiko
from paramiko.message import Message
from paramiko.sftp import CMD_CLOSE, CMD_DATA, CMD_HANDLE, CMD_OPEN, CMD_READ, SFTP_FLAG_READ, int64

from background_executor.transport import FilePart

REQUEST_BYTES = 1 << 15
"""What one request may ask for: every server gives so much at once."""

Request = tuple[object, ...]
"""What a request is about and its arguments, as the protocol orders them."""


@dataclass
class RoundTrips:
    """How often the server was asked and waited for, over all connections."""

    count: int = 0


@dataclass
class _Answers:
    """Collects answers by the number of their request; the library calls it."""

    waiting: set[int] = field(default_factory=set)
    of_number: dict[int, tuple[int, Message]] = field(default_factory=dict)

    def _async_response(self, kind: int, message: Message, number: int) -> None:
        self.waiting.discard(number)
        self.of_number[number] = (kind, message)


class PipelinedSftp(paramiko.SFTPClient):
    """The one file client of a connection.

    A growing file is kept open between two calls. It is opened anew all the
    same in each: on a network file system only that shows what another
    machine has appended, and the new handle serves the next call.

    Parameters
    ----------
    channel
        Of the file server.
    round_trips
        Counts them.
    """

    # What the library's type hints leave out.
    _async_request: Callable[..., int]
    _read_response: Callable[[], object]

    def __init__(self, channel: paramiko.Channel, round_trips: RoundTrips) -> None:
        self._round_trips = round_trips
        super().__init__(channel)
        self._kept: dict[str, bytes] = {}
        self._done_with: list[bytes] = []

    def read_parts(self, parts: Sequence[FilePart]) -> tuple[bytes | None, ...]:
        """Read parts of files: one round trip for growing ones that were read before, else two.

        None stands for what cannot be read: mostly a file that is not there yet.
        """
        kept = {part: self._kept[str(part.path)] for part in parts if self._is_kept(part)}
        opens = [_open_request(part) for part in parts]
        # The opens go first: they are what makes the reads behind them see the newest bytes.
        answers = self._ask([*opens, *(_read_request(kept[part], part) for part in kept)])
        handles = {part: _handle(answer) for part, answer in zip(parts, answers, strict=False)}
        found = dict(zip(kept, map(_data, answers[len(parts) :]), strict=True))
        fresh = {part: handle for part, handle in handles.items() if handle and part not in kept}
        if fresh:
            answers = self._ask([_read_request(handle, part) for part, handle in fresh.items()])
            found.update(zip(fresh, map(_data, answers), strict=True))
        for part, handle in handles.items():
            if handle and len(found[part] or b"") == min(part.limit, REQUEST_BYTES):
                found[part] = self._read_on(handle, part, found[part] or b"")
        self._keep(parts, handles, kept.values())
        return tuple(found[part] if handles[part] else None for part in parts)

    def _request(self, kind: int, *arguments: object) -> tuple[int, Message]:
        """Count the requests of the library's own calls too: each waits for its answer."""
        self._round_trips.count += 1
        return super()._request(kind, *arguments)  # type: ignore[misc, no-any-return]

    def _is_kept(self, part: FilePart) -> bool:
        return part.is_growing and str(part.path) in self._kept

    def _read_on(self, handle: bytes, part: FilePart, begin: bytes) -> bytes:
        """Read what did not fit into one request, all of it in one round trip."""
        rest = range(len(begin), part.limit, REQUEST_BYTES)
        requests = [
            _read_request(handle, part, first, min(REQUEST_BYTES, part.limit - first))
            for first in rest
        ]
        pieces = [begin]
        for data in map(_data, self._ask(requests)) if requests else ():
            pieces.append(data or b"")
            if len(data or b"") < REQUEST_BYTES:
                break  # what lies behind a short piece would not join it
        return b"".join(pieces)

    def _keep(
        self,
        parts: Iterable[FilePart],
        handles: Mapping[FilePart, bytes | None],
        used: Iterable[bytes],
    ) -> None:
        """Keep the new handles of growing files; the others go back with the next question."""
        asked_for = {str(part.path): handles[part] for part in parts if part.is_growing}
        given_back = [
            *used,
            *(handle for part in parts if not part.is_growing and (handle := handles[part])),
        ]
        unasked = [] if not asked_for else [p for p in self._kept if p not in asked_for]
        given_back += [self._kept.pop(path) for path in unasked]
        for path, handle in asked_for.items():
            self._kept.pop(path, None)
            if handle:
                self._kept[path] = handle
        self._done_with += given_back

    def _ask(self, requests: Sequence[Request]) -> list[tuple[int, Message]]:
        """Send all requests, then wait for all answers."""
        answers = _Answers()
        for handle in self._done_with:
            self._async_request(type(None), CMD_CLOSE, handle)
        self._done_with.clear()
        numbers = [self._async_request(answers, *request) for request in requests]
        answers.waiting.update(numbers)
        self._round_trips.count += 1
        while answers.waiting:
            self._read_response()
        return [answers.of_number[number] for number in numbers]


def _open_request(part: FilePart) -> Request:
    return (CMD_OPEN, str(part.path).encode(), SFTP_FLAG_READ, paramiko.SFTPAttributes())


def _read_request(
    handle: bytes, part: FilePart, skip: int = 0, limit: int = REQUEST_BYTES
) -> Request:
    return (CMD_READ, handle, int64(part.offset + skip), min(limit, part.limit))


def _handle(answer: tuple[int, Message]) -> bytes | None:
    kind, message = answer
    return bytes(message.get_binary()) if kind == CMD_HANDLE else None


def _data(answer: tuple[int, Message]) -> bytes | None:
    """Return the bytes of an answer; none at the end of a file, where a status comes instead."""
    kind, message = answer
    return bytes(message.get_binary()) if kind == CMD_DATA else b""
