"""Publishes a small take with its ROOT file; as a program it dies on the way.

``python -m tests.server_side.pipeline.root_take BASE MOMENT`` reads a plan from
the standard input and is killed, as by ``kill -9``, just before what a
``Moment`` names.
"""

import os
import signal
import sys
from enum import StrEnum
from pathlib import Path, PurePosixPath

import numpy as np

from server_side.layout import RESULT_FILE, ScanLayout
from server_side.publish import NewFile, publish_folder
from server_side.pulses import align
from server_side.pulses.table import unmeasured_table
from server_side.root_publish import root_file_in_place
from server_side.scan import ScanPlan, Take
from tests.seed_results import make_result

STAMP = "20260220_150000"


class Moment(StrEnum):
    """Calls of the operating system that the process does not live to make."""

    FLUSHING = "open"
    """All is written under the first name, and not flushed."""
    LINKING = "os.link"
    """Only the first name is there."""
    PUBLISHING = "os.rename"
    """The file has its name, and the folder that names it is not in place."""
    TIDYING = "os.remove"
    """The folder is in place, and the first name still there."""


def publish_take(plan: ScanPlan, base: Path, events: int = 50) -> Path:
    """Publish the first take of a plan's first point; return its ROOT file."""
    layout, take = ScanLayout(PurePosixPath(base), plan), Take(point=plan.points[0])
    pulses = align([unmeasured_table(channel, np.arange(events)) for channel in (0, 2)])
    with root_file_in_place(layout, STAMP, take, pulses) as root_file:
        made = make_result(plan, take, plan.started_at)
        provenance = made.provenance.model_copy(update={"root_file": str(root_file)})
        result = made.model_copy(update={"provenance": provenance})
        publish_folder(
            Path(layout.results_folder),
            scan_id=plan.scan_id,
            serial_number=plan.serial_number,
            take=take,
            files=[NewFile(RESULT_FILE, result.model_dump_json().encode())],
        )
    return root_file


def die_at(moment: Moment) -> None:
    """Kill this process when it is about to make a call with a file under its first name."""

    def look(event: str, arguments: tuple[object, ...]) -> None:
        if event != moment or ".building-" not in str(arguments[0]):
            return
        if moment is not Moment.FLUSHING or arguments[1] == "r":
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(look)


if __name__ == "__main__":
    given = ScanPlan.model_validate_json(sys.stdin.buffer.read())
    die_at(Moment(sys.argv[2]))
    publish_take(given, Path(sys.argv[1]))
