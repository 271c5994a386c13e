"""``~/.ssh/config`` with the files that it includes, which the SSH library passes over."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import paramiko

from background_executor.errors import SettingsError

USER_CONFIG = Path("~/.ssh/config")
MAX_DEPTH = 16
"""As deep as OpenSSH follows."""

_KEYWORD = re.compile(r"\s*(\w+)(?:\s*=\s*|\s+)(.*)")
_EVERY_HOST = "Host *"


def read_user_config(path: Path | None) -> paramiko.SSHConfig:
    """Read a configuration file, or the user's own, which may be missing.

    Raises
    ------
    SettingsError
        When it cannot be read.
    """
    chosen = (path or USER_CONFIG).expanduser()
    if path is None and not chosen.exists():
        return paramiko.SSHConfig()
    try:
        return paramiko.SSHConfig.from_text("\n".join(_lines(chosen, MAX_DEPTH)))
    except (OSError, ValueError, paramiko.SSHException) as error:
        raise SettingsError(
            f"cannot use the SSH configuration {chosen}: {error}; mend it, or name another one "
            "in site.ssh.config_file"
        ) from error


def _lines(path: Path, depth: int) -> Iterator[str]:
    """Yield the lines of a file; in the place of an ``Include`` those of the files it names."""
    if depth == 0:
        raise ValueError(f"{path} is included {MAX_DEPTH} files deep")
    block = _EVERY_HOST
    for line in path.read_text().splitlines():
        found = _KEYWORD.fullmatch(line)
        keyword, value = (found[1].lower(), found[2]) if found else ("", "")
        if keyword in ("host", "match"):
            block = line
        if keyword != "include":
            yield line
            continue
        for included in _included(value):
            yield from _lines(included, depth - 1)
        yield block  # what follows belongs where it stood, not to the last host of the other file


def _included(patterns: str) -> Iterator[Path]:
    """Yield the files that ``Include`` names, from the folder of the user's configuration."""
    home = USER_CONFIG.expanduser().parent
    for pattern in shlex.split(patterns):
        path = home / Path(pattern).expanduser()
        folder = Path(path.anchor)
        yield from sorted(folder.glob(str(path.relative_to(folder))))
