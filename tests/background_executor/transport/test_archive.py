"""How the end of a stream of files is judged; the channel is fed as the wire would feed it."""

from pathlib import PurePosixPath

import paramiko
import pytest

from background_executor.errors import RemoteFileError, UnreachableError
from background_executor.ssh.archive import check_end

FOLDER = PurePosixPath("/data/results")


def ended_channel() -> paramiko.Channel:
    """Return a channel whose far end has closed its streams without an exit status."""
    channel = paramiko.Channel(1)
    channel.in_stderr_buffer.close()
    return channel


def test_a_status_that_never_comes_is_waited_for_no_longer_than_a_call() -> None:
    with pytest.raises(UnreachableError, match=r"within 0\.05 s"):
        check_end(ended_channel(), "", FOLDER, None, 0.05)


def test_a_file_that_changes_while_it_is_read_is_worth_another_try() -> None:
    channel = ended_channel()
    channel.exit_status = 1
    channel.status_event.set()
    with pytest.raises(RemoteFileError, match="changed while they were read"):
        check_end(channel, "", FOLDER, None, 0.05)
