"""An executor that waits for its server is not called gone; one that is gone is not waited for."""

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path, PurePosixPath

import pytest

from background_executor import queries
from background_executor.config import SshSection
from background_executor.executor import Executor
from background_executor.instance import LockAct, hold_lock
from background_executor.records import ExecutorRecord
from background_executor.silence import SILENT_AFTER, allowed_silence, is_silent
from background_executor.ssh import SshTransport
from background_executor.transport import (
    CommandOutput,
    FetchedFile,
    FilePart,
    LocalTransport,
    RemoteEntry,
)
from tests.background_executor.bench import HANGS, Bench

CALL_S = 60.0
"""What a call may take by the settings' default."""


def heard(bench: Bench) -> ExecutorRecord:
    record = queries.executor(bench.store, "here")
    assert record is not None
    return record


@pytest.fixture
def silent_port() -> Iterator[socket.socket]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def test_a_server_that_never_answers_is_waited_for_with_a_sign_of_life(
    settings_file: Path, tmp_path: Path, silent_port: socket.socket
) -> None:
    config_file = tmp_path / "ssh_config"
    config_file.write_text("")
    section = SshSection(
        host="127.0.0.1",
        port=silent_port.getsockname()[1],
        user="nobody",
        known_hosts=tmp_path / "known_hosts",
        config_file=config_file,
    )
    transport = SshTransport(section, call_timeout_s=CALL_S)
    with closing(Bench(settings_file, transport=transport)) as bench, hold_lock(bench.config):
        turn = threading.Thread(target=bench.step)
        turn.start()
        connection, _ = silent_port.accept()
        with connection:
            waiting = heard(bench)
            assert turn.is_alive()
            assert (waiting.state, waiting.link) == ("running", "disconnected")
            assert "no answer yet" in waiting.link_message
            tried_until = waiting.beat_at + timedelta(seconds=section.connect_timeout_s)
            assert not is_silent(waiting, allowed_silence(bench.config, waiting), tried_until)
        turn.join()
        assert "no answer yet" not in heard(bench).link_message


class SlowTransport(LocalTransport):
    """Takes long for each answer, by a clock of its own, and looks how its owner seems then."""

    def __init__(self, answers_after_s: float) -> None:
        self.answers_after_s = answers_after_s
        self.passed_s = 0.0
        self.looks: list[bool] = []
        self.looks_silent: Callable[[], bool] = bool

    def _take_long(self) -> None:
        self.passed_s += self.answers_after_s
        self.looks.append(self.looks_silent())

    def run(
        self, argv: Sequence[str], *, timeout_s: float, stdin: bytes | None = None
    ) -> CommandOutput:
        self._take_long()
        return super().run(argv, timeout_s=timeout_s, stdin=stdin)

    def write(self, path: PurePosixPath, content: bytes) -> None:
        self._take_long()
        super().write(path, content)

    def read_parts(self, parts: Sequence[FilePart]) -> tuple[bytes | None, ...]:
        self._take_long()
        return super().read_parts(parts)

    def list_tree(self, folder: PurePosixPath, *, depth: int) -> tuple[RemoteEntry, ...]:
        self._take_long()
        return super().list_tree(folder, depth=depth)

    def fetch(
        self, folder: PurePosixPath, names: Sequence[PurePosixPath], *, max_bytes: int
    ) -> Iterator[FetchedFile]:
        for file in super().fetch(folder, names, max_bytes=max_bytes):
            self._take_long()
            yield file


@pytest.mark.parametrize(("answers_after_s", "is_ever_silent"), [(30.0, False), (90.0, True)])
def test_an_executor_with_slow_answers_is_never_called_silent_and_a_hung_one_is(
    settings_file: Path, answers_after_s: float, is_ever_silent: bool
) -> None:
    transport = SlowTransport(answers_after_s)
    with closing(Bench(settings_file, transport=transport)) as bench, hold_lock(bench.config):
        bench.executor = Executor(bench.site, bench.now, clock=lambda: transport.passed_s)
        bench.behave(HANGS)
        turn_began_s = 0.0

        def looks_silent() -> bool:
            said = heard(bench)
            moment = bench.now + timedelta(seconds=transport.passed_s - turn_began_s)
            return is_silent(said, allowed_silence(bench.config, said), moment)

        transport.looks_silent = looks_silent
        scan = bench.start_scan()  # at least three files are written and two questions asked
        assert len(transport.looks) >= 5
        while "stored" not in bench.states(scan):
            bench.step_clock(transport.passed_s - turn_began_s)
            turn_began_s = transport.passed_s
            bench.step()
        assert any(transport.looks) is is_ever_silent


def test_how_long_an_executor_may_be_silent_is_what_a_call_may_take(bench: Bench) -> None:
    bench.step()
    said = heard(bench)
    with hold_lock(bench.config):
        there = allowed_silence(bench.config, said)
    assert (there.allowed, there.is_locked) == (SILENT_AFTER + timedelta(seconds=CALL_S), True)
    far = allowed_silence(bench.config, replace(said, host="another-machine"))
    assert (far.allowed, far.is_locked) == (there.allowed, False)


def test_an_executor_whose_lock_is_free_is_gone_at_once(bench: Bench) -> None:
    bench.step()
    gone = allowed_silence(bench.config, heard(bench))
    assert (gone.allowed, gone.is_locked) == (SILENT_AFTER, False)
    with hold_lock(bench.config, LockAct.DOCTOR):  # another's work is no executor
        assert allowed_silence(bench.config, heard(bench)) == gone


@pytest.mark.parametrize(("connect_s", "longest_s"), [(10.0, CALL_S), (20.0, 80.0)])
def test_a_slow_login_may_take_as_long_as_settings_say(
    bench: Bench, tmp_path: Path, connect_s: float, longest_s: float
) -> None:
    bench.step()
    ssh = SshSection(
        host="cluster", known_hosts=tmp_path / "known_hosts", connect_timeout_s=connect_s
    )
    site = bench.config.site.model_copy(update={"ssh": ssh})
    config = bench.config.model_copy(update={"site": site})
    with hold_lock(config):
        silence = allowed_silence(config, heard(bench))
    assert silence.allowed == SILENT_AFTER + timedelta(seconds=longest_s)
