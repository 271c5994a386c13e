"""How the inner loops are compiled, and where the machine code is kept.

numba keeps compiled code beside the source and asks only whether that one file
changed: after a change in another file, say of a constant, it would go on using
the old code. So each state of a folder's sources has a cache of its own here.
Where none can be written (a read-only installation under an account without a
home) the code is compiled anew by each process.
"""

import functools
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

import numba

_P = ParamSpec("_P")
_R = TypeVar("_R")


def compiled(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Return ``function`` as machine code that releases the GIL, from the cache where one works.

    Nothing is compiled before the first call.
    """
    return _compile(function, {})


def compiled_sums(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Return ``function`` compiled so that the terms of a sum may be added in any order."""
    return _compile(function, {"fastmath": {"reassoc", "contract", "nsz"}})


def compiled_scan(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Return a ``function`` that makes no arrays compiled without counting references.

    Counting those of the arrays that scanners hand to each other took ten times as
    long as reading a sample does.
    """
    return _compile(function, {"_nrt": False})


def _compile(function: Callable[_P, _R], options: Mapping[str, Any]) -> Callable[_P, _R]:
    folder = find_cache_folder(Path(function.__code__.co_filename).parent)
    with _caching_in(folder):
        dispatcher = numba.njit(cache=folder is not None, nogil=True, **options)(function)
    return cast("Callable[_P, _R]", dispatcher)


@functools.cache
def find_cache_folder(source_folder: Path) -> Path | None:
    """Return a folder for machine code of these very sources; None when none can be written."""
    digest = hashlib.sha256()
    for source in sorted(source_folder.glob("*.py")):
        digest.update(source.read_bytes())
    name = f"compiled-{digest.hexdigest()[:16]}"
    home = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    for parent in (source_folder / "__pycache__", Path(home) / "pmt-scan-monitor"):
        folder = parent / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return folder
        except OSError:
            continue
    return None


@contextmanager
def _caching_in(folder: Path | None) -> Iterator[None]:
    config: Any = numba.config
    before = config.CACHE_DIR
    if folder is not None:
        config.CACHE_DIR = str(folder)
    try:
        yield
    finally:
        config.CACHE_DIR = before
