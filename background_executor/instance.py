"""One executor process for each site: its lock, its loop, its start and its end.

The lock is the kernel's, on a file in the state folder: it is gone with the
process however that ends. The file also says which process it is, by id and
start time, so that only that one is ever signalled.
"""

import contextlib
import fcntl
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from background_executor import queries
from background_executor.config import SiteConfig, load_config
from background_executor.errors import AlreadyRunningError, ExecutorError
from background_executor.executor import Executor
from background_executor.lease import hold_file, hold_lease
from background_executor.site import Site, open_site
from background_executor.store import Store
from background_executor.turning import turn_until_asked

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.1
END_PATIENCE_S = 10.0
"""For the turn in hand of an executor that came up too late."""
START_LOG = "start.log"


class LockAct(StrEnum):
    """What a process holds the lock for."""

    RUN = "executor"
    """It is the site's executor."""
    DOCTOR = "doctor"
    """It checks the site."""
    ENROL = "enrol"
    """It asks the hosts for their keys."""
    DEPLOY = "deploy"
    """It ships server_side, or goes back to the version before."""
    IMPORT = "import"
    """It reads an old tree into the store."""
    REBUILD = "rebuild"
    """It makes the store again from what the server has."""


@dataclass(frozen=True)
class RunningProcess:
    """Which process holds the lock."""

    pid: int
    start_ticks: int
    """Clock ticks from boot to its start: a recycled id has another."""
    act: str = LockAct.RUN


def is_running(config: SiteConfig) -> bool:
    """Tell whether an executor of this site runs, whoever started it.

    A command that needs the site for itself is none: it is never asked to stop.
    """
    if not _is_held(config):
        return False
    process = _read_holder(config)
    return process is None or process.act == LockAct.RUN


def _is_held(config: SiteConfig) -> bool:
    try:
        with config.lock_file.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


@contextlib.contextmanager
def hold_lock(config: SiteConfig, act: LockAct = LockAct.RUN) -> Iterator[None]:
    """Be the one process that works for this state folder's site; ``lease`` is for the store.

    Raises
    ------
    AlreadyRunningError
        When another one does.
    StoreUnavailableError
        When the state folder cannot be written.
    """

    def refusal() -> AlreadyRunningError:
        return AlreadyRunningError(_who_works(config))

    own = RunningProcess(os.getpid(), _start_ticks(os.getpid()) or 0, act)
    with hold_file(config.lock_file, json.dumps(asdict(own)), refusal):
        yield


def holder(config: SiteConfig) -> RunningProcess | None:
    """Return the process that holds the lock, or None when none does."""
    return _read_holder(config) if _is_held(config) else None


def _read_holder(config: SiteConfig) -> RunningProcess | None:
    try:
        process = RunningProcess(**json.loads(config.lock_file.read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return process if _start_ticks(process.pid) == process.start_ticks else None


def _who_works(config: SiteConfig) -> str:
    """Say who holds the lock, and what to do about it."""
    process, site = _read_holder(config), config.site.name
    if process is None or process.act == LockAct.RUN:
        who = f"process {process.pid}" if process else "its process id is not known yet"
        return (
            f"an executor of site {site} runs already ({who}), and there is one for each site; "
            "stop it first. One that was asked to stop finishes its turn: try again when 'stop' "
            "says that it has ended"
        )
    return (
        f"'{process.act}' is at work for site {site} (process {process.pid}) and needs it for "
        "itself; try again when it has ended"
    )


def _start_ticks(pid: int) -> int | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(text.rpartition(")")[2].split()[19])


def run(config: SiteConfig) -> int:
    """Work until asked to end, and return the exit code.

    The one place of this process that turns an error which nobody expected
    into a row that the operator sees.

    Raises
    ------
    AlreadyRunningError
        When another executor of this site runs.
    """
    with hold_lock(config), hold_lease(config.store_url, config.site.name) as lease:
        asked_to_end = _end_on_signals()
        site = open_site(config)
        executor = Executor(site, datetime.now(UTC))
        try:
            log.info("The executor of site %s begins.", site.name)
            turn_until_asked(site, executor, lease, asked_to_end)
            log.info("The executor of site %s has ended.", site.name)
        except AlreadyRunningError as error:  # what is in the store is the other's word by now
            log.warning("The executor ends: %s", error)
            raise
        except Exception as error:
            log.exception("The executor ends, because something failed that never should.")
            with contextlib.suppress(Exception):  # the store itself may be what failed
                _record_crash(site, executor, error)
            return 1
        finally:
            site.transport.close()
            site.store.close()
    return 0


def _record_crash(site: Site, executor: Executor, error: Exception) -> None:
    message = f"crashed: {type(error).__name__}: {error}"
    executor.end(datetime.now(UTC), message)
    with site.store.writing() as writer:
        subject = f"executor {site.name}"
        writer.add_event(site.name, "executor", subject, "executor crashed", reason=message)


def _end_on_signals() -> threading.Event:
    """Let SIGTERM and SIGINT end the loop after the turn in hand."""
    asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: asked.set())
    return asked


def start_detached(config_path: Path, timeout_s: float = 60.0) -> int:
    """Start the executor so that it outlives page, browser and terminal.

    Returns
    -------
    Its process id, once its first sign of life is in the store.

    Raises
    ------
    AlreadyRunningError
        When one runs already.
    ExecutorError
        When it did not come up; the message is what it said.
    """
    config = load_config(config_path)
    if is_running(config):
        raise AlreadyRunningError(_who_works(config))
    argv = [sys.executable, "-m", "background_executor", "run", "--detach"]
    argv += ["--settings", str(config_path.resolve()), "--timeout-s", f"{timeout_s:g}"]
    try:
        # A process in between, so that the executor is nobody's child when it ends.
        started = subprocess.run(
            argv, capture_output=True, text=True, timeout=timeout_s + 30, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ExecutorError(f"the executor did not start within {timeout_s:g} s") from error
    if started.returncode != 0:
        raise ExecutorError(started.stderr.strip() or "the executor did not start")
    return int(started.stdout.split()[-1])


def spawn(config_path: Path, timeout_s: float) -> int:
    """Start the executor in a session of its own and wait for its first sign of life.

    The caller is to end soon: the process is left to itself.

    Raises
    ------
    ExecutorError
        When it did not come up; the message is what it said.
    """
    config = load_config(config_path)
    # What the store says against it is said before anything is started.
    with contextlib.closing(config.open_store()) as store:
        config.log_folder.mkdir(parents=True, exist_ok=True)
        log_file = config.log_folder / START_LOG
        asked_at = datetime.now(UTC)
        process = _start_process(config_path, log_file)
        give_up = time.monotonic() + timeout_s
        while not _has_beaten(store, config.site.name, process.pid, asked_at):
            if process.poll() is not None or time.monotonic() > give_up:
                _end_process(process)
                said = log_file.read_text(errors="replace").strip()[-2000:]
                raise ExecutorError(said or f"the executor gave no sign of life; see {log_file}")
            time.sleep(LOOK_EVERY_S)
    return process.pid


def _start_process(config_path: Path, log_file: Path) -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-m", "background_executor", "run", "--settings", str(config_path)]
    with log_file.open("wb") as output:
        return subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _end_process(process: subprocess.Popen[bytes]) -> None:
    """End a process of which nobody would know that it runs."""
    process.terminate()
    try:
        process.wait(timeout=END_PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _has_beaten(store: Store, site: str, pid: int, since: datetime) -> bool:
    record = queries.executor(store, site)
    return record is not None and record.pid == pid and record.beat_at >= since


def stop(config: SiteConfig, timeout_s: float = 30.0) -> bool:
    """Ask the executor of this site to end and wait until it has; False when none runs.

    Raises
    ------
    ExecutorError
        When it does not end in time, or the lock file does not say which process it is.
    """
    give_up = time.monotonic() + timeout_s
    asked: RunningProcess | None = None
    while is_running(config):
        process = holder(config)
        if process is not None and process != asked:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGTERM)
            asked = process
        if time.monotonic() > give_up:
            who = f"process {asked.pid} was asked to end and" if asked else "an unknown process"
            raise ExecutorError(
                f"{who} still holds {config.lock_file} after {timeout_s:g} s: it finishes the "
                "turn in hand; look again, or read its log"
            )
        time.sleep(LOOK_EVERY_S)
    return asked is not None
