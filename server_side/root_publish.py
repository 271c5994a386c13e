"""The ROOT file of a take: in place with the published folder that names it, or not at all.

It is written once, under a name that nobody else has, in the folder
``.building-<scan id>`` beside those of the acquisitions. A hard link, which
never replaces anything, then gives it its name: the agreed one, or where
another scan of the same acquisition has that, the one with this scan's id. The
folder of the take is published, and last of all the first name goes away.

While the first name is there, the file is not known to be needed. What a killed
job left is told from it by the next job of the scan (``remove_root_leftovers``):

- no second name: the file may be half written and goes away;
- a second name, and no published folder that names it: both names go away;
- a second name that a published folder names: the file stays, the first name goes.

Features of a point lie in the same folder while it is worked on. They have no name,
but where a file system cannot do without one for a moment (``pulses.scratch``).

So no job of another scan is in the way, no file is replaced, and whatever moment
a job is killed at, one file remains for each published folder. Of one scan one
job works at a time.
"""

import logging
import os
import re
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import ValidationError

from server_side.boundary import faults_in_words
from server_side.durable_files import make_folder, sync_folder
from server_side.errors import FeatureFileError, NameFormatError, RootFileError
from server_side.layout import RESULT_FILE, ScanLayout, take_folder_name
from server_side.pulses import PulseRows
from server_side.pulses.scratch import SCRATCH_PREFIX
from server_side.result import PointResult
from server_side.root_file import write_root_file
from server_side.scan import Take, parse_take

log = logging.getLogger(__name__)

_BUILDING = re.compile(r"(?P<take>[A-Za-z0-9_]+)@(?P<stamp>[A-Za-z0-9_.-]+)\.[0-9a-f]{32}")


@contextmanager
def root_file_in_place(
    layout: ScanLayout, stamp: str, take: Take, pulses: PulseRows
) -> Iterator[Path]:
    """Put the ROOT file of a take in place and give its path.

    The folder of the take is published inside the ``with``. When it is left
    without a published folder that names the file, the file goes away.

    Raises
    ------
    RootFileError
        When the disk refuses.
    """
    building = Path(layout.root_building_folder, f"{take.name}@{stamp}.{uuid.uuid4().hex}")
    names = _names(layout, stamp, take)
    try:
        write_root_file(building, pulses)
        yield _link_to_free_name(building, names)
    finally:
        try:
            _take_away(building, names, [Path(layout.take_folder(take))])
        except OSError as error:
            log.warning("%s is left to the next job of the scan: %s", building, error)


@contextmanager
def scratch_folder(layout: ScanLayout) -> Iterator[Path]:
    """Give the folder of what a job has in hand of a scan; when left empty, it goes away.

    Raises
    ------
    FeatureFileError
        When the disk refuses.
    """
    folder = Path(layout.root_building_folder)
    try:
        make_folder(folder)
    except OSError as error:
        raise FeatureFileError(f"cannot make {folder}: {error}") from error
    try:
        yield folder
    finally:
        with suppress(OSError):
            folder.rmdir()


def remove_root_leftovers(layout: ScanLayout, flag_folder: str) -> tuple[str, ...]:
    """Take away what killed jobs of this scan left of ROOT files that no result names.

    Only files directly inside the scan's own folder for it, and their second names.

    Parameters
    ----------
    flag_folder
        Where published takes lie that were flagged: what they name is kept.

    Returns
    -------
    Names of the files that were found there.
    """
    folder = Path(layout.root_building_folder)
    found = []
    for building in sorted(folder.iterdir()) if folder.is_dir() else []:
        if building.name.startswith(SCRATCH_PREFIX) and building.is_file():
            building.unlink()
            found.append(building.name)
        match = _BUILDING.fullmatch(building.name)
        take = _take_of(match["take"]) if match else None
        if match is None or take is None or not building.is_file():
            continue
        flagged = Path(layout.flagged_folder(flag_folder), take_folder_name(take))
        published = [Path(layout.take_folder(take)), flagged]
        _take_away(building, _names(layout, match["stamp"], take), published)
        found.append(building.name)
    return tuple(found)


def _names(layout: ScanLayout, stamp: str, take: Take) -> tuple[Path, Path]:
    """Return the agreed name, and the one for when another scan has that."""
    agreed = Path(layout.root_file(stamp, take))
    return agreed, agreed.with_stem(f"{agreed.stem}_{layout.plan.scan_id}")


def _link_to_free_name(building: Path, names: tuple[Path, Path]) -> Path:
    try:
        make_folder(names[0].parent)
        for name in names:
            with suppress(FileExistsError):
                os.link(building, name)
                sync_folder(name.parent)
                return name
    except OSError as error:
        raise RootFileError(f"cannot give {building} the name {names[0]}: {error}") from error
    raise RootFileError(
        f"{names[0]} and {names[1].name} are there already and are never overwritten"
    )


def _take_away(building: Path, names: Iterable[Path], published: Iterable[Path]) -> None:
    """Take away the first name of a file, and the second unless a published folder names it."""
    if building.exists():
        for name in names:
            is_ours = name.exists() and name.samefile(building)
            if is_ours and not any(_is_named_in(folder, name) for folder in published):
                name.unlink()
        # Last: as long as it is there, the next job knows what to take away.
        building.unlink()
    with suppress(OSError):
        building.parent.rmdir()


def _is_named_in(folder: Path, name: Path) -> bool:
    """Tell whether a published folder names a ROOT file; one that cannot be read may do so."""
    path = folder / RESULT_FILE
    try:
        return PointResult.model_validate_json(path.read_bytes()).provenance.root_file == str(name)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValidationError) as error:
        reason = faults_in_words(error)
        log.warning("%s cannot be read; the ROOT file %s is kept: %s", path, name, reason)
        return True


def _take_of(name: str) -> Take | None:
    try:
        return parse_take(name)
    except NameFormatError:
        return None
