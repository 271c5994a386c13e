"""The connection itself: reach the server over its jump hosts, log in, open SFTP, end it all.

Everything that the SSH library raises becomes one of our errors here or in
``transport``; what nobody answers in time is ended by the watchdog.
"""

import contextlib
import socket
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

import paramiko

from background_executor.config import SshSection
from background_executor.errors import RefusedError, TransportError, UnreachableError
from background_executor.ssh.agent import KeyClient
from background_executor.ssh.host_keys import (
    ChangedHostKeyError,
    HostKeyOffer,
    PinnedKeysOnly,
    UnknownHostKeyError,
    read_known_hosts,
)
from background_executor.ssh.pipelining import PipelinedSftp, RoundTrips
from background_executor.ssh.route import Hop, read_route
from background_executor.ssh.watchdog import Watchdog

GARBLED = (
    paramiko.SSHException,
    paramiko.SFTPError,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    AssertionError,
    struct.error,
)
"""What nonsense from the far end makes the library raise; its thread hands on whatever it met."""


class LoginRefusedError(RefusedError):
    """The server is the right one and does not let us in."""


class SshLink:
    """An open connection: one client per hop, the server's last, and one SFTP channel."""

    def __init__(self, round_trips: RoundTrips) -> None:
        self._round_trips = round_trips
        self._clients: list[paramiko.SSHClient] = []
        self._sftp: PipelinedSftp | None = None
        self.watchdog = Watchdog(self._cut)

    @property
    def is_alive(self) -> bool:
        """Whether the connection and its file server still stand, as far as is known here."""
        if not self._clients or self.watchdog.has_bitten or not self.transport.is_active():
            return False
        channel = self._sftp.get_channel() if self._sftp is not None else None
        return channel is None or not (channel.closed or channel.eof_received)

    @property
    def transport(self) -> paramiko.Transport:
        """The server's end of the connection."""
        transport = self._clients[-1].get_transport()
        if transport is None:
            raise UnreachableError("the connection is closed")
        return transport

    @property
    def sftp(self) -> PipelinedSftp:
        """The one SFTP channel."""
        if self._sftp is None:
            raise UnreachableError("the connection is closed")
        return self._sftp

    def log_in(self, hop: Hop, known_hosts: Path, timeout_s: float) -> None:
        """Connect to the next host through the ones before, and log in."""
        opened = self._open_socket(hop, timeout_s)
        client = KeyClient(timeout_s, hop.identities if hop.only_named else None)
        # Known before it is let in: a login that hangs is ended by the watchdog, too.
        self._clients.append(client)
        if known_hosts.exists():
            client.load_host_keys(str(known_hosts))
        client.set_missing_host_key_policy(PinnedKeysOnly(hop))
        client.connect(
            hop.known_as,  # the socket is open: this says under which name the key is looked up
            port=hop.port,
            username=hop.user,
            # A list is what it takes; its type annotations know one name only.
            key_filename=[str(path) for path in hop.identities],  # type: ignore[arg-type]
            look_for_keys=not hop.identities,
            sock=opened,
            timeout=timeout_s,
            banner_timeout=timeout_s,
            auth_timeout=1.5 * timeout_s,  # an agent that is silent for its time is named first
            channel_timeout=timeout_s,
        )

    def open_sftp(self, timeout_s: float) -> None:
        """Open the SFTP channel."""
        channel = self.transport.open_session(timeout=timeout_s)
        channel.settimeout(timeout_s)
        channel.invoke_subsystem("sftp")
        self._sftp = PipelinedSftp(channel, self._round_trips)

    def renew_sftp(self, timeout_s: float) -> None:
        """Leave an SFTP channel that hangs to itself, and open another on the same connection."""
        if self._sftp is not None:
            self._sftp.close()
            self._sftp = None
        self.open_sftp(timeout_s)

    def close(self) -> None:
        """End the connection and its watchdog."""
        self.watchdog.close()
        self._cut()
        for client in reversed(self._clients):
            client.close()

    def _open_socket(self, hop: Hop, timeout_s: float) -> socket.socket | paramiko.Channel:
        if not self._clients:
            return socket.create_connection((hop.host, hop.port), timeout=timeout_s)
        return self.transport.open_channel(
            "direct-tcpip", (hop.host, hop.port), ("127.0.0.1", 0), timeout=timeout_s
        )

    def _cut(self) -> None:
        """Close the sockets, the real one first: to close a channel, one must be able to send."""
        for client in tuple(self._clients):
            transport = client.get_transport()
            if transport is not None:
                with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
                    transport.sock.close()


def open_link(
    route: Sequence[Hop],
    section: SshSection,
    round_trips: RoundTrips | None = None,
) -> SshLink:
    """Connect to the last host of a route; round trips after the login are counted.

    Raises
    ------
    RefusedError
        When a host key or a login is refused.
    UnreachableError
        When there is no connection within the time-out.
    """
    known_hosts, timeout_s = section.known_hosts.expanduser(), section.connect_timeout_s
    read_known_hosts(known_hosts)
    link = SshLink(round_trips or RoundTrips())
    try:
        with link.watchdog.limit(section.login_timeout_s):
            for hop in route:
                with _said_while_connecting(hop, known_hosts):
                    link.log_in(hop, known_hosts, timeout_s)
            with _said_while_connecting(route[-1], known_hosts), link.watchdog.limit(timeout_s):
                link.open_sftp(timeout_s)
    except BaseException:
        link.close()
        raise
    return link


def next_host_key(section: SshSection) -> HostKeyOffer | None:
    """Ask the hosts of a site for their keys; return the first that is not enrolled.

    Raises
    ------
    RefusedError
        When an enrolled key is another now, or a host on the way does not let us in.
    UnreachableError
        When a host does not answer.
    """
    route = read_route(section)
    try:
        open_link(route, section).close()
    except UnknownHostKeyError as error:
        return error.offer
    except LoginRefusedError:
        # Only a host whose key is enrolled is asked for a login; what lies behind it, was not.
        if route[-1].key_name not in read_known_hosts(section.known_hosts):
            raise
    return None


@contextlib.contextmanager
def _said_while_connecting(hop: Hop, known_hosts: Path) -> Iterator[None]:
    where = f"{hop.user}@{hop.host} port {hop.port}"
    try:
        yield
    except TransportError:
        raise
    except paramiko.BadHostKeyException as error:
        raise ChangedHostKeyError(hop, error, known_hosts) from error
    except paramiko.PasswordRequiredException as error:
        raise LoginRefusedError(
            f"the private key for {where} needs a passphrase; load it into ssh-agent with "
            "'ssh-add' and keep its '.pub' beside it, or name another key in site.ssh.identity"
        ) from error
    except paramiko.SFTPError as error:  # the channel is open, what comes through it is not SFTP
        raise UnreachableError(
            f"the file server of {where} does not speak SFTP ({error}): mostly a login shell that "
            f"prints something before it; 'ssh {hop.user}@{hop.host} true' must print nothing"
        ) from error
    except (paramiko.SSHException, EOFError, OSError, UnicodeError) as error:
        if is_refused_login(error):
            raise LoginRefusedError(_how_to_be_let_in(hop, where, error)) from error
        raise UnreachableError(f"no connection to {where}: {error or 'it closed'}") from error
    except GARBLED as error:
        what = f"{type(error).__name__}: {error}"
        raise UnreachableError(f"what answers at {where} does not speak SSH ({what})") from error


def is_refused_login(error: Exception) -> bool:
    """Tell a server that says no from one that fell silent while it was asked."""
    text = str(error).lower()
    if isinstance(error, paramiko.AuthenticationException):
        return "timeout" not in text and "transport shut down" not in text
    return "no authentication methods" in text or "too many authentication" in text


def _how_to_be_let_in(hop: Hop, where: str, error: Exception) -> str:
    keys = ", ".join(str(path) for path in hop.identities) or "the keys in ~/.ssh and of ssh-agent"
    return (
        f"{where} refused the login ({error}); offered were {keys}. Put the public key into "
        f"~/.ssh/authorized_keys there ('ssh-copy-id'), or correct user and identity in [site.ssh]"
    )
