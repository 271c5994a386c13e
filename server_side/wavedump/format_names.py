"""The names of the raw formats, as settings and results state them."""

from enum import StrEnum


class RawFormatName(StrEnum):
    """A raw format, or why there is none."""

    ASCII = "ascii"
    """Header lines, then one whole number on each line."""
    ASCII_NO_HEADER = "ascii-no-header"
    """Samples as text and nothing else; the record length comes from settings."""
    ASCII_COMMA = "ascii-comma"
    """Header lines, then whole numbers separated by commas."""
    BINARY = "binary"
    """Six 32-bit words (size, board, pattern, channel, counter, time tag), then 16-bit samples."""
    BINARY_NO_HEADER = "binary-no-header"
    """16-bit samples and nothing else; the record length comes from settings."""
    BINARY_REORDERED = "binary-reordered"
    """The six words in another order."""
    X742_ASCII = "x742-ascii"
    """Header lines with a start index cell, then one decimal number on each line."""
    X742_BINARY = "x742-binary"
    """Six or eight words, then 32-bit floating point samples."""
    EMPTY = "empty"
    """The file holds nothing yet."""
    UNKNOWN = "unknown"
    """Too little was written yet to tell."""

    @property
    def is_text(self) -> bool:
        """The format is text, not binary."""
        return "ascii" in self.value

    @property
    def has_header(self) -> bool:
        """Each event says its number."""
        return "no-header" not in self.value


READABLE_FORMATS = tuple(
    name for name in RawFormatName if name not in (RawFormatName.EMPTY, RawFormatName.UNKNOWN)
)
"""What ``raw_format`` in the settings may be, beside ``auto``."""
