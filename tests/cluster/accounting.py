"""Accounting for the test cluster: a slurmdbd and a MariaDB, on own ports and files."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.cluster.daemon import Daemon

PROGRAMS = {"slurmdbd": "slurmdbd", "mariadbd": "mariadb-server", "mariadb": "mariadb-client"}

_DBD_CONFIG = """\
AuthType=auth/munge
AuthInfo=socket={munge_socket}
DbdHost=localhost
DbdPort={dbd_port}
SlurmUser=root
LogFile={folder}/slurmdbd.log
PidFile={folder}/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={database_port}
StorageUser=slurm
StoragePass={password}
StorageLoc=slurm_accounting
"""
_PASSWORD = "only-on-loopback-and-only-for-this-test"

_TABLES = f"""\
CREATE DATABASE slurm_accounting;
CREATE USER 'slurm'@'127.0.0.1' IDENTIFIED BY '{_PASSWORD}';
GRANT ALL ON slurm_accounting.* TO 'slurm'@'127.0.0.1';
"""


class AccountingServers:
    """mariadbd and slurmdbd.

    Parameters
    ----------
    ports
        Of the database and of slurmdbd.
    """

    def __init__(
        self,
        folder: Path,
        ports: tuple[int, int],
        munge_socket: Path,
        environment: Mapping[str, str],
    ) -> None:
        self.folder = folder
        self._database_port, self.dbd_port = ports
        self._munge_socket = munge_socket
        self._socket = folder / "database.socket"
        self._config_file = folder / "slurmdbd.conf"
        mine = {**environment, "SLURM_CONF": str(self._config_file)}
        self._mariadbd = Daemon("mariadbd", self._mariadbd_argv(), folder / "mariadbd.out", mine)
        argv = ["/usr/sbin/slurmdbd", "-D"]
        self.slurmdbd = Daemon("slurmdbd", argv, folder / "slurmdbd.out", mine)

    def lines(self) -> str:
        """Return what slurm.conf says of accounting."""
        return (
            "AccountingStorageType=accounting_storage/slurmdbd\n"
            "AccountingStorageHost=localhost\n"
            f"AccountingStoragePort={self.dbd_port}\n"
            f"AccountingStoragePass={self._munge_socket}"
        )

    def prepare(self) -> None:
        """Make the database's files and the configuration."""
        data = self.folder / "data"
        data.mkdir(parents=True)
        for path in (self.folder, data):
            shutil.chown(path, "mysql", "mysql")
        argv = ["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--user=mysql"]
        options = ["--auth-root-authentication-method=normal", "--skip-test-db"]
        subprocess.run([*argv, *options], check=True, capture_output=True, timeout=120)
        # slurmdbd finds its configuration beside the file that SLURM_CONF names.
        self._config_file.write_text(
            _DBD_CONFIG.format(
                folder=self.folder,
                munge_socket=self._munge_socket,
                dbd_port=self.dbd_port,
                database_port=self._database_port,
                password=_PASSWORD,
            )
        )
        self._config_file.chmod(0o600)

    def start(self) -> None:
        """Start both, each when the one before answers; munged must run."""
        self._mariadbd.start(lambda: self._asks("SELECT 1"), limit_s=60)
        if not self._asks(_TABLES):
            raise RuntimeError(f"the database below {self.folder} could not be made")
        self.slurmdbd.start(lambda: "started" in self._said(), limit_s=60)

    def stop(self) -> None:
        """End both."""
        self.slurmdbd.stop()
        self._mariadbd.stop(limit_s=20)

    def _said(self) -> str:
        log = self.folder / "slurmdbd.log"
        return log.read_text(errors="replace") if log.exists() else ""

    def _asks(self, statements: str) -> bool:
        argv = ["mariadb", "--no-defaults", f"--socket={self._socket}", "--user=root"]
        run = subprocess.run(
            argv, input=statements, text=True, capture_output=True, timeout=30, check=False
        )
        return run.returncode == 0

    def _mariadbd_argv(self) -> list[str]:
        drop_rights = ["setpriv", "--reuid=mysql", "--regid=mysql", "--init-groups"]
        return [
            *drop_rights,
            "/usr/sbin/mariadbd",
            "--no-defaults",
            f"--datadir={self.folder / 'data'}",
            f"--socket={self._socket}",
            f"--pid-file={self.folder / 'data' / 'pid'}",
            f"--port={self._database_port}",
            "--bind-address=127.0.0.1",
            "--innodb-buffer-pool-size=32M",
            # What slurmdbd asks of a database.
            "--innodb-lock-wait-timeout=900",
            "--max-allowed-packet=16M",
        ]
