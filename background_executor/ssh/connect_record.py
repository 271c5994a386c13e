"""When a site was last connected to, by whichever process: pacing that outlives a restart.

An executor that something starts again and again, or a person who types one
command after the other, would otherwise knock more often than login nodes bear.
"""

import time
from collections.abc import Callable
from pathlib import Path


class ConnectRecord:
    """The moment of the last connect, as the time of a file.

    Parameters
    ----------
    path
        Its file, in the site's state folder.
    interval_s
        Least time between two connects.
    clock
        Seconds since the epoch.
    """

    def __init__(
        self, path: Path, interval_s: float, clock: Callable[[], float] = time.time
    ) -> None:
        self._path = path
        self._interval_s = interval_s
        self._clock = clock

    def wait_s(self) -> float:
        """Return how long to wait before the next connect; a clock that was set back costs none."""
        try:
            age_s = self._clock() - self._path.stat().st_mtime
        except FileNotFoundError:
            return 0.0
        return max(self._interval_s - age_s, 0.0) if age_s >= 0 else 0.0

    def note(self) -> None:
        """Note that a connect begins now."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.touch()
