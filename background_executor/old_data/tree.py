"""Read a result tree of the old system: what takes it holds, and what could not be read and why.

Nothing is changed, moved or followed out of the tree: files are opened for
reading only, links are listed and left alone.
"""

import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from background_executor.imported import OldVoltage
from background_executor.old_data.files import OldFile, describe, read_regular
from background_executor.old_data.names import (
    OldFileName,
    OldPart,
    is_container,
    is_hv_container,
    is_scan_container,
    parse_curve_name,
    parse_file_name,
    parse_voltage_name,
    read_gain,
    read_voltage,
)
from server_side.errors import NameFormatError
from server_side.layout import MANIFEST_FILE, parse_take_folder
from server_side.result import Missing, Quantity
from server_side.scan import Point, ScanKind, check_serial_number

MAX_PLOT_BYTES = 16 << 20
MAX_TEXT_BYTES = 4096
MAX_DEPTH = 12
_NAMES_OF_ROOT = 3
_PNG_BEGIN = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Unread:
    """Something in the tree that was not imported."""

    path: Path
    reason: str


@dataclass(frozen=True)
class OldScan:
    """What makes takes of an old tree one scan."""

    kind: ScanKind
    serial_number: str
    container: str

    @property
    def is_named(self) -> bool:
        """Whether its folder was made for this scan; not for a day, and not for all scans."""
        return is_scan_container(self.container)


@dataclass(frozen=True)
class OldTake:
    """One date of one point: where its files lie, and what was read of them."""

    scan: OldScan
    point: Point
    stamp: str
    folder: Path
    is_flagged: bool
    is_archived: bool
    gain: Quantity | Missing
    files: tuple[OldFile, ...]
    charge_plot: str | None
    gain_file: str | None


@dataclass(frozen=True)
class OldRemark:
    """A file beside the folders of an HV check's points, which tells of all of them."""

    scan: OldScan
    path: Path
    voltage: OldVoltage | None
    """What the old system wrote; None for its plot, of which only is known that it was there."""


class OldTree:
    """A tree while it is read; ``takes`` opens the files of one take after the other.

    Attributes
    ----------
    remarks
        Files that tell of a whole scan, found so far.
    unread
        What was not imported so far, and why.
    """

    def __init__(self, root: Path, flag_folder: str, archive_folder: str) -> None:
        self.remarks: list[OldRemark] = []
        self.unread: list[Unread] = []
        self._root = root
        self._flag_folder = flag_folder
        self._archive_folder = archive_folder

    def takes(self) -> Iterator[OldTake]:
        """Yield all takes, those of one folder in the order of their dates."""
        yield from self._read_folder(self._root, 0)

    def _read_folder(self, folder: Path, depth: int) -> Iterator[OldTake]:
        if depth > MAX_DEPTH:
            self._leave(folder, f"lies deeper than {MAX_DEPTH} folders")
            return
        said = len(self.unread)
        files, folders = self._list(folder)
        if folder.name.startswith("data_"):
            yield from self._read_point(folder, files)
            for inner in folders:
                self._leave(inner, "is a folder in the folder of a point")
            if not files and len(self.unread) == said:
                self._leave(folder, "is empty")
            return
        for path in files:
            self._read_other(path)
        for inner in folders:
            yield from self._read_folder(inner, depth + 1)

    def _list(self, folder: Path) -> tuple[list[Path], list[Path]]:
        """Return files and folders by name; whatever else there is, is listed and left alone."""
        files, folders = [], []
        try:
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            self._leave(folder, f"cannot be listed: {error.strerror}")
            return [], []
        for entry in entries:
            path = folder / entry.name
            if entry.is_symlink():
                self._leave(path, "is a link; links are not followed")
            elif entry.is_dir(follow_symlinks=False):
                folders.append(path)
            elif entry.is_file(follow_symlinks=False):
                files.append(path)
            else:
                self._leave(path, "is no regular file")
        return files, folders

    def _read_point(self, folder: Path, files: list[Path]) -> Iterator[OldTake]:
        """Read the folder of a point, which may hold several dates."""
        try:
            take = parse_take_folder(folder.name)
        except NameFormatError as error:
            self._leave(folder, str(error))
            return
        if any(path.name == MANIFEST_FILE for path in files):
            self._leave(folder, "was published by this program: 'rebuild' reads it")
            return
        of_date: dict[tuple[str, str], dict[OldPart, Path]] = defaultdict(dict)
        for path in files:
            name = self._parse(path)
            if name is None:
                continue
            serial_number = name.serial_number or self._serial_of(folder.parent)
            if name.point != take.point or take.name != take.point.name:
                self._leave(path, f"tells of {name.point.name} in a folder {folder.name}")
            elif serial_number is None:
                self._leave(path, "neither its name nor its folders tell the serial number")
            elif name.part in of_date[name.stamp, serial_number]:
                self._leave(path, f"is the second {name.part.value} of that date")
            else:
                of_date[name.stamp, serial_number][name.part] = path
        for (stamp, serial_number), parts in sorted(of_date.items()):
            if old := self._read_take(folder, take.point, stamp, serial_number, parts):
                yield old

    def _parse(self, path: Path) -> OldFileName | None:
        try:
            return parse_file_name(path.name)
        except NameFormatError as error:
            self._leave(path, str(error))
            return None

    def _serial_of(self, folder: Path) -> str | None:
        """Return the serial number that a folder is named after, where its own folder says so."""
        if not is_hv_container(folder.parent.name):
            return None
        try:
            return check_serial_number(folder.name)
        except NameFormatError:
            return None

    def _read_take(
        self,
        folder: Path,
        point: Point,
        stamp: str,
        serial_number: str,
        parts: dict[OldPart, Path],
    ) -> OldTake | None:
        plot = self._read_plot(parts)
        gain, gain_file = self._read_gain(parts)
        if plot is None and gain_file is None:
            return None
        inside = self._names_above(folder)
        return OldTake(
            scan=self._scan_of(folder, ScanKind(point.kind), serial_number),
            point=point,
            stamp=stamp,
            folder=folder,
            is_flagged=self._flag_folder in inside,
            is_archived=self._archive_folder in inside,
            gain=gain,
            files=tuple(file for file in (plot, gain_file) if file is not None),
            charge_plot=None if plot is None else plot.name,
            gain_file=None if gain_file is None else gain_file.name,
        )

    def _read_gain(self, parts: dict[OldPart, Path]) -> tuple[Quantity | Missing, OldFile | None]:
        path = parts.get(OldPart.GAIN)
        if path is None:
            reason = "there is no gain file beside the plot"
            return Missing(name="gain_peak", reason=reason), None
        content = self._read(path, MAX_TEXT_BYTES)
        if content is None:
            return Missing(name="gain_peak", reason="the gain file could not be read"), None
        file = describe(path, content)
        try:
            return read_gain(content.decode("ascii")), file
        except ValueError as error:
            self._leave(path, f"holds no gain: {error}")
            reason = f"the gain file holds no gain: {error}"
            return Missing(name="gain_peak", reason=reason), file

    def _read_plot(self, parts: dict[OldPart, Path]) -> OldFile | None:
        path = parts.get(OldPart.PLOT)
        content = None if path is None else self._read(path, MAX_PLOT_BYTES)
        if path is None or content is None:
            return None
        if not content.startswith(_PNG_BEGIN):
            self._leave(path, "is no PNG picture")
            return None
        return describe(path, content)

    def _read(self, path: Path, limit: int) -> bytes | None:
        try:
            return read_regular(path, limit)
        except OSError as error:
            self._leave(path, f"cannot be read: {error.strerror}")
            return None

    def _read_other(self, path: Path) -> None:
        """Read a file that belongs to no point: it tells of a scan, or nothing that is known."""
        voltage, curve = parse_voltage_name(path.name), parse_curve_name(path.name)
        if voltage is not None:
            self._read_voltage(path, *voltage)
        elif curve is not None:
            self._remark(path, curve, None)
        else:
            self._leave(path, "its name is none that the old system gave to a result")

    def _read_voltage(self, path: Path, serial_number: str, target_gain: float) -> None:
        content = self._read(path, MAX_TEXT_BYTES)
        if content is None:
            return
        try:
            voltage_v = read_voltage(content.decode("ascii"))
        except ValueError as error:
            self._leave(path, f"holds no voltage: {error}")
            return
        voltage = OldVoltage(target_gain=target_gain, voltage_v=voltage_v, file=path.name)
        self._remark(path, serial_number, voltage)

    def _remark(self, path: Path, serial_number: str, voltage: OldVoltage | None) -> None:
        """Keep what a file beside the folders of an HV check's points tells of them."""
        scan = self._scan_of(path, ScanKind.HV, serial_number)
        self.remarks.append(OldRemark(scan, path, voltage))

    def _scan_of(self, path: Path, kind: ScanKind, serial_number: str) -> OldScan:
        """Name the scan of a point's folder by the nearest folder above that makes it one."""
        above = reversed(self._names_above(path))
        container = next((name for name in above if is_container(name)), "")
        return OldScan(kind, serial_number, container)

    def _names_above(self, path: Path) -> tuple[str, ...]:
        """Return the names of the folders above, from two above the tree's own on.

        So a tree gives the same scans when only one scan or PMT of it is imported.
        """
        return (*self._root.parts[-_NAMES_OF_ROOT:], *path.relative_to(self._root).parts[:-1])

    def _leave(self, path: Path, reason: str) -> None:
        self.unread.append(Unread(path, reason))
