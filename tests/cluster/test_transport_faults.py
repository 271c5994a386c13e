"""The SSH connection when line, server or files misbehave; a real sshd each time."""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

import pytest

from background_executor.errors import (
    NoAnswerError,
    RemoteFileError,
    UnreachableError,
    UntrustedFileError,
)
from background_executor.ssh import SshTransport
from background_executor.ssh.connect_record import ConnectRecord
from background_executor.transport import FilePart
from tests.cluster.cluster import RealCluster
from tests.cluster.conftest import Clock
from tests.cluster.line import Line
from tests.cluster.site_settings import ssh_section

pytestmark = pytest.mark.cluster


def says_hello(transport: SshTransport) -> bool:
    return transport.run(["echo", "hello"], timeout_s=5).stdout == "hello\n"


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_everything_goes_over_one_connection(
    transport: SshTransport, line: Line, tmp_path: Path
) -> None:
    for number in range(5):
        path = PurePosixPath(tmp_path / f"file{number}")
        transport.connect()
        transport.write(path, b"x")
        assert transport.read(path) == b"x"
        assert len(list(transport.fetch(path.parent, [PurePosixPath(path.name)], max_bytes=9))) == 1
        assert says_hello(transport)
    assert line.connections == 1


def test_ten_journals_are_followed_in_one_round_trip(
    cluster: RealCluster, transport_over: Callable[[Line], SshTransport], tmp_path: Path
) -> None:
    journals = [tmp_path / f"journal{number}" for number in range(10)]
    for journal in journals:
        journal.write_bytes(b"0")
    with Line(cluster.ssh.port, round_trip_s=0.14) as slow:
        transport = transport_over(slow)
        transport.read_parts([FilePart(PurePosixPath(path), 0, 9, True) for path in journals])
        for turn in range(1, 4):
            for journal in journals:
                journal.write_bytes(b"0" * turn + b"1")
            counted, told = slow.round_trips, transport.round_trips
            parts = [FilePart(PurePosixPath(path), turn, 9, True) for path in journals]
            assert transport.read_parts(parts) == (b"1",) * 10
            assert slow.round_trips - counted == transport.round_trips - told == 1
        transport.close()


def test_a_cut_connection_is_noticed_and_made_again_when_the_pace_allows(
    transport: SshTransport, line: Line, clock: Clock
) -> None:
    assert says_hello(transport)
    line.cut()
    with pytest.raises(UnreachableError):
        transport.run(["echo", "hello"], timeout_s=5)
    with pytest.raises(UnreachableError, match="next try in 15 s"):
        transport.connect()
    clock.pass_by(14.9)
    with pytest.raises(UnreachableError):
        transport.connect()
    assert line.connections == 1
    clock.pass_by(0.2)
    assert says_hello(transport)
    assert line.connections == 2


def test_a_process_that_is_started_again_keeps_the_pace_of_the_one_before(
    cluster: RealCluster, line: Line, tmp_path: Path
) -> None:
    section = ssh_section(cluster, tmp_path, port=line.port)
    record = ConnectRecord(tmp_path / "last-connect", section.connect_interval_s)
    before = SshTransport(section, call_timeout_s=2.0, record=record)
    before.connect()
    before.close()
    after = SshTransport(section, call_timeout_s=2.0, record=record)
    with pytest.raises(UnreachableError, match=r"next try in 1[0-5] s"):
        after.connect()
    assert line.connections == 1


@pytest.mark.parametrize(
    "act", ["run", "read", "read_parts", "exists", "write", "list_tree", "fetch", "connect"]
)
def test_a_swallowed_call_ends_within_its_time_and_ends_the_connection(
    transport: SshTransport, line: Line, clock: Clock, tmp_path: Path, act: str
) -> None:
    (tmp_path / "file").write_bytes(b"x")
    folder = PurePosixPath(tmp_path)
    acts: dict[str, Callable[[], object]] = {
        "run": lambda: transport.run(["true"], timeout_s=1),
        "read": lambda: transport.read(folder / "file"),
        "read_parts": lambda: transport.read_parts([FilePart(folder / "file", 0, 9, True)]),
        "exists": lambda: transport.exists(folder / "file"),
        "write": lambda: transport.write(folder / "other", b"y"),
        "list_tree": lambda: transport.list_tree(folder, depth=1),
        "fetch": lambda: list(transport.fetch(folder, [PurePosixPath("file")], max_bytes=9)),
        "connect": transport.connect,
    }
    assert says_hello(transport)
    line.swallow()
    clock.pass_by(60)  # long silence: connect() must ask before it believes
    with pytest.raises(UnreachableError):
        acts[act]()  # without its own limit it would end with the test's
    line.restore()
    clock.pass_by(60)
    assert says_hello(transport)
    assert line.connections == 2


@pytest.fixture
def hanging_file(tmp_path: Path) -> Iterator[PurePosixPath]:
    """A file that a server waits for when it opens it, as on a disk that hangs."""
    pipe = tmp_path / "hangs"
    os.mkfifo(pipe)
    yield PurePosixPath(pipe)
    os.close(os.open(pipe, os.O_RDWR | os.O_NONBLOCK))  # lets whoever waits go on


def test_a_file_at_which_the_file_server_hangs_does_not_cost_the_connection(
    transport: SshTransport, line: Line, hanging_file: PurePosixPath, tmp_path: Path
) -> None:
    path = PurePosixPath(tmp_path / "file")
    Path(path).write_bytes(b"xyz")
    parts = [FilePart(path, 0, 9, True), FilePart(hanging_file, 0, 9, True)]
    for _ in range(2):
        with pytest.raises(NoAnswerError, match="asked again"):
            transport.read_parts(parts)
        assert transport.read_parts(parts[:1]) == (b"xyz",)
        assert transport.exists(hanging_file)
    assert says_hello(transport)
    assert line.connections == 1


@pytest.fixture
def quick_heart(cluster: RealCluster, line: Line, tmp_path: Path) -> Iterator[SshTransport]:
    """A transport that asks a line for life after a tenth of a second without a word."""
    section = ssh_section(cluster, tmp_path, port=line.port)
    made = SshTransport(section, call_timeout_s=2.0, heartbeat_s=0.1)
    yield made
    made.close()


def test_a_line_that_dies_under_a_long_silent_command_is_noticed_long_before_its_end(
    quick_heart: SshTransport, line: Line
) -> None:
    assert says_hello(quick_heart)
    threading.Timer(0.7, line.swallow).start()
    with pytest.raises(UnreachableError, match="connection lost"):
        # Without asking, the test's own end would come first.
        quick_heart.run(["sleep", "3600"], timeout_s=3600)


def test_a_long_silent_command_over_a_line_that_lives_comes_to_its_end(
    quick_heart: SshTransport,
) -> None:
    assert says_hello(quick_heart)
    before = quick_heart.round_trips
    output = quick_heart.run(["sh", "-c", "sleep 1.5; echo done"], timeout_s=60)
    assert (output.exit_status, output.stdout) == (0, "done\n")
    assert quick_heart.round_trips > before + 2
    assert quick_heart.connects == 1


def test_much_that_is_sent_into_a_clogged_line_is_given_up_in_time(
    transport: SshTransport, line: Line, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connect_with_a_small_buffer(address: tuple[str, int], timeout: float) -> socket.socket:
        made = socket.socket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 14)
        made.settimeout(timeout)
        made.connect(address)
        return made

    with monkeypatch.context() as patch:
        patch.setattr(socket, "create_connection", connect_with_a_small_buffer)
        transport.connect()
    threading.Timer(0.7, line.clog).start()
    with pytest.raises(UnreachableError):
        transport.run(["sh", "-c", "cat >/dev/null"], timeout_s=2, stdin=bytes(20_000_000))
    line.cut()
    line.restore()
    clock.pass_by(60)
    assert says_hello(transport)


def test_a_line_that_dies_during_a_fetch_gives_no_file_twice_and_no_end(
    transport: SshTransport, line: Line, tmp_path: Path
) -> None:
    for number in range(40):
        (tmp_path / f"{number:02d}").write_bytes(os.urandom(1_000_000))
    names = [PurePosixPath(f"{number:02d}") for number in range(40)]
    files = transport.fetch(PurePosixPath(tmp_path), names, max_bytes=10**9)
    assert next(files).path == names[0]
    line.cut()
    with pytest.raises(UnreachableError):
        for _ in files:
            pass


def test_a_line_of_140_ms_costs_one_command_for_42_files(
    cluster: RealCluster, transport_over: Callable[[Line], SshTransport], tmp_path: Path
) -> None:
    names = [PurePosixPath(f"file{number}") for number in range(42)]
    for name in names:
        (tmp_path / name).write_bytes(b"x" * 10_000)
    with Line(cluster.ssh.port, round_trip_s=0.14) as slow:
        transport = transport_over(slow)
        transport.connect()
        began = time.monotonic()
        assert len(list(transport.fetch(PurePosixPath(tmp_path), names, max_bytes=10**6))) == 42
        # One command for each file could not be faster than this, on any machine.
        assert time.monotonic() - began < 42 * 0.14
        transport.close()


def test_a_restarted_server_is_found_again(
    cluster: RealCluster, line: Line, transport: SshTransport, clock: Clock
) -> None:
    assert says_hello(transport)
    cluster.ssh.stop()
    try:
        line.cut()  # a restart ends the sessions too
        with pytest.raises(UnreachableError):  # by now it is noticed
            says_hello(transport)
        clock.pass_by(60)
        with pytest.raises(UnreachableError, match="no connection"):
            transport.connect()
    finally:
        cluster.ssh.start()
    with pytest.raises(UnreachableError, match="next try in"):
        transport.connect()
    clock.pass_by(60)
    assert says_hello(transport)


def test_a_command_that_outlives_its_answer_is_ended_on_the_server(
    transport: SshTransport, tmp_path: Path
) -> None:
    pid_file = tmp_path / "pid"
    script = 'echo $$ > "$1"; exec sleep 60'
    assert says_hello(transport)  # the seconds below are the command's, not the login's
    with pytest.raises(UnreachableError, match="sh"):
        transport.run(["sh", "-c", script, "sh", str(pid_file)], timeout_s=3)
    assert says_hello(transport)
    pid = int(pid_file.read_text())
    deadline = time.monotonic() + 15
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not Path(f"/proc/{pid}").exists()


def test_a_file_that_grows_while_it_is_fetched_is_not_trusted(
    transport: SshTransport, tmp_path: Path
) -> None:
    path, stop = tmp_path / "growing", threading.Event()
    path.write_bytes(b"0" * 5_000_000)

    def grow() -> None:
        with path.open("ab", buffering=0) as file:
            while not stop.is_set():
                file.write(b"1" * 10_000)
                time.sleep(0.001)

    writer = threading.Thread(target=grow)
    writer.start()
    refusals = 0
    try:
        for _ in range(100):
            if refusals:
                break
            try:
                name = PurePosixPath("growing")
                files = list(transport.fetch(PurePosixPath(tmp_path), [name], max_bytes=10**9))
            except (RemoteFileError, UntrustedFileError):  # tar's word, or the size it promised
                refusals += 1
            else:
                assert len(files[0].content) <= path.stat().st_size
    finally:
        stop.set()
        writer.join()
    assert refusals > 0


def test_many_reconnects_leave_no_files_and_no_threads_behind(
    transport: SshTransport, line: Line, clock: Clock
) -> None:
    def round_() -> None:
        assert says_hello(transport)
        line.cut()
        transport.close()
        clock.pass_by(20)

    files, threads = open_files(), threading.active_count()
    for _ in range(20):
        round_()
    give_up = time.monotonic() + 60
    # What a connection had ends a little after it; what is left behind stays for ever.
    while open_files() > files + 4 or threading.active_count() > threads + 4:
        assert time.monotonic() < give_up, (open_files() - files, threading.active_count())
        time.sleep(0.05)
