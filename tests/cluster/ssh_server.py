"""A real OpenSSH server on loopback: own host key, key login only, own port."""

import os
import pwd
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.cluster.daemon import Daemon

_CONFIG = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
PidFile none
AuthorizedKeysFile {folder}/authorized_keys
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
PubkeyAuthentication yes
PasswordAuthentication no
KbdInteractiveAuthentication no
AllowTcpForwarding yes
PrintMotd no
UseDNS no
Subsystem sftp internal-sftp
"""

_FURTHER_LOGIN = """\
#!/bin/sh
{before}
case "$SSH_ORIGINAL_COMMAND" in
    internal-sftp) exec /usr/lib/openssh/sftp-server ;;
esac
{shell}
"""


class SshServer:
    """An sshd with one client key that may log in as the user who runs the tests."""

    def __init__(self, folder: Path, port: int, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.port = port
        self.host = "127.0.0.1"
        self.user = pwd.getpwuid(os.getuid()).pw_name
        self.client_key = folder / "client_key"
        self._environment = dict(environment)
        self._further_logins: list[str] = []
        argv = ["/usr/sbin/sshd", "-D", "-e", "-f", str(folder / "sshd_config")]
        self._daemon = Daemon("sshd", argv, folder / "sshd.log", {**os.environ, **environment})

    def prepare(self) -> None:
        """Make keys and configuration."""
        self.folder.mkdir(parents=True, exist_ok=True)
        # sshd insists on this folder whatever its configuration says.
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        make_key(self.client_key)
        self.renew_host_key()
        self.allow_logins()
        config = _CONFIG.format(port=self.port, folder=self.folder)
        variables = " ".join(f"{name}={value}" for name, value in self._session().items())
        config += f"SetEnv {variables}\n"
        (self.folder / "sshd_config").write_text(config)

    def _session(self) -> dict[str, str]:
        """Return what every session finds set, with an empty home folder.

        What the user's own start-up files do must not decide about a test: one
        that waits for a lock holds up each command of a login shell.
        """
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        cache = os.environ.get("XDG_CACHE_HOME") or str(Path("~/.cache").expanduser())
        return {"HOME": str(home), "XDG_CACHE_HOME": cache, **self._environment}

    def renew_host_key(self) -> None:
        """Make another host key; it is used from the next start."""
        make_key(self.folder / "host_key")

    def host_key_fingerprint(self) -> str:
        """Return the fingerprint as ``ssh-keygen -l`` writes it, ``SHA256:...``."""
        argv = ["ssh-keygen", "-lf", str(self.folder / "host_key.pub")]
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split()[1]

    def refuse_logins(self) -> None:
        """Take the client's key away from the server."""
        (self.folder / "authorized_keys").write_text("")

    def allow_logins(self) -> None:
        """Give the client's key to the server, and those of further logins."""
        public = self.client_key.with_suffix(".pub").read_text()
        (self.folder / "authorized_keys").write_text(public + "".join(self._further_logins))

    def add_login(self, key: Path, shell: str, before: str = "") -> None:
        """Make a key whose owner has another login shell.

        Parameters
        ----------
        shell
            Shell text that runs ``$SSH_ORIGINAL_COMMAND`` as that login shell would.
        before
            Shell text that is run before that, and before the file server.
        """
        make_key(key)
        script = key.with_suffix(".shell")
        script.write_text(_FURTHER_LOGIN.format(shell=shell, before=before))
        script.chmod(0o755)
        public = key.with_suffix(".pub").read_text()
        self._further_logins.append(f'command="{script}" {public}')
        self.allow_logins()

    @property
    def pid(self) -> int:
        """Process id of the listening server."""
        return self._daemon.pid

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._daemon.start(lambda: answers_as_ssh(self.port))

    def stop(self) -> None:
        """End the listening server; sessions that are open live on."""
        self._daemon.stop()


def make_key(path: Path) -> None:
    """Make an ed25519 key pair without a passphrase, replacing an older one."""
    path.unlink(missing_ok=True)
    path.with_suffix(".pub").unlink(missing_ok=True)
    argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "pmt test", "-f", str(path)]
    subprocess.run(argv, check=True, capture_output=True)


def answers_as_ssh(port: int) -> bool:
    """Tell whether an SSH server greets on a loopback port."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False
