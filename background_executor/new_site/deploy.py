"""Ship server_side to the cluster: a folder for each version, and one link that says which.

Below the site's base folder::

    software/builds/0.1.0-<digest>-<own>/   what one deployment made, in a folder of its own
        server_side/                        the code
        venv/bin/python                     what site.python should name, by way of the links
        DEPLOYED                            written last: without it the folder is not whole
    software/0.1.0-<digest> -> builds/...   a version, named when its folder is whole
    software/current -> 0.1.0-<digest>
    software/previous -> ...                for rollback

What works on the server outlives a cut connection. Two deployments of one version therefore
share no folder; the one that is whole first gives the version, and the other is removed. The
links are made whole or replaced by rename. A job's script names its version, not ``current``:
a job that waits or runs meanwhile keeps its version.
"""

import io
import logging
import shlex
import tarfile
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import server_side
from background_executor.config import SiteSection
from background_executor.errors import RemoteFileError
from background_executor.new_site.deployed import (
    CURRENT,
    SOFTWARE_FOLDER,
    package_files,
    version_here,
)
from background_executor.scheduler.script import run_in_job_environment
from background_executor.transport import Transport

log = logging.getLogger(__name__)

PREVIOUS = "previous"
WHOLE_MARK = "DEPLOYED"
BUILDS_FOLDER = "builds"
INSTALL_TIMEOUT_S = 3600.0

_ARCHIVE = "server_side.tar"
_INSTALL = f"""
set -eu
software=$1 build=builds/$2 version=$3 python=$4 packages=$5
cd -- "$software"
folder=$PWD/$build
trap '[ "$version" -ef "$build" ] || rm -rf -- "$folder"' EXIT
tar --extract --file="$build/{_ARCHIVE}" --directory="$build"
rm -f -- "$build/{_ARCHIVE}"
if [ -n "$packages" ]; then
    "$python" -m venv --without-pip "$folder/venv"
else
    "$python" -m venv "$folder/venv"
fi
site=$("$folder/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
printf '%s\\n' "$folder" >"$site/server_side.pth"
if [ -n "$packages" ]; then
    "$packages" -c 'import os, sys
for path in sys.path:
    if path.endswith("-packages"):
        print(os.path.realpath(path))' >"$site/packages.pth"
else
    "$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \\
        --requirement "$folder/server_side/requirements.txt"
fi
"$folder/venv/bin/python" -c 'import server_side.cli'
sync -f -- "$folder" 2>/dev/null || sync  # an old one knows no -f
: >"$folder/{WHOLE_MARK}"
if [ -e "$version" ] && [ ! -e "$version/{WHOLE_MARK}" ]; then
    mv -T -- "$version" "$version.unfinished-$(date +%s)-$$"
fi
if [ -L "$version" ] && [ ! -e "$version" ]; then
    rm -f -- "$version"  # the folder that it named was removed by hand
fi
ln -sT -- "$build" "$version" || [ -e "$version/{WHOLE_MARK}" ]
"""

_LEFT_OVER = """
cd -- "$1" 2>/dev/null || exit 0
for build in builds/* *.unfinished-*; do
    [ -d "$build" ] || continue
    for version in *; do
        [ -L "$version" ] && [ "$version" -ef "$build" ] && continue 2
    done
    printf '%s\n' "$build"
done
"""

_SWITCH = """
set -eu
cd -- "$1"
[ -e "$2/DEPLOYED" ]
before=$(readlink current || true)
if [ -n "$before" ] && [ "$before" != "$2" ]; then
    ln -s -- "$before" "previous.$$" && mv -T -- "previous.$$" previous
fi
ln -s -- "$2" "current.$$" && mv -T -- "current.$$" current
"""

_NONE_BEFORE = "none"
_ROLL_BACK = """
set -eu
[ -d "$1" ] || { echo none; exit; }
cd -- "$1"
before=$(readlink previous || true) now=$(readlink current || true)
[ -n "$now" ] && [ -n "$before" ] && [ -e "$before/DEPLOYED" ] || { echo none; exit; }
ln -s -- "$before" "current.$$" && mv -T -- "current.$$" current
ln -s -- "$now" "previous.$$" && mv -T -- "previous.$$" previous
printf '%s\\n' "$before"
"""


@dataclass(frozen=True)
class Deployment:
    """What ``deploy`` left on the server."""

    name: str
    """Version and digest, the name of its folder."""
    python: PurePosixPath
    """What ``site.python`` should be."""
    was_there: bool
    """The version had been deployed before; only the link was set."""


def deploy(
    site: SiteSection,
    transport: Transport,
    *,
    base_python: str = "python3",
    packages_of: str = "",
    tell: Callable[[str], object] = log.info,
) -> Deployment:
    """Put this executor's server_side on the server and make it the current one.

    Parameters
    ----------
    base_python
        Interpreter there (3.11 or newer) that the virtual environment is made with, after the
        site's module and activation lines.
    packages_of
        Interpreter there whose installed packages are used; without one, pip installs them.
    tell
        Gets what a person who waits should know.

    Raises
    ------
    RemoteFileError
        When a step failed there; the message is what it said. What was current stays current.
    """
    software = software_folder(site)
    name = version_here().name
    was_there = transport.exists(software / name / WHOLE_MARK)
    for left in _left_over(site, transport):
        tell(
            f"{software / left} was left by a deployment that was cut off, or is that of one "
            "that still works: remove it when none does"
        )
    if not was_there:
        takes = "a minute" if packages_of else "ten minutes: pip loads 2.8 GB"
        tell(f"installs server_side {name} in {software}; this takes about {takes}")
        _install(site, transport, name, [base_python, packages_of])
    _run_script(site, transport, _SWITCH, [str(software), name], "make it the current version")
    return Deployment(name, software / CURRENT / "venv" / "bin" / "python", was_there)


def _install(site: SiteSection, transport: Transport, name: str, made_with: Sequence[str]) -> None:
    """Build a version in a folder of its own, and name it when it is whole."""
    software, build = software_folder(site), f"{name}-{uuid.uuid4().hex[:8]}"
    transport.write(software / BUILDS_FOLDER / build / _ARCHIVE, pack())
    arguments = [str(software), build, name, *made_with]
    _run_script(site, transport, _INSTALL, arguments, "install server_side")


def _left_over(site: SiteSection, transport: Transport) -> list[str]:
    """Return the folders below ``software`` that deployments worked in and no version names."""
    argv = ["sh", "-c", _LEFT_OVER, "sh", str(software_folder(site))]
    output = transport.run(argv, timeout_s=site.call_timeout_s)
    return output.stdout.splitlines()


def roll_back(site: SiteSection, transport: Transport) -> str:
    """Make the version before the current one again; return its name.

    Raises
    ------
    RemoteFileError
        When there is none.
    """
    arguments = [str(software_folder(site))]
    said = _run_script(site, transport, _ROLL_BACK, arguments, "go back to the version before")
    name = said.splitlines()[-1]
    if name == _NONE_BEFORE:
        raise RemoteFileError(
            f"there is no version before the current one in {arguments[0]} on the server; "
            "nothing was changed. 'python -m background_executor deploy' ships the one that "
            "stands here"
        )
    return name


def software_folder(site: SiteSection) -> PurePosixPath:
    """Return the folder that holds the versions."""
    return site.base_folder / SOFTWARE_FOLDER


def pack() -> bytes:
    """Return server_side as a tar archive; the same files give the same bytes."""
    root = Path(server_side.__file__).parent
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in package_files(root):
            member = tarfile.TarInfo(f"server_side/{path.relative_to(root).as_posix()}")
            content = path.read_bytes()
            member.size, member.mode = len(content), 0o644
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def _run_script(
    site: SiteSection, transport: Transport, script: str, arguments: Sequence[str], what: str
) -> str:
    """Run a script of ours in the site's environment; its arguments arrive as they are."""
    argv = ["bash", "-c", script, "deploy", *arguments]
    output = run_in_job_environment(transport, site, argv, timeout_s=INSTALL_TIMEOUT_S)
    if output.exit_status != 0:
        said = (output.stderr.strip() or output.stdout.strip())[-1000:] or "it said nothing"
        shown = shlex.join(arguments)
        raise RemoteFileError(f"the server could not {what} ({shown}): {said}")
    return output.stdout.strip()
