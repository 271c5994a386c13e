"""``diagnose``: the way to the server, one step after the other, then the server itself.

One connect is enough to know how far the way goes: login nodes ban clients
that knock too often.
"""

import socket
from collections.abc import Iterator

from background_executor.config import SiteConfig, SshSection
from background_executor.errors import ExecutorError, SettingsError, UnreachableError
from background_executor.new_site.doctor import CHECKS, CheckState, Finding, Patient, examine
from background_executor.site import open_scheduler
from background_executor.ssh import (
    ChangedHostKeyError,
    LoginRefusedError,
    SshTransport,
    UnknownHostKeyError,
    connect_record,
    read_route,
)
from background_executor.transport import LocalTransport, Transport

WAY = ("name resolution", "connection", "host key", "login")


def diagnose(config: SiteConfig) -> Iterator[Finding]:
    """Check a site from the name of its host to the clock of its server.

    Every check of ``WAY`` and ``CHECKS`` gives one finding, in that order.
    """
    transport: Transport = LocalTransport()
    if config.site.ssh is not None:
        section = config.site.ssh.model_copy(update={"max_refusals": 1})
        transport = SshTransport(section, call_timeout_s=config.site.call_timeout_s)
        connect_record(config.site, section).note()
        findings = list(_walk(section, transport))
    else:
        local = "the server is this machine"
        findings = [Finding(check, CheckState.NOT_MADE, local) for check in WAY]
    yield from findings
    if any(finding.state is CheckState.FAILED for finding in findings):
        yield from (Finding(check, CheckState.NOT_MADE, "no connection") for check in CHECKS)
        return
    try:
        yield from examine(Patient(config.site, transport, open_scheduler(config)))
    finally:
        transport.close()


def _walk(section: SshSection, transport: Transport) -> Iterator[Finding]:
    """Go the way to the server and tell how far it led."""
    named = _resolve(section)
    yield named
    if named.state is CheckState.FAILED:
        yield from _not_made(WAY[1:])
        return
    reached, error = _connect(transport)
    for check in WAY[1:reached]:
        yield Finding(check, CheckState.PASSED, "as it should be")
    if error is not None:
        yield Finding(WAY[reached], CheckState.FAILED, str(error), _FIXES[WAY[reached]])
        yield from _not_made(WAY[reached + 1 :])


_FIXES = {
    "connection": "check site.ssh.host and port, your network and VPN, and whether "
    "'ssh' reaches the host from a terminal here",
    "host key": "compare the fingerprint with what the site publishes, then run "
    "'python -m background_executor enrol'",
    "login": "make sure that 'ssh' logs in from a terminal here without asking for anything",
}


def _resolve(section: SshSection) -> Finding:
    try:
        hop = read_route(section)[0]
        found = socket.getaddrinfo(hop.host, hop.port, type=socket.SOCK_STREAM)[0][4][0]
    except ExecutorError as error:
        return Finding(
            WAY[0], CheckState.FAILED, str(error), "mend [site.ssh] or the SSH configuration"
        )
    except (OSError, UnicodeError) as error:  # a name that is none, such as "a..b"
        fix = "check site.ssh.host, ~/.ssh/config and the VPN of the site"
        return Finding(WAY[0], CheckState.FAILED, f"{section.host}: {error}", fix)
    return Finding(WAY[0], CheckState.PASSED, f"{hop.host} is {found}")


def _connect(transport: Transport) -> tuple[int, ExecutorError | None]:
    """Connect once; return how many steps of the way were good, and what stood in it."""
    try:
        transport.connect()
    except (UnknownHostKeyError, ChangedHostKeyError, SettingsError) as error:
        # The route was read before: what is wrong with settings here is the file of pinned keys.
        return WAY.index("host key"), error
    except LoginRefusedError as error:
        return WAY.index("login"), error
    except UnreachableError as error:
        return WAY.index("connection"), error
    return len(WAY), None


def _not_made(checks: tuple[str, ...]) -> Iterator[Finding]:
    return (Finding(check, CheckState.NOT_MADE, "the one before failed") for check in checks)
