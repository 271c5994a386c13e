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
from server_side.wavedump.format_names import RawFormatName
from server_side.wavedump.formats.text_header import recognise_text
from server_side.wavedump.recognition import Mismatch, TooShort
from server_side.wavedump.rows import ByteWindow, Decoder


class Ascii:
    """Recognises the format; see ``RawFormat``."""

    name = RawFormatName.ASCII

    def recognise(self, head: ByteWindow, daq: DaqSettings) -> Decoder | Mismatch | TooShort:
        """Return a decoder when ``head`` holds a whole event of this format."""
        outcome = recognise_text(self.name, head, daq, has_lists=False)
        return outcome[0] if isinstance(outcome, tuple) else outcome
