"""The lease on a store: one executor of a site works on it, on whatever machine that runs.

``instance.hold_lock`` keeps apart the executors that share a state folder. Two
machines share none, but may share a database: there the lease is PostgreSQL's
advisory lock, which is gone with the session that took it. For a SQLite store
it is the kernel's lock on a file beside it, because two settings files with
state folders of their own may name the same store.
"""

import contextlib
import fcntl
import logging
import os
import socket
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa

from background_executor.errors import AlreadyRunningError, StoreUnavailableError

log = logging.getLogger(__name__)

PATIENCE_S = 2.0
"""Longer than somebody who only looks holds the lock, and than a database takes to notice that
the session of a killed process is gone."""
_TRY_EVERY_S = 0.1
_LEASES = 0x504D54
"""First key of all leases; the second one tells the site."""
_SESSION_SETTINGS = {
    # A machine that lost its power gives its lease back within a minute, not after two hours.
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}


class Lease(Protocol):
    """The right to work on the store of a site."""

    def keep(self) -> None:
        """Make sure that it is held still.

        Raises
        ------
        StoreUnavailableError
            When the database cannot be asked; the same can be tried later.
        AlreadyRunningError
            When it was lost and another executor has it now.
        """


class LastingLease:
    """One that is held as long as the process lives."""

    def keep(self) -> None:
        """Nothing can take it away."""


@contextlib.contextmanager
def hold_lease(store_url: str, site: str) -> Iterator[Lease]:
    """Be the one that works for a site on a store.

    Raises
    ------
    AlreadyRunningError
        When another process does, here or on another machine.
    StoreUnavailableError
        When the database cannot be asked.
    """
    url = sa.make_url(store_url)
    match url.get_backend_name():
        case "postgresql":
            with contextlib.closing(PostgresqlLease(url, site)) as lease:
                lease.take()
                yield lease
        case "sqlite" if url.database not in (None, "", ":memory:"):
            with _hold_file(Path(f"{url.database}.executor-{site}"), site):
                yield LastingLease()
        case other:
            log.warning("A store of kind %s has no lease: start one executor only.", other)
            yield LastingLease()


@contextlib.contextmanager
def _hold_file(path: Path, site: str) -> Iterator[None]:
    def refusal() -> AlreadyRunningError:
        return _refusal(site, path.read_text(), f"by its lock on {path}")

    with hold_file(path, _own_name(), refusal):
        yield


@contextlib.contextmanager
def hold_file(path: Path, words: str, refusal: Callable[[], AlreadyRunningError]) -> Iterator[None]:
    """Hold the kernel's lock on a file that says who holds it; gone with the process.

    Parameters
    ----------
    words
        Written into the file.
    refusal
        Makes the error for when another process has it.

    Raises
    ------
    StoreUnavailableError
        When the file cannot be written.
    """
    with contextlib.ExitStack() as stack:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context(path.open("ab", buffering=0))
            if not _succeeds_in_time(lambda: _takes_lock(file.fileno())):
                raise refusal()
            file.truncate(0)
            file.write(words.encode())
        except OSError as error:
            raise StoreUnavailableError(
                f"lock file {path} cannot be written: {error.strerror}; its folder must be on a "
                "local disk, writable and not full"
            ) from error
        yield


def _takes_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class PostgresqlLease:
    """An advisory lock of a session of its own, which nothing else uses.

    Parameters
    ----------
    url
        Of the store.
    site
        Whose executor asks.
    """

    def __init__(self, url: sa.URL, site: str) -> None:
        self._site = site
        self._engine = sa.create_engine(url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
        self._session: sa.Connection | None = None
        self._keys = (_LEASES, zlib.crc32(site.encode()) & 0x7FFFFFFF)

    @property
    def url(self) -> sa.URL:
        """Of the store."""
        return self._engine.url

    def take(self) -> None:
        """Take it, or say who has it.

        Raises
        ------
        AlreadyRunningError
            When another executor has it.
        StoreUnavailableError
            When the database cannot be asked.
        """
        with self._stating_faults():
            self._session = session = self._engine.connect()
            for name, value in {**_SESSION_SETTINGS, "application_name": _own_name()}.items():
                session.execute(sa.select(sa.func.set_config(name, value, False)))
            wish = sa.select(sa.func.pg_try_advisory_lock(*self._keys))
            is_taken = _succeeds_in_time(lambda: bool(session.scalar(wish)))
            holder = "" if is_taken else self._holder(session)
        if not is_taken:
            self._end_session()
            raise _refusal(self._site, holder, "in the same database")

    def keep(self) -> None:
        """Make sure that the session lives; take the lease anew when the database ended it.

        Raises
        ------
        AlreadyRunningError
            When another executor took it meanwhile.
        StoreUnavailableError
            When the database cannot be asked.
        """
        if self._session is not None:
            try:
                self._session.execute(sa.select(1))
            except sa.exc.DBAPIError as error:
                log.warning("The session that held the lease is gone: %s", error.orig)
                self._end_session()
        if self._session is None:
            self.take()

    def close(self) -> None:
        """Give it back."""
        self._end_session()
        self._engine.dispose()

    def _end_session(self) -> None:
        if self._session is not None:
            with contextlib.suppress(sa.exc.DBAPIError):  # it may be gone
                self._session.close()
            self._session = None

    def _holder(self, session: sa.Connection) -> str:
        """Return the name under which the holder's session is known to the database."""
        space, key = self._keys
        statement = sa.text(
            "SELECT application_name FROM pg_stat_activity JOIN pg_locks USING (pid) "
            "WHERE locktype = 'advisory' AND granted AND classid = :space AND objid = :key"
        )
        return session.scalar(statement, {"space": space, "key": key}) or ""

    @contextlib.contextmanager
    def _stating_faults(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.SQLAlchemyError as error:
            self._end_session()
            shown = self.url.render_as_string(hide_password=True)
            raise StoreUnavailableError(
                f"store {shown} cannot be asked whether another executor works on it: {error}"
            ) from error


def _succeeds_in_time(attempt: Callable[[], bool]) -> bool:
    give_up = time.monotonic() + PATIENCE_S
    while not attempt():
        if time.monotonic() > give_up:
            return False
        time.sleep(_TRY_EVERY_S)
    return True


def _own_name() -> str:
    return f"pmt executor, process {os.getpid()} on {socket.gethostname()}"


def _refusal(site: str, holder: str, how: str) -> AlreadyRunningError:
    return AlreadyRunningError(
        f"an executor of site {site} works on this store already ({holder or 'unknown'}, {how}); "
        "stop it first, there is one for each site"
    )
