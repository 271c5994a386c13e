"""ROOT files of a point: one tree a channel, one row an event, rows of all trees aligned.

``Tree_CH<n>`` holds ``PulseStart`` (samples) and ``PulseCharge`` (pC), as the
group's own programs write and read them, NaN where there is no pulse, and then
what else was measured. All floats are doubles, so that a charge reads back as
it was computed. Writing and reading go in chunks. How a file comes to its name
is the matter of ``root_publish``.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import uproot
from numpy.typing import NDArray

from server_side.durable_files import make_folder, sync_file, sync_folder
from server_side.errors import RootFileError
from server_side.pulses.align import AlignedPulses, align
from server_side.pulses.stored import PulseRows
from server_side.pulses.table import (
    PulseTable,
    column_type,
    concatenate,
    empty_table,
    unmeasured_table,
)

ROWS_PER_CHUNK = 100_000
TREE_PREFIX = "Tree_CH"
BRANCHES = {
    "PulseStart": "start_sample",
    "PulseCharge": "charge_pc",
    "WindowCharge": "window_charge_pc",
    "EventNumber": "event_number",
    "TimeTag": "time_tag",
    "Baseline": "baseline_adc",
    "Noise": "noise_adc",
    "PeakVoltage": "peak_mv",
    "DarkCharge": "dark_charge_pc",
    "Saturated": "saturated",
    "Disturbed": "disturbed",
}
"""Name of each branch and the column of ``PulseTable`` that it holds."""
PYRATE_BRANCHES = ("PulseStart", "PulseCharge")
"""What a file of another program must hold at least."""


def write_root_file(path: Path, pulses: PulseRows) -> None:
    """Write a new ROOT file and flush it; one that cannot be written whole is taken away.

    Raises
    ------
    RootFileError
        When there is something of that name already, or the disk refuses.
    """
    try:
        make_folder(path.parent)
        path.open("xb").close()
        try:
            _write_trees(path, pulses)
            sync_file(path)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)
    except OSError as error:
        raise RootFileError(f"cannot write ROOT file {path}: {error}") from error


def read_root_file(path: Path) -> AlignedPulses:
    """Read a ROOT file of ours, or of Pyrate with only starts and charges.

    Columns that the file does not hold are NaN (marks are False); without
    event numbers the rows count from 0.

    Raises
    ------
    RootFileError
        When it is no ROOT file, holds no such tree, or a tree lacks a needed branch.
    """
    try:
        with uproot.open(path) as file:
            trees = {key: file[key] for key in file.keys(cycle=False) if _is_tree(key)}
            if not trees:
                raise RootFileError(
                    f"no tree like '{TREE_PREFIX}2' in {path}, found {file.keys(cycle=False)}"
                )
            tables = [_read_tree(path, name, tree) for name, tree in trees.items()]
    except (OSError, ValueError, KeyError, uproot.DeserializationError) as error:
        raise RootFileError(f"cannot read ROOT file {path}: {error}") from error
    return align(tables)


def _write_trees(path: Path, pulses: PulseRows) -> None:
    types = {branch: column_type(column) for branch, column in BRANCHES.items()}
    # LZ4 keeps up with the disk; the default takes longer than everything before it.
    with uproot.recreate(path, compression=uproot.LZ4(1)) as file:
        trees = {number: file.mktree(f"{TREE_PREFIX}{number}", types) for number in pulses.channels}
        for chunk in pulses.chunks() if len(pulses) else ():
            for number, tree in trees.items():
                table = chunk.of(number)
                tree.extend({branch: getattr(table, name) for branch, name in BRANCHES.items()})


def _is_tree(key: str) -> bool:
    return key.startswith(TREE_PREFIX) and key.removeprefix(TREE_PREFIX).isdecimal()


def _read_tree(path: Path, name: str, tree: uproot.TTree) -> PulseTable:
    present = [branch for branch in BRANCHES if branch in tree]
    missing = [branch for branch in PYRATE_BRANCHES if branch not in present]
    if missing:
        raise RootFileError(f"tree {name} of {path} lacks {missing}, found {tree.keys()}")
    channel = int(name.removeprefix(TREE_PREFIX))
    tables, first = [empty_table(channel)], 0
    for arrays in tree.iterate(present, step_size=ROWS_PER_CHUNK, library="np"):
        tables.append(_table_of(channel, first, arrays))
        first += len(tables[-1])
    return concatenate(tables)


def _table_of(channel: int, first: int, arrays: dict[str, NDArray[Any]]) -> PulseTable:
    """Turn the branches of a chunk of rows into a table; ``first`` is its first row."""
    rows = len(arrays[PYRATE_BRANCHES[0]])
    table = unmeasured_table(channel, np.arange(first, first + rows, dtype=np.int64))
    columns: dict[str, Any] = {
        column: arrays[branch].astype(getattr(table, column).dtype)
        for branch, column in BRANCHES.items()
        if branch in arrays
    }
    return replace(table, **columns)
