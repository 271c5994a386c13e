"""The store: opened, brought up to date, written by one process, read by any.

Pages and command line call ``enqueue`` and nothing else that writes. The
executor writes inside ``writing``, one transaction at a time. Reading is done
by ``queries``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from alembic import command as alembic_command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError as AlembicError
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from background_executor import migrations
from background_executor.commands import Command
from background_executor.errors import StoreError, StoreUnavailableError
from background_executor.writing import StoreWriter

BUSY_TIMEOUT_MS = 30_000
"""How long a writer waits for another one; transactions here take milliseconds."""
_PASSING_FAULTS = ("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_BUSY", "SQLITE_CANTOPEN")
"""SQLite's names for a disk that is full or away, and for a writer that does not end."""
_WRITER_LOCK = 0x504D54
"""Key of the lock by which the writers of a PostgreSQL store wait for each other."""


class Store:
    """An open store; ``close`` gives its connections back."""

    def __init__(self, writer: sa.Engine, reader: sa.Engine, results_folder: Path) -> None:
        self.results_folder = results_folder
        self._writer = writer
        self._reader = reader

    @classmethod
    def open(cls, url: str, results_folder: Path) -> "Store":
        """Open a store, make it when there is none, and bring its tables up to date.

        Parameters
        ----------
        url
            Any URL that SQLAlchemy knows, like ``sqlite:////var/lib/pmt/store.sqlite``.
        results_folder
            Folder that holds the verified copies of published folders.

        Raises
        ------
        StoreError
            When it cannot be opened, or was made by a newer version.
        """
        shown = sa.make_url(url).render_as_string(hide_password=True)
        store = cls(_engine(url, writes=True), _engine(url, writes=False), results_folder)
        try:
            store._migrate(shown)
        except (sa.exc.SQLAlchemyError, AlembicError, OSError) as error:
            store.close()
            raise StoreError(
                f"store {shown} cannot be opened: {error}. Its folder must be there, on a local "
                "disk, and writable"
            ) from error
        return store

    @contextmanager
    def writing(self, now: datetime | None = None) -> Iterator[StoreWriter]:
        """Begin one transaction that is there whole or not at all.

        Parameters
        ----------
        now
            Moment of everything written; the clock's when absent.
        """
        with _stating_faults("written"), self._writer.begin() as connection:
            writer = StoreWriter(connection, now or datetime.now(UTC), self.results_folder)
            yield writer
            writer.count_change()

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Begin a look at the store that no writer disturbs and that cannot write."""
        with _stating_faults("read"), self._reader.begin() as connection:
            yield connection

    def enqueue(
        self,
        site: str,
        command: Command,
        operator: str,
        idempotency_key: str,
        now: datetime | None = None,
    ) -> int:
        """Ask the executor for something and return the command's number at once.

        Parameters
        ----------
        idempotency_key
            One for each wish: the same key again gives the same command.
        """
        values = {
            "site": site,
            "kind": command.kind,
            "arguments": command.model_dump_json(),
            "operator": operator,
            "idempotency_key": idempotency_key,
        }
        with self.writing(now) as writer:
            return writer.add_command(values)

    def close(self) -> None:
        """Give all connections back."""
        self._writer.dispose()
        self._reader.dispose()

    def _migrate(self, shown: str) -> None:
        """Run the missing steps in one transaction, once, however many open the store."""
        config = Config()
        config.set_main_option("script_location", str(Path(migrations.__file__).parent))
        config.set_main_option("path_separator", "os")
        steps = [step.revision for step in ScriptDirectory.from_config(config).walk_revisions()]
        with self._writer.begin() as connection:
            done = MigrationContext.configure(connection).get_current_revision()
            if done is not None and done not in steps:
                raise StoreError(
                    f"store {shown} was made by a newer version (step {done!r}, this one knows up "
                    f"to {steps[0]!r}): update this program"
                )
            if done != steps[0]:
                config.attributes["connection"] = connection
                alembic_command.upgrade(config, "head")


@contextmanager
def _stating_faults(act: str) -> Iterator[None]:
    """Turn what the database refuses into an error that says so; nothing of it was kept."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        kind = StoreUnavailableError if _passes(error) else StoreError
        raise kind(f"the store could not be {act}: {error.orig}; nothing of it was kept") from error


def _passes(error: sa.exc.DBAPIError) -> bool:
    """Tell whether the same may be possible later, without a change to this program."""
    name = getattr(error.orig, "sqlite_errorname", None)
    if name is None:
        # Of a database server it is about the server, never about what was asked of it.
        return isinstance(error, sa.exc.OperationalError)
    return error.connection_invalidated or name.startswith(_PASSING_FAULTS)


def _engine(url: str, *, writes: bool) -> sa.Engine:
    engine = sa.create_engine(url)
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine, writes=writes)
    elif engine.dialect.name == "postgresql":
        _prepare_postgresql(engine, writes=writes)
    return engine


def _prepare_postgresql(engine: sa.Engine, *, writes: bool) -> None:
    """Give PostgreSQL the same rules as SQLite: one writer at a time, readers that cannot write."""

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        if writes:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_WRITER_LOCK)))
        else:
            connection.exec_driver_sql("SET TRANSACTION READ ONLY")


def _prepare_sqlite(engine: sa.Engine, *, writes: bool) -> None:
    """Make SQLite keep several processes apart: one writes, the others see whole states."""

    @sa.event.listens_for(engine, "connect")
    def _set_up(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        # Transactions are begun by _begin, also around changes of tables.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        if writes:
            cursor.execute("PRAGMA journal_mode = WAL")
            cursor.execute("PRAGMA synchronous = FULL")
        else:
            cursor.execute("PRAGMA query_only = ON")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
