"""The error of a raw file that grows no more and in which no whole event was found."""

import os
from collections.abc import Sequence
from pathlib import Path

from server_side.errors import NotWaveDumpError, RawDataError
from server_side.wavedump.raw_file import explain_os_error, open_regular_file
from server_side.wavedump.recognition import QUOTED_BYTES, quote_bytes

_WHAT_TO_CHECK = "check the file, and daq.raw_format and daq.record_length in the settings"


def no_event_error(path: Path, damage: Sequence[str] = ()) -> RawDataError:
    """Return what is wrong with a file that holds no whole event.

    Parameters
    ----------
    damage
        What its reader found damaged, in words with byte offsets.
    """
    descriptor = open_regular_file(path)
    try:
        head, size = os.pread(descriptor, QUOTED_BYTES + 1, 0), os.fstat(descriptor).st_size
    except OSError as error:
        raise explain_os_error(path, error) from error
    finally:
        os.close(descriptor)
    if not size:
        return RawDataError(
            f"{path} is empty: the DAQ wrote nothing to it; see that it records this channel, "
            "then take the point again"
        )
    if damage:
        return NotWaveDumpError(
            f"{path} is no WaveDump file, or all of it is damaged: expected a whole event, found "
            f"none in {size} bytes ({damage[0]}); {_WHAT_TO_CHECK}"
        )
    return NotWaveDumpError(
        f"{path} is no WaveDump file, or was cut off in its first event: expected a whole event "
        f"at byte 0, found {quote_bytes(head)} and the end of the file at byte {size}; "
        f"{_WHAT_TO_CHECK}"
    )
