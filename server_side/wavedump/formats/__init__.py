"""The known raw formats, one file each, in the order in which they are tried."""

from server_side.wavedump.formats.ascii import Ascii
from server_side.wavedump.recognition import RawFormat

FORMATS: tuple[RawFormat, ...] = (Ascii(),)
