"""Which acquisition a raw file is of: told by its first bytes, which a growing file keeps.

Nothing but the first ``GENERATION_BYTES`` is looked at, so that the answer can never
change while the file grows, whatever comes behind.
"""

import hashlib
import os
import re
import struct
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from server_side.errors import RawDataError, RawFileChangedError
from server_side.wavedump.raw_file import explain_os_error, open_regular_file

GENERATION_BYTES = 4096

_RECORD_LENGTH = re.compile(rb"Record Length: *([0-9]{1,6})\r?\n")
_HEADER_LINE = re.compile(rb"[A-Za-z][^\n]*\n")
_HEADER_WORDS_BYTES = 24


def generation_of(path: Path) -> str | None:
    """Return the sha256 of the first 4096 bytes, or of the first whole event if that is shorter.

    Returns
    -------
    str or None
        None as long as the file has neither: too little was written yet to tell
        this acquisition from another one.

    Raises
    ------
    RawDataError
        The file cannot be read.
    """
    descriptor = open_regular_file(path)
    try:
        head = os.pread(descriptor, GENERATION_BYTES, 0)
    except OSError as error:
        raise explain_os_error(path, error) from error
    finally:
        os.close(descriptor)
    end = _first_event_end(head) or GENERATION_BYTES
    return hashlib.sha256(head[:end]).hexdigest() if len(head) >= end else None


@contextmanager
def same_generation(paths: Collection[Path], known: Mapping[Path, str]) -> Iterator[None]:
    """See to it that the files read in the ``with`` are those of one acquisition.

    Readers watch their own file, but a point is read file by file, and a new run
    may begin between two of them. A file that cannot be read is left to its reader.

    Parameters
    ----------
    known
        Generations by which the files were chosen, as far as these are known.

    Raises
    ------
    RawFileChangedError
        When a file has another generation than before.
    """
    before = {path: known.get(path) or _generation_if_any(path) for path in paths}
    yield
    for path, generation in before.items():
        if generation is not None and _generation_if_any(path) != generation:
            raise RawFileChangedError(
                f"{path} was truncated or rewritten while the point was read: what it holds now "
                "is a new take"
            )


def _generation_if_any(path: Path) -> str | None:
    try:
        return generation_of(path)
    except RawDataError:
        return None


def _first_event_end(head: bytes) -> int | None:
    """Return where the first event ends, or None when that is not within the first bytes."""
    end = _text_event_end(head) if head[:1].isalpha() else _binary_event_end(head)
    return end if end is not None and end < GENERATION_BYTES else None


def _text_event_end(head: bytes) -> int | None:
    length = _RECORD_LENGTH.search(head)
    if length is None or int(length[1]) == 0:
        return None
    pos = 0
    while line := _HEADER_LINE.match(head, pos):
        pos = line.end()
    if pos <= length.start():
        return None
    event = _samples_of(int(length[1])).match(head, pos)
    return event.end() if event else None


def _samples_of(count: int) -> re.Pattern[bytes]:
    """Return what matches so many samples with the line end behind the last one.

    No sample is matched in two ways: blanks that could belong to either of two samples
    would be tried both ways for each of them, which takes 2^count steps where an event
    does not end within the first bytes. And nothing that comes behind the line end
    belongs to the match, so that a file that grows keeps it.
    """
    between = rb"(?>[ ]*[-+0-9.]+[ ]*(?:,[ ]*\r?\n?|\r?\n)){%d}" % (count - 1)
    return re.compile(between + rb"(?>[ ]*[-+0-9.]+[ ]*,?[ ]*\r?\n)")


def _binary_event_end(head: bytes) -> int | None:
    if len(head) < _HEADER_WORDS_BYTES:
        return None
    (size,) = struct.unpack_from("<I", head)
    return int(size) if size > _HEADER_WORDS_BYTES else None
