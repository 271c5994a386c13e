"""Which raw folders belong to a scan, and what is in them.

A folder belongs to a scan when it is of the scan's serial number and of a point
of its plan, in the acquisition that the operator picked or in one that began
after the scan was started. When an acquisition began is told by the stamp in
its name, in the site's zone: the DAQ wrote it once, at the beginning, while the
folder's own time moves with everything that is put into it. Only where the name
holds no stamp, the folder's time stands in; it is never before the beginning,
so new data are not missed.

Two candidates for one point are successive takes when one was complete before
the other's acquisition began. Otherwise nobody can tell which is meant, and
``question_about`` puts it to the operator.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from server_side.acquisitions import subfolders
from server_side.errors import RawDataError
from server_side.raw_names import RawNames, stamp_moment
from server_side.scan import (
    ExistingAcquisition,
    PositionPoint,
    ScanPlan,
    VoltagePoint,
)

STAMP_RESOLUTION = timedelta(seconds=1)
"""A stamp has whole seconds: what it names began up to this much later."""

FILE_TIME_RESOLUTION = timedelta(seconds=1)
"""File systems of the field keep times to a second or better."""

PassOver = Callable[[str], None]
"""Is told what could not be looked at, and why."""


@dataclass(frozen=True)
class RawFile:
    """One raw file as it stood when it was looked at."""

    channel: int
    path: Path
    size_bytes: int
    modified_at: datetime


@dataclass(frozen=True)
class RawPoint:
    """A folder that holds, or will hold, raw data of a planned point."""

    point: PositionPoint | VoltagePoint
    acquisition: str
    stamp: str
    """Of the acquisition, or of the scan when the name holds none."""
    began_at: datetime
    """Beginning of the acquisition, or the time of its folder: see the module."""
    is_stamped: bool
    """The beginning is known from the name."""
    folder: Path
    folder_modified_at: datetime
    """When the last file appeared in it."""
    files: tuple[RawFile, ...]
    """By channel; there may be two of one channel."""
    marked_done_at: datetime | None
    """When the done marker was written; None without one."""
    problem: str = ""
    """Why the folder could not be looked into."""

    @property
    def modified_at(self) -> datetime | None:
        """Last modification of any of its files; None without one."""
        return max((file.modified_at for file in self.files), default=None)

    @property
    def is_marked_done(self) -> bool:
        """Tell whether the done marker is there and was written after the data.

        An older one is left over from a take that is being overwritten.
        """
        if self.marked_done_at is None or self.modified_at is None:
            return False
        return self.marked_done_at + FILE_TIME_RESOLUTION >= self.modified_at


def find_raw_points(
    raw_base: Path, plan: ScanPlan, pass_over: PassOver = lambda _why: None
) -> tuple[RawPoint, ...]:
    """Return every raw folder that belongs to a scan, by acquisition, then by time.

    Parameters
    ----------
    pass_over
        Is told of each acquisition that cannot be looked at: it may be somebody else's.

    Raises
    ------
    RawDataError
        When the raw base or the picked acquisition cannot be listed.
    """
    names, found = RawNames(plan.settings.daq), list[RawPoint]()
    for acquisition in _acquisitions(raw_base, plan, names):
        try:
            if _began_in_time(acquisition, plan, names):
                found += points_in(acquisition, plan, names)
        except RawDataError as error:
            if isinstance(plan.raw, ExistingAcquisition):
                raise
            pass_over(str(error))
    return tuple(sorted(found, key=lambda p: (p.began_at, p.acquisition, p.folder_modified_at)))


def older_acquisitions(raw_base: Path, plan: ScanPlan) -> tuple[str, ...]:
    """Return those that hold points of the scan and are left out: they began before it.

    Raises
    ------
    RawDataError
        When the raw base cannot be listed.
    """
    names = RawNames(plan.settings.daq)
    older = (
        acquisition.name
        for acquisition in _acquisitions(raw_base, plan, names)
        if _is_older(acquisition, plan, names)
    )
    return tuple(older)


def points_in(acquisition: Path, plan: ScanPlan, names: RawNames) -> Iterator[RawPoint]:
    """Yield the folders of a plan's points in one acquisition, whenever it began.

    Raises
    ------
    RawDataError
        When it cannot be looked into.
    """
    serial_folder = acquisition / plan.serial_number
    try:
        serial_folder.stat()
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise RawDataError(f"cannot look into {acquisition}: {error.strerror}") from error
    planned = set(plan.points)
    for folder in subfolders(serial_folder) if serial_folder.is_dir() else ():
        point = names.point_of(folder.name, plan.kind)
        if point in planned and point is not None:
            yield look_at_folder(folder, point, plan, names, acquisition)


def look_at_folder(
    folder: Path,
    point: PositionPoint | VoltagePoint,
    plan: ScanPlan,
    names: RawNames,
    acquisition: Path,
) -> RawPoint:
    """Return what is in the folder of a point now; what stands in the way is its ``problem``."""
    began_at, is_stamped = _beginning(acquisition, plan, names)
    files, marked_done_at, problem = _look_into(folder, point, plan, names)
    return RawPoint(
        point=point,
        acquisition=acquisition.name,
        stamp=names.stamp_of(acquisition.name) or plan.stamp,
        began_at=began_at,
        is_stamped=is_stamped,
        folder=folder,
        folder_modified_at=_modified_at(folder),
        files=tuple(sorted(files, key=lambda file: (file.channel, file.path.name))),
        marked_done_at=marked_done_at,
        problem=problem,
    )


def question_about(raw_point: RawPoint, candidates: Sequence[RawPoint]) -> str | None:
    """Return what to ask the operator when another candidate cannot be told from this one.

    Parameters
    ----------
    candidates
        All raw folders of the scan; others of the same point are compared.
    """
    for other in candidates:
        if other.point != raw_point.point or other.acquisition == raw_point.acquisition:
            continue
        if not (_ended_before(raw_point, other) or _ended_before(other, raw_point)):
            first, second = sorted((raw_point.acquisition, other.acquisition))
            return (
                f"two acquisitions hold {raw_point.point.name} of this PMT and neither was complete"
                f" before the other began: {first} and {second}. Which one is meant? Process the"
                " right one with 'process existing data', or move the other away"
            )
    return None


def _acquisitions(raw_base: Path, plan: ScanPlan, names: RawNames) -> Iterator[Path]:
    """Yield the picked acquisition, or else all, whenever they began."""
    if isinstance(plan.raw, ExistingAcquisition):
        picked = raw_base / plan.raw.folder
        if not picked.is_dir():
            raise RawDataError(f"the picked acquisition {picked} is not there any more")
        yield picked
        return
    yield from (folder for folder in subfolders(raw_base) if names.is_acquisition(folder.name))


def _began_in_time(acquisition: Path, plan: ScanPlan, names: RawNames) -> bool:
    if isinstance(plan.raw, ExistingAcquisition):
        return True
    began_at, _ = _beginning(acquisition, plan, names)
    # What the stamp cannot say within its second counts as after the start.
    return began_at >= plan.raw.began_after.replace(microsecond=0)


def _is_older(acquisition: Path, plan: ScanPlan, names: RawNames) -> bool:
    try:
        return not _began_in_time(acquisition, plan, names) and any(
            points_in(acquisition, plan, names)
        )
    except RawDataError:
        return False


def _beginning(acquisition: Path, plan: ScanPlan, names: RawNames) -> tuple[datetime, bool]:
    modified_at = _modified_at(acquisition)
    stamp = names.stamp_of(acquisition.name)
    if stamp is None:
        return modified_at, False
    return stamp_moment(stamp, plan.zone, modified_at), True


def _modified_at(folder: Path) -> datetime:
    try:
        return datetime.fromtimestamp(folder.stat().st_mtime, UTC)
    except OSError as error:
        raise RawDataError(f"cannot look at {folder}: {error.strerror}") from error


def _look_into(
    folder: Path, point: PositionPoint | VoltagePoint, plan: ScanPlan, names: RawNames
) -> tuple[list[RawFile], datetime | None, str]:
    """Return the raw files, when the done marker was written, and what stands in the way."""
    try:
        with os.scandir(folder) as entries:
            by_name = {entry.name: entry for entry in entries if entry.is_file()}
        files = [
            _raw_file(channel, entry)
            for name, entry in by_name.items()
            if (channel := names.channel_of(name, point)) is not None
        ]
        marker = by_name.get(plan.settings.watch.done_marker)
        marked_at = None if marker is None else _modified_at(Path(marker.path))
    except OSError as error:
        return [], None, f"cannot look into the raw folder {folder}: {error.strerror}"
    return files, marked_at, ""


def _raw_file(channel: int, entry: os.DirEntry[str]) -> RawFile:
    status = entry.stat()
    modified_at = datetime.fromtimestamp(status.st_mtime, UTC)
    return RawFile(channel, Path(entry.path), status.st_size, modified_at)


def _ended_before(first: RawPoint, second: RawPoint) -> bool:
    # Without a stamp the second's beginning is only known to lie before its folder's time.
    if not second.is_stamped or first.modified_at is None:
        return False
    return first.modified_at < second.began_at + STAMP_RESOLUTION
