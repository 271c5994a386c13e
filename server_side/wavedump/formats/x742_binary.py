"""Binary of x742 boards: six words, in newer versions eight, then 32-bit floating point samples.

The two more words are DC offset and start index cell; the size counts them.
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


class X742Binary:
    """Recognises the format; see ``RawFormat``."""

    name = RawFormatName.X742_BINARY

    def recognise(self, head: FileHead, daq: DaqSettings) -> Decoder | Mismatch | TooShort:
        """Return a decoder when ``head`` begins with such headers and samples."""
        seen = find_header_words(head, daq)
        if not isinstance(seen, HeaderWords):
            return seen
        if not seen.is_standard:
            return Mismatch(seen.begin, "the words in WaveDump's order", "another order")
        if guess_samples(head, seen, daq).sample_bytes != 4:
            return Mismatch(seen.begin, "floating point samples", "whole numbers")
        return make_binary_decoder(self.name, head, seen, daq)
