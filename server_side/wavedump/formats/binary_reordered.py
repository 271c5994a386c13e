"""Binary with the six header words in another order than WaveDump's own.

Programs that were made from WaveDump do so. Size, counter and time tag are found by
what they do from event to event, see ``binary_words``.
"""

from server_side.settings import DaqSettings
from server_side.wavedump.decoder import Decoder
from server_side.wavedump.format_names import RawFormatName
from server_side.wavedump.formats.binary_words import (
    make_binary_decoder,
)
from server_side.wavedump.formats.header_words import HeaderWords, find_header_words
from server_side.wavedump.recognition import FileHead, Mismatch, TooShort


class BinaryReordered:
    """Recognises the format; see ``RawFormat``."""

    name = RawFormatName.BINARY_REORDERED

    def recognise(self, head: FileHead, daq: DaqSettings) -> Decoder | Mismatch | TooShort:
        """Return a decoder when ``head`` begins with such headers."""
        seen = find_header_words(head, daq)
        if not isinstance(seen, HeaderWords):
            return seen
        if seen.is_standard:
            return Mismatch(seen.begin, "the words in another order", "WaveDump's order")
        return make_binary_decoder(self.name, head, seen, daq)
