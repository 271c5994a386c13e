"""The trigger's start of each event, for the channels whose windows hang on it."""

import numpy as np
from numpy.typing import NDArray

from server_side.pulses.align import rows_of
from server_side.pulses.stored import ROWS_PER_CHUNK, FeatureFile


class TriggerStarts:
    """Trigger starts by event number, for one pass through a channel's file.

    Numbers are asked for in rising order, so a part of the trigger's starts in
    memory is enough.
    """

    def __init__(self, file: FeatureFile) -> None:
        self._file = file
        self._read = 0
        self._numbers = np.empty(0, np.int64)
        self._starts = np.empty(0)

    def of(self, event_number: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the trigger's start of each event (samples); NaN where there is none.

        Parameters
        ----------
        event_number
            Rising, and none of them before the last of the call before.
        """
        starts = np.full(len(event_number), np.nan)
        if len(event_number) == 0:
            return starts
        self._fill(starts, event_number)
        while self._read < len(self._file) and not self._reaches(event_number[-1]):
            rows = range(self._read, min(len(self._file), self._read + ROWS_PER_CHUNK))
            self._numbers = self._file.column("event_number", rows)
            self._starts = self._file.column("start_sample", rows)
            self._read = rows.stop
            self._fill(starts, event_number)
        return starts

    def _reaches(self, event_number: np.int64) -> bool:
        return len(self._numbers) > 0 and bool(self._numbers[-1] >= event_number)

    def _fill(self, starts: NDArray[np.float64], event_number: NDArray[np.int64]) -> None:
        rows = rows_of(self._numbers, np.arange(len(self._numbers)), event_number)
        starts[rows >= 0] = self._starts[rows[rows >= 0]]
