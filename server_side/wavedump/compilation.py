"""How the inner loops are compiled.

numba writes compiled code beside the source, else into the user's cache folder.
Where neither can be written (a read-only installation under an account without
a home) it refuses to compile at all, instead of doing so once per process.
"""

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba

_P = ParamSpec("_P")
_R = TypeVar("_R")


def compiled(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Return ``function`` as machine code that releases the GIL, from the cache where one works.

    Nothing is compiled before the first call.
    """
    try:
        dispatcher = numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:
        dispatcher = numba.njit(nogil=True)(function)
    return cast("Callable[_P, _R]", dispatcher)
