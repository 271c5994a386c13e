"""Ship server_side to the cluster: a folder for each version, and one link that says which.

Below the site's base folder::

    software/0.1.0-<digest>/            one version, never changed once it is whole
        server_side/                    the code
        venv/bin/python                 what site.python should name, by way of the link
        DEPLOYED                        written last: without it the folder is not whole
    software/current -> 0.1.0-<digest>
    software/previous -> ...            for rollback

The links are replaced by rename. A job's script names the folder of its version, not
the link: a job that waits or runs meanwhile keeps its version.
"""

import io
import shlex
import tarfile
from collections.abc import Sequence
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
from background_executor.transport import Transport

PREVIOUS = "previous"
WHOLE_MARK = "DEPLOYED"
INSTALL_TIMEOUT_S = 3600.0

_INSTALL = """
set -eu
folder=$1 archive=$2 python=$3 packages=$4
if [ -e "$folder" ]; then mv -T -- "$folder" "$folder.unfinished-$(date +%s)-$$"; fi
mkdir -p -- "$folder"
tar --extract --file="$archive" --directory="$folder"
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
sync
: >"$folder/DEPLOYED"
rm -f -- "$archive"
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
) -> Deployment:
    """Put this executor's server_side on the server and make it the current one.

    Parameters
    ----------
    base_python
        Interpreter there (3.11 or newer) that the virtual environment is made with, after the
        site's module and activation lines.
    packages_of
        Interpreter there whose installed packages are used; without one, pip installs them.

    Raises
    ------
    RemoteFileError
        When a step failed there; the message is what it said. What was current stays current.
    """
    software = software_folder(site)
    name = version_here().name
    folder = software / name
    was_there = transport.exists(folder / WHOLE_MARK)
    if not was_there:
        archive = software / f"{name}.tar"
        transport.write(archive, pack())
        install = [str(folder), str(archive), base_python, packages_of]
        _run_script(site, transport, _INSTALL, install, "install server_side")
    _run_script(site, transport, _SWITCH, [str(software), name], "make it the current version")
    return Deployment(name, software / CURRENT / "venv" / "bin" / "python", was_there)


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
    prepare = "\n".join((*site.submit.module_lines, *site.submit.activate_lines))
    argv = ["bash", "-lc", f"{prepare}\n{script}", "deploy", *arguments]
    output = transport.run(argv, timeout_s=INSTALL_TIMEOUT_S)
    if output.exit_status != 0:
        said = (output.stderr.strip() or output.stdout.strip())[-1000:] or "it said nothing"
        shown = shlex.join(arguments)
        raise RemoteFileError(f"the server could not {what} ({shown}): {said}")
    return output.stdout.strip()
