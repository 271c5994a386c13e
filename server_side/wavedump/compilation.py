"""How the inner loops are compiled.

numba writes compiled code beside the source, else into the user's cache folder.
Where neither can be written (a read-only installation under an account without
a home) it refuses to compile at all, instead of doing so once per process.
"""

from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar, cast

import numba

_P = ParamSpec("_P")
_R = TypeVar("_R")


_SUMS_IN_ANY_ORDER = frozenset({"reassoc", "contract", "nsz"})


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
    try:
        dispatcher = numba.njit(cache=True, nogil=True, **options)(function)
    except RuntimeError:
        dispatcher = numba.njit(nogil=True, **options)(function)
    return cast("Callable[_P, _R]", dispatcher)
