"""The icons of the pages, as strokes in a box of 24 by 24.

Drawn here so that a tile, a chip and a legend show the very same sign, and so
that nothing is fetched from a network.
"""

from enum import StrEnum


class Icon(StrEnum):
    """One sign; its value is an SVG path to be stroked, not filled."""

    TICK = "M5 13l5 5L19.5 6.5"
    TRIANGLE = "M12 3.5L21.5 20h-19Z M12 10v4.5 M12 17.200v.1"
    CROSS = "M6 6l12 12M18 6L6 18"
    AGAIN = "M20 12a8 8 0 1 1-2.5-5.8 M20.500 2.500v5h-5 M12 8.500v4.500 M12 16.200v.1"
    BOX = "M3 7.500h18v13H3Z M3 7.500L6 3.500h12l3 4 M9.500 12h5"
    TWO = "M8 8a4 4 0 1 1 7 2.700L8 19h8"
    MOON = "M20 14.5A8.5 8.5 0 1 1 10 4a7 7 0 0 0 10 10.5Z"
    BROKEN_CURVE = "M2.5 19c5 0 4-13 8.5-13 M14.5 11l6.5 6.5M21 11l-6.5 6.5"
    EXCLAMATION = "M8 2.5h8l5.5 5.5v8L16 21.5H8L2.5 16V8Z M12 7v6 M12 16.5v.1"
    FLAG = "M6 21.5V3.5h13l-3.5 4.5 3.5 4.5H6"
    PERSON = "M12 4a3.5 3.5 0 1 0 0 7a3.5 3.5 0 0 0 0-7M4.5 21c.5-9 14.5-9 15 0"
    EYE = "M2 12c5-7.5 15-7.5 20 0c-5 7.5-15 7.5-20 0Z M12 9a3 3 0 1 0 0 6a3 3 0 0 0 0-6"
    DOTS = "M5 12h.1M12 12h.1M19 12h.1"
    PULSE = "M2 12h5l3-8 4 16 3-8h5"
    BARS = "M4 21v-6M9.5 21V4M15 21V10M20.5 21v-4"
    ARROW_DOWN = "M12 3v12M6.5 10L12 15.5 17.5 10M4 21h16"
    QUESTION = "M8 8a4 4 0 1 1 5.5 3.700c-1.300.6-1.5 1.600-1.5 3.300M12 19.5v.1"
    CLOCK = "M12 2.5a9.5 9.5 0 1 0 0 19a9.5 9.5 0 0 0 0-19 M12 7v5.5l4 2.5"
    NO_CONTACT = "M3 9c5.5-5 12.5-5 18 0M7 13.5c3-3 7-3 10 0M12 18.5v.1M4 3l16 18"
    PLAY = "M7 4l13 8-13 8Z"
    SQUARE = "M6 6h12v12H6Z"
    HAND = "M5 12h14M5 12v6h14v-6M9 12V5h6v7"
    LINK = "M9 15l6-6M8 11l-3 3a3.5 3.5 0 0 0 5 5l3-3M11 8l3-3a3.5 3.5 0 0 1 5 5l-3 3"
