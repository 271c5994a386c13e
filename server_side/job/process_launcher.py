"""Run jobs as detached processes of this machine, and answer for them.

What a batch system does, for a machine that has none: the executor runs this
module as a command and reads its text. Standard library alone.

Each job has a *keeper*, a small process that outlives the command that made
it. The keeper holds ``<job>.lock`` for its life, so that one job is never made
twice, writes ``<job>.json`` (process id with its start time, so that a
recycled id is never taken for the job), and last ``<job>.end``.
"""

import argparse
import contextlib
import fcntl
import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

POLL_S = 0.05
KEEPER_ANSWER_LIMIT = 4096


@dataclass(frozen=True)
class ProcessRecord:
    """Content of ``<job>.json``: which process the job is."""

    pid: int
    """Also the id of its process group and session."""
    start_ticks: int
    """Field 22 of ``/proc/<pid>/stat``: clock ticks since boot."""
    boot_id: str
    began_s: float
    """Seconds since the epoch."""

    @property
    def job_id(self) -> str:
        """Id of the process that no other one of this boot ever has."""
        return f"{self.pid}-{self.start_ticks}"


@dataclass(frozen=True)
class JobFiles:
    """Names of a job's files in the folder of all jobs."""

    folder: Path
    job: str

    @property
    def lock(self) -> Path:
        """Locked as long as the keeper lives."""
        return self.folder / f"{self.job}.lock"

    @property
    def record(self) -> Path:
        """Which process it is."""
        return self.folder / f"{self.job}.json"

    @property
    def cancelled(self) -> Path:
        """Present once somebody asked for its end."""
        return self.folder / f"{self.job}.cancelled"

    @property
    def end(self) -> Path:
        """How it ended: an exit status, or minus the signal."""
        return self.folder / f"{self.job}.end"


def start_ticks(pid: int) -> int | None:
    """Return when a process started, or None when it does not run (a zombie does not)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


def boot_id() -> str:
    """Return the id of this boot: start times of another one mean nothing."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def read_record(files: JobFiles) -> ProcessRecord | None:
    """Return which process a job is, or None when it never started."""
    try:
        return ProcessRecord(**json.loads(files.record.read_text()))
    except FileNotFoundError:
        return None


def is_alive(record: ProcessRecord) -> bool:
    """Tell whether exactly this process still runs."""
    return record.boot_id == boot_id() and start_ticks(record.pid) == record.start_ticks


@contextlib.contextmanager
def keeper_lock(files: JobFiles) -> Iterator[bool]:
    """Hold the job's lock; gives False when another keeper has it."""
    descriptor = os.open(files.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


def submit(files: JobFiles, script: Path, log_file: Path, work_folder: Path) -> str:
    """Make a job unless it was made before, and return its id either way.

    Raises
    ------
    RuntimeError
        When the keeper could not start it; the message is the keeper's.
    """
    files.folder.mkdir(parents=True, exist_ok=True)
    read_end, write_end = os.pipe()
    middle = os.fork()
    if middle == 0:
        os.close(read_end)
        _become_keeper(files, script, log_file, work_folder, write_end)
    os.close(write_end)
    with open(read_end, "rb") as pipe:  # noqa: PTH123 - a descriptor, not a path
        answer = pipe.read(KEEPER_ANSWER_LIMIT).decode(errors="replace")
    os.waitpid(middle, 0)
    if not answer.startswith("id "):
        raise RuntimeError(answer or "the keeper of the job died before it said anything")
    return answer.removeprefix("id ")


def _become_keeper(
    files: JobFiles, script: Path, log_file: Path, work_folder: Path, answer: int
) -> None:
    """Leave the caller's session for good, then keep the job to its end."""
    os.setsid()
    if os.fork() > 0:
        os._exit(0)
    status = 1
    try:
        _leave_callers_files()
        _keep(files, script, log_file, work_folder, answer)
        status = 0
    except OSError as error:
        with contextlib.suppress(OSError):
            os.write(answer, f"cannot start the job {files.job}: {error}".encode())
    finally:
        os._exit(status)


def _leave_callers_files() -> None:
    """Let go of the caller's input and output, so that it does not wait for us."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)


def _keep(files: JobFiles, script: Path, log_file: Path, work_folder: Path, answer: int) -> None:
    with keeper_lock(files) as is_ours:
        before = _wait_for_record(files) if not is_ours else read_record(files)
        if before is not None:
            os.write(answer, f"id {before.job_id}".encode())
            return
        if not is_ours:
            os.write(answer, b"another keeper of this job does not say its id")
            return
        gate_read, gate_write = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(gate_write)
            _become_job(script, log_file, work_folder, gate_read)
        os.close(gate_read)
        record = ProcessRecord(pid, start_ticks(pid) or 0, boot_id(), time.time())
        _write_aside(files.record, json.dumps(asdict(record)))
        os.write(gate_write, b"go")
        os.close(gate_write)
        with contextlib.suppress(BrokenPipeError):  # nobody listens: the job goes on all the same
            os.write(answer, f"id {record.job_id}".encode())
        os.close(answer)
        _write_aside(files.end, str(_wait_for_end(pid)))


def _wait_for_record(files: JobFiles, patience_s: float = 5.0) -> ProcessRecord | None:
    """Wait for what the keeper that has the lock is about to write."""
    give_up = time.monotonic() + patience_s
    while (record := read_record(files)) is None and time.monotonic() < give_up:
        time.sleep(POLL_S)
    return record


def _become_job(script: Path, log_file: Path, work_folder: Path, gate: int) -> None:
    """Wait until the record is written, then become the script; end when the keeper died."""
    try:
        os.setsid()
        if os.read(gate, 2) != b"go":
            os._exit(1)
        log = os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.chdir(work_folder)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python had it ignored
        os.execv("/bin/sh", ["/bin/sh", str(script)])  # noqa: S606 - a file, no text
    finally:
        os._exit(126)


def _wait_for_end(pid: int) -> int:
    """Wait for the job, then end what it left in its group while the id is still taken."""
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _write_aside(path: Path, text: str) -> None:
    """Write a small file whole or not at all."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    with aside.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)


def describe(files: JobFiles) -> str | None:
    """Return what is known of a job as one line, or None when it was never made.

    ``<job>|<id>|<word>|<message>|<run time in s>`` with the words ``running``,
    ``exited``, ``cancelled`` and ``vanished``.
    """
    record = read_record(files)
    if record is None:
        return None
    ran_s = max(0.0, time.time() - record.began_s)
    word, message = _word(files, record)
    return f"{files.job}|{record.job_id}|{word}|{message}|{ran_s:.0f}"


def _word(files: JobFiles, record: ProcessRecord) -> tuple[str, str]:
    with keeper_lock(files) as is_free:
        if is_alive(record) or not is_free:
            return "running", ""
    if files.cancelled.exists():
        return "cancelled", ""
    try:
        return "exited", files.end.read_text()
    except FileNotFoundError:
        return "vanished", "the process is gone and its keeper left no exit status"


def cancel(files: JobFiles, job_id: str, grace_s: float) -> str:
    """Ask exactly this job to end, and see to it that it does; returns what was found.

    The signal goes to the process group of the recorded process, and only
    when job, id and start time agree. A detached process looks until it is
    gone and kills it after the grace.
    """
    record = read_record(files)
    if record is None or record.job_id != job_id:
        return f"no job {files.job} with id {job_id} here; nothing was done"
    if not is_alive(record):
        return f"job {files.job} has ended already"
    files.cancelled.touch()
    os.killpg(record.pid, signal.SIGTERM)
    if os.fork() == 0:
        try:
            os.setsid()
            _leave_callers_files()
            _kill_after(record, grace_s)
        finally:
            os._exit(0)
    return f"job {files.job} was asked to end"


def _kill_after(record: ProcessRecord, grace_s: float) -> None:
    give_up = time.monotonic() + grace_s
    while is_alive(record):
        if time.monotonic() > give_up:
            os.killpg(record.pid, signal.SIGKILL)
            return
        time.sleep(POLL_S)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    acts = parser.add_subparsers(dest="act", required=True)
    for name, what in (
        ("submit", "make a job and print its id"),
        ("queue", "print a line for each known job"),
        ("cancel", "end exactly one job"),
    ):
        act = acts.add_parser(name, help=what, description=what)
        act.add_argument("--folder", type=Path, required=True, help="where job records lie")
        act.add_argument("jobs", nargs="*" if name == "queue" else 1, help="uuid of the job")
        if name == "submit":
            act.add_argument("--script", type=Path, required=True)
            act.add_argument("--log", type=Path, required=True)
            act.add_argument("--work-folder", type=Path, required=True)
        if name == "cancel":
            act.add_argument("--id", required=True, help="as submit printed it")
            act.add_argument("--grace-s", type=float, default=10.0)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Do one act and print its answer."""
    given = _parser().parse_args(arguments)
    found = [JobFiles(given.folder, job) for job in given.jobs]
    if given.act == "submit":
        try:
            print(submit(found[0], given.script, given.log, given.work_folder))
        except (OSError, RuntimeError) as error:
            print(error, file=sys.stderr)
            return 1
    elif given.act == "cancel":
        print(cancel(found[0], given.id, given.grace_s))
    else:
        for line in filter(None, (describe(files) for files in found)):
            print(line)
        print("end")
    return 0


if __name__ == "__main__":
    sys.exit(main())
