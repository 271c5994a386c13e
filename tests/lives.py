"""Executors that die at a named moment: processes of their own, many in one test.

They are forked from a process that has imported the program already, because on
a busy machine the imports take longer than all that such an executor does.
"""

import multiprocessing
import os
import signal
import sys
from pathlib import Path

from background_executor.cli import main
from background_executor.config import load_config
from background_executor.crash_points import VARIABLE, CrashPoint, MoveCrashPoint
from background_executor.ssh.transport import LAST_CONNECT_FILE

PATIENCE_S = 180.0
"""For a machine that is busy with something else."""


class Lives:
    """Lives of the executor of one site, one after the other."""

    def __init__(self, settings: Path) -> None:
        self._settings = settings
        self._state = load_config(settings).site.state_dir
        self._forks = multiprocessing.get_context("forkserver")
        self._forks.set_forkserver_preload(["pytest", __name__])

    def end_at(self, moment: CrashPoint | MoveCrashPoint) -> None:
        """Run the executor until it kills itself with SIGKILL at a moment.

        The pause that login nodes want between two connects is taken to be over.
        """
        (self._state / LAST_CONNECT_FILE).unlink(missing_ok=True)
        process = self._forks.Process(target=_live, args=(str(self._settings), moment.value))
        process.start()
        try:
            process.join(PATIENCE_S)
            assert process.exitcode == -signal.SIGKILL, moment
        finally:
            process.kill()
            process.join()
            process.close()


def _live(settings: str, moment: str) -> None:
    os.environ[VARIABLE] = moment
    sys.exit(main(["run", "--settings", settings]))
