"""A real PostgreSQL server in a folder of its own, as Debian's ``postgresql`` brings it."""

import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Self

import sqlalchemy as sa

_PROGRAMS = Path("/usr/lib/postgresql")
_START_LIMIT_S = 60.0
_USER = "postgres"


def _program_folder() -> Path | None:
    """Return where the newest installed server's programs lie."""
    found = [path.parent for path in _PROGRAMS.glob("*/bin/initdb")]
    return max(found, key=lambda folder: int(folder.parent.name), default=None)


def why_no_postgresql() -> str:
    """Say why no server can be started here; empty when one can."""
    if os.getuid() != 0:
        return "a PostgreSQL server of its own needs root to start as another user"
    return "" if _program_folder() else "Debian package missing: postgresql"


class PostgresqlServer:
    """Runs as the user ``postgres``, listens on a socket in its folder and nowhere else."""

    def __init__(self, folder: Path) -> None:
        programs = _program_folder()
        assert programs is not None
        self._programs = programs
        self._folder = folder
        self._data = folder / "data"
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "postgres") -> str:
        """Return the URL of a database."""
        return f"postgresql+psycopg://{_USER}@/{database}?host={self._folder}"

    def __enter__(self) -> Self:
        shutil.chown(self._folder, _USER, _USER)
        self._run("initdb", f"--pgdata={self._data}", "--auth=trust", "--no-sync")
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start it and wait until it answers."""
        settings = {"listen_addresses": "", "unix_socket_directories": self._folder, "fsync": "off"}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._as_user("postgres", "-D", str(self._data), *options), stdout=log, stderr=log
            )
        give_up = time.monotonic() + _START_LIMIT_S
        while not self._answers():
            assert time.monotonic() < give_up, (self._folder / "log").read_text()[-2000:]
            time.sleep(0.1)

    def stop(self) -> None:
        """End it at once, and every session with it."""
        if self._process is not None:
            self._run("pg_ctl", "stop", f"--pgdata={self._data}", "--mode=fast")
            self._process.wait(_START_LIMIT_S)
            self._process = None

    def make_database(self, name: str) -> str:
        """Make an empty database and return its URL."""
        self.ask(f"CREATE DATABASE {name}")
        return self.url(name)

    def ask(self, statement: str) -> None:
        """Do something as the administrator."""
        engine = sa.create_engine(self.url(), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as session:
            session.execute(sa.text(statement))

    def end_sessions(self, database: str) -> None:
        """End all sessions of a database, as its administrator may."""
        self.ask(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            f"WHERE datname = '{database}' AND pid <> pg_backend_pid()"
        )

    def _answers(self) -> bool:
        argv = self._as_user("pg_isready", f"--host={self._folder}")
        return subprocess.run(argv, capture_output=True, check=False).returncode == 0

    def _run(self, program: str, *options: str) -> None:
        subprocess.run(self._as_user(program, *options), check=True, capture_output=True)

    def _as_user(self, program: str, *options: str) -> list[str]:
        drop_rights = ["setpriv", f"--reuid={_USER}", f"--regid={_USER}", "--init-groups"]
        return [*drop_rights, str(self._programs / program), *options]
