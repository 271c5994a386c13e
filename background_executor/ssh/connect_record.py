"""When a site was last connected to, by whichever process: pacing that outlives a restart.

An executor that something starts again and again, or a person who types one
command after the other, would otherwise knock more often than login nodes bear.
"""

import logging
import time
from collections.abc import Callable
from pathlib import Path

log = logging.getLogger(__name__)


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
        except OSError:  # none yet, or a state folder that cannot be read: nothing is known
            return 0.0
        return max(self._interval_s - age_s, 0.0) if age_s >= 0 else 0.0

    def note(self) -> None:
        """Note that a connect begins now; a full disk costs the note, not the connection."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.touch()
        except OSError as error:
            log.warning("Other processes will not know of this connect: %s", error)
