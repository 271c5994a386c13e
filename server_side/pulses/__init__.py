"""From waveforms to pulse features, and the alignment of channels by event number.

``read_pulses`` reads the files of one point and is what the pipeline calls; it
is made of the rest: ``extract_pulses`` is the arithmetic on a block of events,
``find_arrival_window`` and ``charge_window_for`` find the windows in the data,
``place_windows`` puts them on the record, ``align`` makes rows of channels agree,
``stored`` and ``merge`` do so on disk, so that memory does not grow with the files,
``time_tags`` makes sure that a row is one and the same trigger.
"""

from server_side.pulses.align import AlignedPulses, ChannelLosses, align
from server_side.pulses.arrival_times import ArrivalTimes, count_arrivals
from server_side.pulses.extract import extract_pulses
from server_side.pulses.read import ChannelReading, PulseReading, RefusedFile, read_pulses
from server_side.pulses.stored import PulseRows, StoredPulses
from server_side.pulses.table import PulseColumns, PulseTable, concatenate
from server_side.pulses.time_tags import SlippedEvents, find_slipped_events
from server_side.pulses.windows import (
    ArrivalWindow,
    FixedWindows,
    NoArrivalWindow,
    NoFixedWindows,
    charge_window_for,
    find_arrival_window,
    place_windows,
)

__all__ = [
    "AlignedPulses",
    "ArrivalTimes",
    "ArrivalWindow",
    "ChannelLosses",
    "ChannelReading",
    "FixedWindows",
    "NoArrivalWindow",
    "NoFixedWindows",
    "PulseColumns",
    "PulseReading",
    "PulseRows",
    "PulseTable",
    "RefusedFile",
    "SlippedEvents",
    "StoredPulses",
    "align",
    "charge_window_for",
    "concatenate",
    "count_arrivals",
    "extract_pulses",
    "find_arrival_window",
    "find_slipped_events",
    "place_windows",
    "read_pulses",
]
