"""A line between executor and server that can be slow, cut or dead: a TCP proxy on loopback."""

import contextlib
import queue
import socket
import threading
import time
from typing import Self

_CHUNK = 1 << 16
_END = b""


class Line:
    """A TCP proxy to a loopback port; what it does to bytes can change while it runs.

    Parameters
    ----------
    target_port
        Where the bytes go.
    round_trip_s
        Added to the time of every round trip, half of it in each direction.
    """

    def __init__(self, target_port: int, *, round_trip_s: float = 0.0) -> None:
        self.connections = 0
        self.round_trips = 0
        """How often the near end spoke after the far end had: an answer was waited for."""
        self._far_spoke = True
        self.is_swallowing = False
        self.is_clogged = False
        self._target_port = target_port
        self._one_way_s = round_trip_s / 2
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        # A blocked accept() is woken by the shutdown, not by the close.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        """End all connections that are open now."""
        for one in self._open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._open.clear()

    def delay(self, round_trip_s: float) -> None:
        """Let every round trip take longer from now on; 0 ends that."""
        self._one_way_s = round_trip_s / 2

    def swallow(self) -> None:
        """Take every byte from now on and deliver none: the line looks alive."""
        self.is_swallowing = True

    def clog(self) -> None:
        """Take nothing any more: what is sent piles up where it comes from."""
        self.is_clogged = True

    def restore(self) -> None:
        """Deliver again what comes from now on."""
        self.is_swallowing = self.is_clogged = False

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            try:
                far = socket.create_connection(("127.0.0.1", self._target_port), timeout=5)
            except OSError:  # the server is down: so is the line
                near.close()
                continue
            far.settimeout(None)
            for one in (near, far):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open += [near, far]
            self._carry(near, far, is_near=True)
            self._carry(far, near, is_near=False)

    def _carry(self, source: socket.socket, sink: socket.socket, *, is_near: bool) -> None:
        on_the_way: queue.Queue[tuple[float, bytes]] = queue.Queue()
        receive = (self._receive, (source, on_the_way, is_near))
        deliver = (self._deliver, (sink, on_the_way))
        for work, arguments in (receive, deliver):
            threading.Thread(target=work, args=arguments, daemon=True).start()

    def _count(self, *, is_near: bool) -> None:
        self.round_trips += is_near and self._far_spoke
        self._far_spoke = not is_near

    def _receive(
        self, source: socket.socket, on_the_way: queue.Queue[tuple[float, bytes]], is_near: bool
    ) -> None:
        data = b"any"
        while data:
            while self.is_clogged:
                time.sleep(0.01)
            try:
                data = source.recv(_CHUNK)
            except OSError:
                data = _END
            self._count(is_near=is_near)
            on_the_way.put((time.monotonic() + self._one_way_s, data))

    def _deliver(self, sink: socket.socket, on_the_way: queue.Queue[tuple[float, bytes]]) -> None:
        while True:
            due, data = on_the_way.get()
            time.sleep(max(due - time.monotonic(), 0.0))
            if self.is_swallowing:
                continue
            try:
                if data:
                    sink.sendall(data)
                    continue
                sink.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # the other end is gone: nothing to deliver to
            return
