"""A folder tree from one remote ``find``: names end in a NUL, so that any name is safe."""

from pathlib import PurePosixPath

from background_executor.errors import RemoteFileError
from background_executor.transport import CommandOutput, RemoteEntry

_FORMAT = r"%y\t%s\t%T@\t%P\0"
_IS_FOLDER = {"f": False, "d": True}


def list_command(folder: PurePosixPath, depth: int) -> list[str]:
    """Return the command that lists a folder down to a depth."""
    # The dot makes a file in the folder's place an error, and follows a link in its place.
    find = ["find", f"{folder}/.", "-ignore_readdir_race", "-mindepth", "1"]
    return [*find, "-maxdepth", str(max(depth, 0)), "-printf", _FORMAT]


def read_listing(output: CommandOutput, folder: PurePosixPath) -> tuple[RemoteEntry, ...]:
    """Read what ``find`` printed; links and special files are left out.

    Raises
    ------
    RemoteFileError
        When ``find`` failed: a part of a listing is not a listing.
    """
    if output.exit_status != 0:
        said = output.stderr.strip()[-500:] or f"exit status {output.exit_status}"
        raise RemoteFileError(f"cannot list {folder}: {said}")
    records = [record.split("\t", 3) for record in output.stdout.split("\0") if record]
    try:
        entries = [_entry(*record) for record in records if record[0] in _IS_FOLDER]
    except (TypeError, ValueError) as error:  # a program of that name, or a part of what it printed
        raise RemoteFileError(f"what 'find' gave of {folder} is no listing: {error}") from error
    return tuple(sorted(entries, key=lambda entry: entry.path))


def _entry(kind: str, size: str, modified: str, path: str) -> RemoteEntry:
    is_folder = _IS_FOLDER[kind]
    return RemoteEntry(
        PurePosixPath(path), is_folder, 0 if is_folder else int(size), float(modified)
    )
