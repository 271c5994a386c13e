"""Binary with WaveDump's own header: six little-endian 32-bit words, then samples.

The words are the event's size in bytes with the 24 of the header, board, pattern,
channel, event counter, trigger time tag. Samples are 16-bit, of 8-bit boards 8-bit.
"""

from server_side.settings import DaqSettings
from server_side.wavedump.decoder import Decoder
from server_side.wavedump.format_names import RawFormatName
from server_side.wavedump.formats.binary_words import (
    guess_samples,
    make_binary_decoder,
)
from server_side.wavedump.formats.header_words import HeaderWords, find_header_words
from server_side.wavedump.recognition import FileHead, Mismatch, TooShort


class Binary:
    """Recognises the format; see ``RawFormat``."""

    name = RawFormatName.BINARY

    def recognise(self, head: FileHead, daq: DaqSettings) -> Decoder | Mismatch | TooShort:
        """Return a decoder when ``head`` begins with such headers."""
        seen = find_header_words(head, daq)
        if not isinstance(seen, HeaderWords):
            return seen
        if not seen.is_standard:
            return Mismatch(seen.begin, "the words in WaveDump's order", "another order")
        if guess_samples(head, seen, daq).sample_bytes == 4:
            return Mismatch(seen.begin, "whole numbers", "floating point samples")
        return make_binary_decoder(self.name, head, seen, daq)
