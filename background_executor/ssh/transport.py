"""``SshTransport``: what the executor may ask of the server, over one SSH connection.

One thread owns it. Every call has a time-out; a call that finds no connection
makes one, when the pace allows it. Two refused logins, an unknown or a changed
host key stop it for good: then a person must act and start the executor anew.
"""

import stat
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import PurePosixPath

import paramiko

from background_executor.config import SiteSection, SshSection
from background_executor.errors import (
    NoAnswerError,
    RefusedError,
    RemoteFileError,
    SettingsError,
    TransportError,
    UnreachableError,
    UntrustedFileError,
)
from background_executor.ssh.archive import TAR_COMMAND, check_names, receive_files
from background_executor.ssh.commands import Heartbeat, RemoteCommand, write_command
from background_executor.ssh.connect_record import ConnectRecord
from background_executor.ssh.link import GARBLED, LoginRefusedError, SshLink, open_link
from background_executor.ssh.listing import list_command, read_listing
from background_executor.ssh.pacing import ConnectPacer
from background_executor.ssh.pipelining import REQUEST_BYTES, RoundTrips
from background_executor.ssh.route import read_route
from background_executor.transport import (
    CommandOutput,
    FetchedFile,
    FilePart,
    RemoteEntry,
    program_of,
)

LAST_CONNECT_FILE = "last-connect"
"""Below the site's state folder."""
HEARTBEAT_S = 20.0
"""A connection that answered so recently is taken for alive; it also keeps a firewall's memory."""
HEARTBEAT_TIMEOUT_S = 10.0
_KILL_AFTER_S = 5.0

_WRITE_SCRIPT = (
    # A cut connection looks like the end of the input: the size tells them apart.
    'mkdir -p -- "$1" && cat >"$2" && [ "$(wc -c <"$2")" -eq "$4" ] && sync -- "$2" '
    '&& mv -fT -- "$2" "$3" || { rm -f -- "$2"; exit 1; }'
)


class SshTransport:
    """The server over one SSH connection.

    Parameters
    ----------
    section
        ``[site.ssh]`` of the settings.
    call_timeout_s
        How long a call without a time-out of its own may take.
    clock
        Monotonic seconds, for the pace of connects and the heartbeat.
    record
        What other processes of the site know of the last connect.
    heartbeat_s
        A connection that was silent for so long is asked whether it lives.
    """

    def __init__(
        self,
        section: SshSection,
        *,
        call_timeout_s: float,
        clock: Callable[[], float] = time.monotonic,
        record: ConnectRecord | None = None,
        heartbeat_s: float = HEARTBEAT_S,
    ) -> None:
        self._section = section
        self._record = record
        self._call_timeout_s = call_timeout_s
        self._clock = clock
        self._heartbeat = Heartbeat(heartbeat_s, self._ask_for_life)
        self._round_trips = RoundTrips()
        self._connects = 0
        self._pacer = ConnectPacer(clock, section.connect_interval_s)
        self._link: SshLink | None = None
        self._owner: int | None = None
        self._answered_at = 0.0
        self._refusals = 0
        self._stopped_by: RefusedError | None = None

    @property
    def round_trips(self) -> int:
        """How often the server was waited for so far, logins apart."""
        return self._round_trips.count

    @property
    def connects(self) -> int:
        """How many connections were begun so far; each costs about ten round trips more."""
        return self._connects

    def connect(self) -> None:
        """Make sure that there is a connection; one that was silent for long is asked."""
        link = self._connected()
        if self._clock() - self._answered_at > self._heartbeat.every_s:
            with self._asking("answer", PurePosixPath("."), HEARTBEAT_TIMEOUT_S):
                link.sftp.stat(".")

    def close(self) -> None:
        """End the connection; a later call makes a new one."""
        if self._link is not None:
            self._link.close()
            self._link = None

    def run(
        self, argv: Sequence[str], *, timeout_s: float, stdin: bytes | None = None
    ) -> CommandOutput:
        """Run a command; the server ends it when its time is up, whatever becomes of us."""
        limit = ["timeout", f"--kill-after={_KILL_AFTER_S:g}", f"{timeout_s + _KILL_AFTER_S:g}"]
        line = write_command([*limit, *argv])
        program, began_s = program_of(argv), time.monotonic()
        with self._start(line.text, program, timeout_s) as channel:
            # A channel that opens slowly has its part of the time: a call takes no longer.
            left_s = max(timeout_s - round(time.monotonic() - began_s), 1.0)
            try:
                # What is sent into a silent line waits below every time-out of the library.
                with self._asking("run", PurePosixPath(program), left_s + HEARTBEAT_TIMEOUT_S):
                    command = RemoteCommand(channel, line.mark, stdin)
                    output = command.wait(left_s, program, self._heartbeat)
            except UnreachableError as error:
                if self._still_answers():
                    raise NoAnswerError(str(error)) from error
                raise
        return output

    def read(self, path: PurePosixPath, *, offset: int = 0, limit: int = 1 << 20) -> bytes:
        """Read up to ``limit`` bytes of a file from an offset; empty at its end."""
        sftp = self._connected().sftp
        with self._asking("read", path):
            # Asked first: a journal that is followed has mostly nothing new.
            state = sftp.stat(str(path))
            if stat.S_ISDIR(state.st_mode or 0):
                raise RemoteFileError(f"cannot read {path}: it is a folder")
            size = min((state.st_size or 0) - offset, limit)
            if size <= 0:
                return b""
            # Not closed by hand, which would wait a round trip: its end closes it without.
            file = sftp.open(str(path), "rb")
            if size > REQUEST_BYTES:
                self._round_trips.count += 1
                return b"".join(file.readv([(offset, size)]))
            file.seek(offset)
            return file.read(size)

    def read_parts(self, parts: Sequence[FilePart]) -> tuple[bytes | None, ...]:
        """Read parts of several files together; None for one that cannot be read."""
        if not parts:
            return ()
        sftp = self._connected().sftp
        with self._asking("read", parts[0].path):
            return sftp.read_parts(parts)

    def write(self, path: PurePosixPath, content: bytes) -> None:
        """Write a file aside and rename it into place; parent folders are made."""
        aside = path.parent / f".{path.name}.{uuid.uuid4().hex}.part"
        names = [str(path.parent), str(aside), str(path), str(len(content))]
        argv = ["sh", "-c", _WRITE_SCRIPT, "sh", *names]
        output = self.run(argv, timeout_s=self._call_timeout_s, stdin=content)
        if output.exit_status != 0:
            said = output.stderr.strip() or "it arrived incomplete"
            raise RemoteFileError(f"cannot write {path}: {said}")

    def exists(self, path: PurePosixPath) -> bool:
        """Tell whether a file, folder or link is there."""
        sftp = self._connected().sftp
        with self._asking("look for", path):
            try:
                sftp.lstat(str(path))
            except FileNotFoundError:
                return False
        return True

    def list_tree(self, folder: PurePosixPath, *, depth: int) -> tuple[RemoteEntry, ...]:
        """List regular files and folders down to a depth, sorted by path."""
        output = self.run(list_command(folder, depth), timeout_s=self._call_timeout_s)
        return read_listing(output, folder)

    def fetch(
        self, folder: PurePosixPath, names: Sequence[PurePosixPath], *, max_bytes: int
    ) -> Iterator[FetchedFile]:
        """Yield regular files below a folder, in the order asked for, from one tar stream."""
        check_names(names)
        if not names:
            return
        argv = [*TAR_COMMAND, f"--directory={folder}", "--", *(str(name) for name in names)]
        line, allowed_s = write_command(argv), self._call_timeout_s
        with self._asking("fetch from", folder, limit=False):
            channel = self._start(line.text, "tar", allowed_s)
            try:
                with channel:
                    yield from receive_files(
                        channel, line.mark, folder, names, max_bytes=max_bytes, timeout_s=allowed_s
                    )
            except UnreachableError as error:
                if self._still_answers():
                    raise NoAnswerError(f"cannot fetch from {folder}: {error}") from error
                raise

    def rename(self, source: PurePosixPath, target: PurePosixPath) -> None:
        """Move a file or folder on one file system; an existing target is an error."""
        if self.exists(target):
            raise RemoteFileError(f"cannot move {source} to {target}: the target exists already")
        with self._asking("move", source):
            self._connected().sftp.rename(str(source), str(target))

    def _connected(self) -> SshLink:
        """Return the connection, made anew when there is none."""
        if self._owner is None:
            self._owner = threading.get_ident()
        if self._owner != threading.get_ident():
            raise RuntimeError("the SSH connection belongs to the thread that first used it")
        if self._stopped_by is not None:
            raise self._stopped_by
        if self._link is not None and not self._link.is_alive:
            self.close()
        if self._link is None:
            self._link = self._open()
        return self._link

    def _begin_connect(self) -> None:
        """Note that a connect begins, unless this process or another one has just made one."""
        wait_s = self._record.wait_s() if self._record else 0.0
        if wait_s > 0:
            raise UnreachableError(f"not connected; next try in {wait_s:.0f} s")
        self._pacer.begin()
        if self._record:
            self._record.note()
        self._connects += 1

    def _open(self) -> SshLink:
        route = read_route(self._section)
        self._begin_connect()
        section = self._section
        try:
            link = open_link(route, section, self._round_trips)
        except LoginRefusedError as error:
            self._refusals += 1
            if self._refusals >= self._section.max_refusals:
                self._stopped_by = LoginRefusedError(
                    f"stopped after {self._refusals} refused logins: {error}; "
                    "then start the executor again"
                )
                raise self._stopped_by from error
            self._pacer.failed(str(error))
            raise UnreachableError(f"{error}. One more try will be made") from error
        except RefusedError as error:
            self._stopped_by = error
            raise
        except UnreachableError as error:
            self._pacer.failed(str(error))
            raise
        self._refusals = 0
        self._pacer.succeeded()
        self._answered_at = self._clock()
        self._limit_file_server(link)
        return link

    def _limit_file_server(self, link: SshLink) -> None:
        link.sftp.get_channel().settimeout(self._call_timeout_s)  # type: ignore[union-attr]

    def _start(self, command: str, what: str, timeout_s: float) -> paramiko.Channel:
        """Open a channel and start a command in it."""
        link = self._connected()
        with self._asking("run", PurePosixPath(what), timeout_s):
            self._round_trips.count += 2  # a channel, then the command in it
            channel = link.transport.open_session(timeout=min(timeout_s, self._call_timeout_s))
            channel.settimeout(self._call_timeout_s)
            channel.exec_command(command)
        return channel

    @contextmanager
    def _asking(
        self, act: str, path: PurePosixPath, timeout_s: float | None = None, *, limit: bool = True
    ) -> Iterator[None]:
        """Give a call its time, and turn what the library says into our errors."""
        link = self._connected()
        allowed_s = (timeout_s or self._call_timeout_s) + 1.0
        try:
            if limit:
                with link.watchdog.limit(allowed_s):
                    yield
            else:
                yield
        except (TransportError, UntrustedFileError):
            raise
        except (OSError, *GARBLED) as error:
            if isinstance(error, TimeoutError) and self._has_other_file_server(link):
                raise NoAnswerError(
                    f"cannot {act} {path}: no answer within {allowed_s - 1.0:g} s; "
                    "it will be asked again"
                ) from error
            # Only the file server's own answers are plain OSErrors on a living connection.
            is_answer = isinstance(error, OSError) and link.is_alive
            if not is_answer or isinstance(error, TimeoutError):
                self.close()
                said = str(error) or "it was not answered"
                raise UnreachableError(f"connection lost: cannot {act} {path}: {said}") from error
            raise RemoteFileError(f"cannot {act} {path}: {_reason(error)}") from error
        self._answered_at = self._clock()

    def _has_other_file_server(self, link: SshLink) -> bool:
        """Find out, after a file that hangs, whether the line is dead: by another file server.

        One answers after the other: what comes behind a file that hangs would wait as well.
        """
        if not link.is_alive:
            return False
        timeout_s = min(HEARTBEAT_TIMEOUT_S, self._call_timeout_s)
        self._round_trips.count += 3  # a channel, the server in it, and its greeting
        try:
            with link.watchdog.limit(timeout_s):
                link.renew_sftp(timeout_s)
        except (OSError, TransportError, *GARBLED):
            return False
        self._limit_file_server(link)
        return link.is_alive

    def _ask_for_life(self) -> None:
        """Ask a line on which a command is silent; a busy login node has its time to answer."""
        link = self._link
        if link is None or not link.is_alive:
            return  # the command is about to notice; no new connection may come of asking
        with self._asking("answer", PurePosixPath("."), self._call_timeout_s):
            link.sftp.stat(".")

    def _still_answers(self) -> bool:
        """Find out, after a call without an answer, whether the line is dead; then close it."""
        link = self._link
        if link is None or not link.is_alive:
            return False
        try:
            with self._asking("answer", PurePosixPath("."), HEARTBEAT_TIMEOUT_S):
                link.sftp.stat(".")
        except TransportError:
            self.close()
            return False
        return self._link is link


def open_ssh_transport(site: SiteSection) -> SshTransport:
    """Make the transport of a site that is reached by SSH; it connects when first used.

    Raises
    ------
    SettingsError
        When the site has no section ``[site.ssh]``.
    """
    if site.ssh is None:
        raise SettingsError(f"site {site.name} has no section [site.ssh]")
    return SshTransport(
        site.ssh, call_timeout_s=site.call_timeout_s, record=connect_record(site, site.ssh)
    )


def connect_record(site: SiteSection, section: SshSection) -> ConnectRecord:
    """Return when the site was last connected to."""
    return ConnectRecord(site.state_dir / LAST_CONNECT_FILE, section.connect_interval_s)


def _reason(error: Exception) -> str:
    strerror = getattr(error, "strerror", None)
    return str(strerror or error or "the server refused")
