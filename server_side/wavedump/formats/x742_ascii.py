"""Text of x742 boards: header lines with the start index cell, then one decimal on each line.

::

    Record Length: 1024
    BoardID:  0
    Channel: 2
    Event Number: 17
    Pattern: 0x0000
    Trigger Time Stamp: 123456
    DC offset (DAC): 0x7FFF
    Start Index Cell: 512
    2045.123413
    ...
"""

from server_side.settings import DaqSettings
from server_side.wavedump.decoder import Decoder
from server_side.wavedump.format_names import RawFormatName
from server_side.wavedump.formats.text_events import (
    are_of_x742,
    find_first_events,
    first_layout,
    make_decoder,
)
from server_side.wavedump.recognition import FileHead, Mismatch, TooShort
from server_side.wavedump.text_samples import corrected_samples


class X742Ascii:
    """Recognises the format; see ``RawFormat``."""

    name = RawFormatName.X742_ASCII

    def recognise(self, head: FileHead, daq: DaqSettings) -> Decoder | Mismatch | TooShort:
        """Return a decoder when ``head`` holds a whole event of this format."""
        layout = first_layout(corrected_samples(daq.adc_bits), has_lists=True)
        events = find_first_events(head, layout)
        if not isinstance(events, list):
            return events
        if not are_of_x742(events):
            return Mismatch(0, "a start index cell or samples with decimals", "neither")
        return make_decoder(self.name, events, layout)
