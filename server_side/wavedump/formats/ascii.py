"""Text with header lines and one whole number on each line: WaveDump's default.

::

    Record Length: 260
    BoardID: 31
    Channel: 2
    Event Number: 17
    Pattern: 0x0000
    Trigger Time Stamp: 123456
    DC offset (DAC): 0xBFFF
    15003
    ...
"""

from server_side.settings import DaqSettings
from server_side.wavedump.decoder import Decoder
from server_side.wavedump.format_names import RawFormatName
from server_side.wavedump.formats.text_events import find_first_events, first_layout, make_decoder
from server_side.wavedump.recognition import FileHead, Mismatch, TooShort
from server_side.wavedump.text_samples import plain_samples


class Ascii:
    """Recognises the format; see ``RawFormat``."""

    name = RawFormatName.ASCII

    def recognise(self, head: FileHead, daq: DaqSettings) -> Decoder | Mismatch | TooShort:
        """Return a decoder when ``head`` holds a whole event of this format."""
        layout = first_layout(plain_samples(daq.adc_bits), has_lists=False)
        events = find_first_events(head, layout)
        return make_decoder(self.name, events, layout) if isinstance(events, list) else events
