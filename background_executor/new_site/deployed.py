"""Which server_side the jobs of a site would run, and whether it is the one that stands here.

The interpreter that the site's settings name is asked itself, so that the
answer holds for every way of installing.
"""

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

import server_side
from background_executor.config import SiteSection
from background_executor.errors import RemoteFileError
from background_executor.records import ENDED_JOB_STATES, JobRecord
from background_executor.scheduler.script import run_in_job_environment
from background_executor.transport import Transport
from server_side import __version__

SOFTWARE_FOLDER = "software"
CURRENT = "current"
"""Link to the version that new jobs are to run."""
DIGEST_LENGTH = 12

# A job begins in its scan's folder: what lies where this runs is not what it would find.
_PROBE = """
import sys
sys.path = [folder for folder in sys.path if folder]
import hashlib, importlib.util, pathlib
if sys.version_info < (3, 11):
    sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0])
import server_side
root, whole = pathlib.Path(server_side.__file__).parent, hashlib.sha256()
for path in sorted(root.rglob("*"), key=lambda path: path.relative_to(root).as_posix()):
    if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".md":
        whole.update(path.relative_to(root).as_posix().encode() + bytes(1))
        whole.update(hashlib.sha256(path.read_bytes()).digest())
needed = "awkward matplotlib numba numpy pydantic scipy uproot zfit".split()
missing = [name for name in needed if importlib.util.find_spec(name) is None]
print("pmt", server_side.__version__, whole.hexdigest(), ",".join(missing) or "-")
"""
_ANSWER = re.compile(r"^pmt (\S+) ([0-9a-f]{64}) (\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class PackageVersion:
    """A version of server_side: its number, and what its files hold."""

    number: str
    digest: str
    missing: tuple[str, ...] = ()
    """Packages that it needs and does not find."""

    @property
    def name(self) -> str:
        """Name of its folder on the server, ``0.1.0-0123456789ab``."""
        return f"{self.number}-{self.digest[:DIGEST_LENGTH]}"


def package_files(root: Path | None = None) -> tuple[Path, ...]:
    """Return the files of server_side that are shipped, sorted by name."""
    folder = root or Path(server_side.__file__).parent
    return tuple(
        sorted(
            (
                path
                for path in folder.rglob("*")
                if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".md"
            ),
            key=lambda path: path.relative_to(folder).as_posix(),
        )
    )


def version_here(root: Path | None = None) -> PackageVersion:
    """Return the version of server_side beside this executor."""
    folder = root or Path(server_side.__file__).parent
    whole = hashlib.sha256()
    for path in package_files(folder):
        whole.update(path.relative_to(folder).as_posix().encode() + b"\0")
        whole.update(hashlib.sha256(path.read_bytes()).digest())
    return PackageVersion(__version__, whole.hexdigest())


@cache
def version_loaded() -> PackageVersion:
    """Return the version that this process works with, whatever replaces its files meanwhile."""
    return version_here()


def other_version(job: JobRecord) -> str:
    """Say that a job runs another server_side than this program belongs to; empty when not."""
    ours = version_loaded()
    if job.software in (None, ours.number, ours.name) or job.state in ENDED_JOB_STATES:
        return ""
    return f"runs server_side {job.software}, not {ours.name} as this executor would have it"


def interpreter_now(site: SiteSection, transport: Transport) -> str:
    """Return the site's interpreter by its version's own folder, where settings name the link.

    A job that waits while another version is deployed then starts with the one it was made with.
    """
    current = _current(site)
    if not PurePosixPath(site.python).is_relative_to(current):
        return site.python
    output = transport.run(["readlink", "--", str(current)], timeout_s=site.call_timeout_s)
    version = output.stdout.strip()
    if output.exit_status != 0 or not version:
        return site.python  # what is wrong with it is said where its version is asked for
    return interpreter_of(site, version)


def interpreter_of(site: SiteSection, version: str) -> str:
    """Return the site's interpreter in a version's own folder, where settings name the link."""
    current, python = _current(site), PurePosixPath(site.python)
    if not python.is_relative_to(current):
        return site.python
    return str(current.parent / version / python.relative_to(current))


def _current(site: SiteSection) -> PurePosixPath:
    return site.base_folder / SOFTWARE_FOLDER / CURRENT


def version_there(site: SiteSection, transport: Transport) -> PackageVersion:
    """Ask the site's interpreter, in the environment of its jobs, which server_side they would run.

    Raises
    ------
    RemoteFileError
        When there is no such interpreter, or it finds no server_side.
    UnreachableError
        When the server does not answer.
    """
    argv = [site.python, "-c", _PROBE]
    output = run_in_job_environment(transport, site, argv, timeout_s=site.call_timeout_s)
    answer = _ANSWER.search(output.stdout)
    if output.exit_status != 0 or answer is None:
        said = (output.stderr.strip().splitlines() or ["it said nothing"])[-1][:300]
        raise RemoteFileError(
            f"no server_side for {site.python!r} on the server: {said}; run "
            "'python -m background_executor deploy' and let site.python name what it prints; an "
            "interpreter made from a module needs its line in site.submit.module_lines"
        )
    missing = () if answer[3] == "-" else tuple(answer[3].split(","))
    return PackageVersion(answer[1], answer[2], missing)


def version_mismatch(site: SiteSection, transport: Transport) -> str:
    """Say how the deployed server_side differs from the one here; empty when it does not.

    Raises
    ------
    RemoteFileError
        When there is none at all.
    UnreachableError
        When the server does not answer.
    """
    here, there = version_here(), version_there(site, transport)
    if there.missing:
        return (
            f"server_side on the server lacks {', '.join(there.missing)}; run "
            "'python -m background_executor deploy'"
        )
    if here.digest == there.digest:
        return ""
    return (
        f"the server would run server_side {there.name}, this executor belongs to {here.name}: "
        "run 'python -m background_executor deploy' to ship this one, or start the executor of "
        "that version"
    )
