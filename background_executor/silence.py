"""How long an executor may be silent before nobody believes any more that it works.

It gives a sign of life before each call to the server, and none while it waits
for the answer: as long as settings let one call take.
Only the lock says more, on the machine where the executor runs: while that is
held there is a process, and when it is free there is none.
"""

import socket
from dataclasses import dataclass
from datetime import datetime, timedelta

from background_executor.config import SiteConfig, SiteSection
from background_executor.instance import is_running
from background_executor.records import ExecutorRecord

SILENT_AFTER = timedelta(seconds=15)
"""Longer than anything takes that waits for no server."""


@dataclass(frozen=True)
class Silence:
    """What is made of an executor that says nothing."""

    allowed: timedelta
    """An executor that was silent for longer is not believed to work."""
    is_locked: bool
    """Its process is there all the same, on this machine."""


def allowed_silence(config: SiteConfig, executor: ExecutorRecord) -> Silence:
    """Look at the lock: one that is free, on the executor's own machine, ends all patience."""
    is_locked = is_running(config)
    may_wait = is_locked or executor.host != socket.gethostname()
    wait = longest_wait(config.site) if may_wait else timedelta(0)
    return Silence(SILENT_AFTER + wait, is_locked)


def longest_wait(site: SiteSection) -> timedelta:
    """Return how long one call to the server may take, or the login before it."""
    login_s = site.ssh.login_timeout_s if site.ssh is not None else 0.0
    return timedelta(seconds=max(login_s, site.call_timeout_s))


def is_silent(executor: ExecutorRecord, silence: Silence, now: datetime) -> bool:
    """Tell whether an executor has said nothing for too long."""
    return now - executor.beat_at > silence.allowed
