"""The server over one SSH connection; nothing outside this folder knows paramiko.

``SshTransport`` is the seam's second form (``transport.Transport``). Around it:
``route`` (which hosts, from settings and ``~/.ssh/config``), ``host_keys``
(pinned keys and their enrolment), ``pacing`` (when a connect is allowed),
``link`` (the connection itself, with its watchdog) and ``archive`` (what a
stream of files may contain).
"""

from background_executor.ssh.host_keys import (
    ChangedHostKeyError,
    HostKeyOffer,
    UnknownHostKeyError,
    store_host_key,
)
from background_executor.ssh.link import LoginRefusedError, next_host_key
from background_executor.ssh.route import Hop, read_route
from background_executor.ssh.transport import SshTransport, connect_record, open_ssh_transport

__all__ = [
    "ChangedHostKeyError",
    "Hop",
    "HostKeyOffer",
    "LoginRefusedError",
    "SshTransport",
    "UnknownHostKeyError",
    "connect_record",
    "next_host_key",
    "open_ssh_transport",
    "read_route",
    "store_host_key",
]
