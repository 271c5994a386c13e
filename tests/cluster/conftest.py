"""A line to the test cluster that can be cut, and a transport whose clock the test moves."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from background_executor.ssh import SshTransport
from tests.cluster.cluster import RealCluster
from tests.cluster.line import Line
from tests.cluster.site_settings import ssh_section


class Clock:
    """Monotonic seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s

    def pass_by(self, seconds: float) -> None:
        self.now_s += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def line(cluster: RealCluster) -> Iterator[Line]:
    with Line(cluster.ssh.port) as made:
        yield made


MakeTransport = Callable[[Line], SshTransport]


@pytest.fixture
def transport_over(
    cluster: RealCluster, tmp_path: Path, clock: Clock
) -> Iterator[Callable[[Line], SshTransport]]:
    """Make transports over a line; they are closed after the test."""
    made: list[SshTransport] = []

    def make(line: Line) -> SshTransport:
        section = ssh_section(cluster, tmp_path, port=line.port)
        transport = SshTransport(section, call_timeout_s=2.0, clock=clock)
        made.append(transport)
        return transport

    yield make
    for transport in made:
        transport.close()


@pytest.fixture
def transport(line: Line, transport_over: MakeTransport) -> SshTransport:
    return transport_over(line)
