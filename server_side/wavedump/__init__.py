"""WaveDump files in, events out: bounded memory, also while the file still grows.

``open_reader`` tells the format from the content; one file of ``formats`` knows
one format. See ``docs/formats.md`` for an example of each.
"""

from server_side.wavedump.events import EventBlock, FileSummary, RawReader
from server_side.wavedump.format_names import RawFormatName
from server_side.wavedump.generation import generation_of, same_generation
from server_side.wavedump.inspection import Inspection, inspect_file
from server_side.wavedump.no_event import no_event_error
from server_side.wavedump.reader import open_reader

__all__ = [
    "EventBlock",
    "FileSummary",
    "Inspection",
    "RawFormatName",
    "RawReader",
    "generation_of",
    "inspect_file",
    "no_event_error",
    "open_reader",
    "same_generation",
]
