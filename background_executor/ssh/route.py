"""Which hosts lie between us and the server: settings first, then ``~/.ssh/config``."""

import getpass
from dataclasses import dataclass
from pathlib import Path

import paramiko
from paramiko.pkey import UnknownKeyType

from background_executor.config import SshSection
from background_executor.errors import SettingsError
from background_executor.ssh.user_config import read_user_config

DEFAULT_PORT = 22
MAX_HOPS = 5


@dataclass(frozen=True)
class Hop:
    """One host to log in to."""

    name: str
    """As settings or ``~/.ssh/config`` call it."""
    host: str
    port: int
    user: str
    identities: tuple[Path, ...]
    """Private keys to offer; empty for the user's default keys."""
    only_named: bool
    """The agent, too, offers the named keys and no others."""
    key_name: str
    """What the host's key is filed under, as OpenSSH does it."""

    @property
    def known_as(self) -> str:
        """The host as its key is filed: its ``HostKeyAlias``, else its name; without the port."""
        return self.key_name.removeprefix("[").partition("]")[0]


def read_route(section: SshSection) -> tuple[Hop, ...]:
    """Return the hosts to log in to, the server last.

    Raises
    ------
    SettingsError
        When the configuration file cannot be read, or asks for what is not done here.
    """
    config = read_user_config(section.config_file)
    try:
        target = _hop(config, section.host, section)
        jumps = _jumps(config, section.host, ())
    except (ValueError, paramiko.SSHException) as error:
        raise SettingsError(
            f"cannot use what the SSH configuration says of {section.host!r}: {error}; mend it, "
            "or name another one in site.ssh.config_file"
        ) from error
    return (*jumps, target)


def _hop(config: paramiko.SSHConfig, name: str, section: SshSection | None) -> Hop:
    """Describe a host; ``section`` only for the server itself, whose settings win."""
    found = config.lookup(name)
    host = found["hostname"]
    port = (section.port if section else None) or int(found.get("port", DEFAULT_PORT))
    user = (section.user if section else None) or found.get("user") or getpass.getuser()
    chosen = _usable(section.identity) if section and section.identity else None
    named = [chosen] if chosen else [Path(text) for text in found.get("identityfile", [])]
    known_as = found.get("hostkeyalias", host)
    return Hop(
        name=name,
        host=host,
        port=port,
        user=user,
        identities=tuple(path.expanduser() for path in named if path.expanduser().exists()),
        only_named=chosen is not None or found.get("identitiesonly", "no").lower() == "yes",
        key_name=_key_name(known_as, port),
    )


def _usable(identity: Path) -> Path:
    """Return a key that settings name, if it is one: with none to offer, a login is not tried."""
    path = identity.expanduser()
    try:
        paramiko.PKey.from_path(path)
    except TypeError:  # it has a passphrase: the agent may hold it
        return path
    except (OSError, ValueError, UnknownKeyType, paramiko.SSHException):
        found = "is no private key that can be read" if path.is_file() else "is not there"
        raise SettingsError(
            f"site.ssh.identity names {identity}, which {found} on this machine: write the path of "
            "a private key in OpenSSH's form, or leave it out and let ~/.ssh/config name one"
        ) from None
    return path


def _jumps(config: paramiko.SSHConfig, name: str, seen: tuple[str, ...]) -> tuple[Hop, ...]:
    """Return the hosts to pass on the way to one, each with those on its own way."""
    found = config.lookup(name)
    wanted = found.get("proxyjump", "none")
    if found.get("proxycommand", "none").lower() != "none" and wanted.lower() == "none":
        raise SettingsError(
            f"~/.ssh/config reaches {name!r} by ProxyCommand, which is not done here; "
            "write it as ProxyJump"
        )
    if wanted.lower() == "none":
        return ()
    if name in seen or len(seen) >= MAX_HOPS:
        raise SettingsError(f"ProxyJump for {name!r} in ~/.ssh/config leads in a circle")
    hops: list[Hop] = []
    for index, text in enumerate(part.strip() for part in wanted.split(",")):
        jump = _parse_jump(text)
        if index == 0:  # as OpenSSH: only the first one's own way is looked up
            hops.extend(_jumps(config, jump.host, (*seen, name)))
        hops.append(jump.over(_hop(config, jump.host, None)))
    return tuple(hops)


@dataclass(frozen=True)
class _Jump:
    """One entry of ProxyJump: ``[user@]host[:port]``."""

    host: str
    user: str | None
    port: int | None

    def over(self, hop: Hop) -> Hop:
        """Put what the entry says over what the configuration says of its host."""
        port = self.port or hop.port
        return Hop(
            name=hop.name,
            host=hop.host,
            port=port,
            user=self.user or hop.user,
            identities=hop.identities,
            only_named=hop.only_named,
            key_name=_key_name(hop.known_as, port),
        )


def _key_name(known_as: str, port: int) -> str:
    return known_as if port == DEFAULT_PORT else f"[{known_as}]:{port}"


def _parse_jump(text: str) -> _Jump:
    user, _, rest = text.removeprefix("ssh://").rpartition("@")
    host, colon, port = rest.rpartition(":")
    if not colon or rest.endswith("]"):  # an IPv6 address in brackets, without a port
        return _Jump(rest.strip("[]"), user or None, None)
    if not port.isdigit() or not host:
        raise SettingsError(f"ProxyJump {text!r} in ~/.ssh/config is not like 'user@host:port'")
    return _Jump(host.strip("[]"), user or None, int(port))
