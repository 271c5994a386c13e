"""The trigger's start of each event, for the channels whose windows hang on it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from server_side.pulses.align import first_rows, rows_of
from server_side.pulses.table import PulseTable


@dataclass(frozen=True)
class TriggerStarts:
    """Trigger starts by event number."""

    numbers: NDArray[np.int64]
    """Rising event numbers."""
    rows: NDArray[np.int64]
    start_sample: NDArray[np.float64]

    def of(self, event_number: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the trigger's start of each event (samples); NaN where there is none."""
        rows = rows_of(self.numbers, self.rows, event_number)
        if len(self.start_sample) == 0:
            return np.full(len(rows), np.nan)
        return np.where(rows < 0, np.nan, self.start_sample[rows])


def trigger_starts_of(table: PulseTable) -> TriggerStarts:
    """Index the starts of the trigger's channel by event number."""
    numbers, rows = first_rows(table.event_number)
    return TriggerStarts(numbers, rows, table.start_sample)
