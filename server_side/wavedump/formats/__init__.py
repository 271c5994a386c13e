"""The known raw formats, one file each, in the order in which they are tried."""

from server_side.wavedump.formats.ascii import Ascii
from server_side.wavedump.formats.ascii_comma import AsciiComma
from server_side.wavedump.formats.ascii_no_header import AsciiNoHeader
from server_side.wavedump.formats.binary import Binary
from server_side.wavedump.formats.binary_no_header import BinaryNoHeader
from server_side.wavedump.formats.binary_reordered import BinaryReordered
from server_side.wavedump.formats.x742_ascii import X742Ascii
from server_side.wavedump.formats.x742_binary import X742Binary
from server_side.wavedump.recognition import RawFormat

FORMATS: tuple[RawFormat, ...] = (
    X742Ascii(),
    Ascii(),
    AsciiComma(),
    AsciiNoHeader(),
    Binary(),
    X742Binary(),
    BinaryReordered(),
    BinaryNoHeader(),
)
