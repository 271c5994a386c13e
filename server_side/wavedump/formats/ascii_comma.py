"""Text with header lines and whole numbers separated by commas, all in one line or in several.

::

    Record Length: 260
    BoardID: 31
    Channel: 2
    Event Number: 17
    Pattern: 0x0000
    Trigger Time Stamp: 123456
    DC offset (DAC): 0xBFFF
    15003, 15001, 14998, ...
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
from server_side.wavedump.text_samples import plain_samples


class AsciiComma:
    """Recognises the format; see ``RawFormat``."""

    name = RawFormatName.ASCII_COMMA

    def recognise(self, head: FileHead, daq: DaqSettings) -> Decoder | Mismatch | TooShort:
        """Return a decoder when ``head`` holds a whole event of this format."""
        layout = first_layout(plain_samples(daq.adc_bits), has_lists=True)
        events = find_first_events(head, layout)
        if not isinstance(events, list):
            return events
        if are_of_x742(events):
            return Mismatch(0, "no start index cell", "the header of an x742 board")
        if not any(b"," in seen.samples for seen in events):
            return Mismatch(0, "samples separated by commas", "one on each line")
        return make_decoder(self.name, events, layout)
