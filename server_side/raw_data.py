"""Which raw folders belong to a scan, and which of their files are read.

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
from collections.abc import Iterator, Sequence
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
from server_side.settings import ChannelRole

STAMP_RESOLUTION = timedelta(seconds=1)
"""A stamp has whole seconds: what it names began up to this much later."""

FILE_TIME_RESOLUTION = timedelta(seconds=1)
"""File systems of the field keep times to a second or better."""


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


@dataclass(frozen=True)
class ChosenFiles:
    """What is read of a point's folder."""

    pmt: RawFile
    trigger: RawFile
    others: tuple[RawFile, ...]
    """Monitor and reference PMT, as far as they are there."""
    note: str
    """Says so when the PMT's channel is not the slot's own."""

    @property
    def all(self) -> tuple[RawFile, ...]:
        """Every file that is read, by channel."""
        files = (self.trigger, self.pmt, *self.others)
        return tuple(sorted(files, key=lambda file: file.channel))


def find_raw_points(raw_base: Path, plan: ScanPlan) -> tuple[RawPoint, ...]:
    """Return every raw folder that belongs to a scan, by acquisition, then by time.

    Raises
    ------
    RawDataError
        When the raw base or the picked acquisition cannot be listed.
    """
    names = RawNames(plan.settings.daq)
    found = [
        raw_point
        for acquisition in _acquisitions(raw_base, plan, names)
        for raw_point in points_in(acquisition, plan, names)
    ]
    return tuple(sorted(found, key=lambda p: (p.began_at, p.acquisition, p.folder_modified_at)))


def points_in(acquisition: Path, plan: ScanPlan, names: RawNames) -> Iterator[RawPoint]:
    """Yield the folders of a plan's points in one acquisition, whenever it began."""
    serial_folder = acquisition / plan.serial_number
    if not serial_folder.is_dir():
        return
    planned = set(plan.points)
    for folder in subfolders(serial_folder):
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


def choose_files(raw_point: RawPoint, plan: ScanPlan) -> ChosenFiles:
    """Choose the channels that are read for a scan's slot.

    Raises
    ------
    RawDataError
        When a channel has two files, or when there is none of the trigger or
        of any PMT channel that could be meant.
    """
    number, note = _pmt_channel(raw_point, plan)
    pmt = _only_file(raw_point, number)
    trigger = _first_of_role(raw_point, plan, ChannelRole.TRIGGER)
    if pmt is None or trigger is None:
        what = "the trigger" if pmt else f"the PMT's channel {number}"
        raise RawDataError(
            f"no file of {what} in {raw_point.folder}: found "
            f"{[f.path.name for f in raw_point.files] or 'no raw file'}, expected a name "
            f"like {plan.settings.daq.file_patterns[0]!r}"
        )
    beside = (ChannelRole.MONITOR, ChannelRole.REFERENCE)
    others = (_first_of_role(raw_point, plan, role) for role in beside)
    return ChosenFiles(pmt, trigger, tuple(f for f in others if f is not None), note)


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
    raw = plan.raw
    if isinstance(raw, ExistingAcquisition):
        picked = raw_base / raw.folder
        if not picked.is_dir():
            raise RawDataError(f"the picked acquisition {picked} is not there any more")
        yield picked
        return
    # What the stamp cannot say within its second counts as after the start.
    began_after = raw.began_after.replace(microsecond=0)
    for folder in subfolders(raw_base):
        if names.is_acquisition(folder.name):
            began_at, _ = _beginning(folder, plan, names)
            if began_at >= began_after:
                yield folder


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


def _pmt_channel(raw_point: RawPoint, plan: ScanPlan) -> tuple[int, str]:
    """Return the channel that is read, and why it is not the slot's own."""
    pmts = [c for c in plan.settings.daq.channels if c.role is ChannelRole.PMT]
    own = next((c.number for c in pmts if c.slot == plan.slot), None)
    if own is None:
        raise RawDataError(f"the settings name no channel for the PMT in slot {plan.slot}")
    present = {file.channel for file in raw_point.files}
    others = [c.number for c in pmts if c.number in present]
    if own in present or len(others) != 1:
        return own, ""
    return others[0], f"channel {others[0]} was read: channel {own} of slot {plan.slot} has no file"


def _first_of_role(raw_point: RawPoint, plan: ScanPlan, role: ChannelRole) -> RawFile | None:
    numbers = [c.number for c in plan.settings.daq.channels if c.role is role]
    files = (_only_file(raw_point, number) for number in numbers)
    return next((file for file in files if file is not None), None)


def _only_file(raw_point: RawPoint, channel: int) -> RawFile | None:
    files = [file for file in raw_point.files if file.channel == channel]
    if len(files) > 1:
        raise RawDataError(
            f"channel {channel} has {len(files)} files in {raw_point.folder}: "
            f"{', '.join(file.path.name for file in files)}. Leave the one that is meant"
        )
    return files[0] if files else None


def _ended_before(first: RawPoint, second: RawPoint) -> bool:
    # Without a stamp the second's beginning is only known to lie before its folder's time.
    if not second.is_stamped or first.modified_at is None:
        return False
    return first.modified_at < second.began_at + STAMP_RESOLUTION
