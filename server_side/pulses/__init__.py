"""From waveforms to pulse features, and the alignment of channels by event number.

``read_pulses`` reads the files of one point and is what the pipeline calls; it
is made of the rest: ``extract_pulses`` is the arithmetic on a block of events,
``find_arrival_window`` and ``charge_window_for`` find the windows in the data,
``place_windows`` puts them on the record, ``align`` makes rows of channels agree.
"""

from server_side.pulses.align import AlignedPulses, ChannelLosses, align
from server_side.pulses.extract import extract_pulses
from server_side.pulses.read import ChannelReading, PulseReading, RefusedFile, read_pulses
from server_side.pulses.table import PulseTable, concatenate
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
    "ArrivalWindow",
    "ChannelLosses",
    "ChannelReading",
    "FixedWindows",
    "NoArrivalWindow",
    "NoFixedWindows",
    "PulseReading",
    "PulseTable",
    "RefusedFile",
    "align",
    "charge_window_for",
    "concatenate",
    "extract_pulses",
    "find_arrival_window",
    "place_windows",
    "read_pulses",
]
