"""What the names of raw folders and files say, by the patterns of the settings.

A pattern is one name with ``{stamp}``, ``{point}`` or ``{channel}`` in it. A
name that no pattern fits in full is not ours and is left alone: ``wave1*.txt``
must not take ``wave10.txt`` for channel 1.
"""

import re
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from server_side.errors import NameFormatError
from server_side.scan import PositionPoint, ScanKind, VoltagePoint, parse_point
from server_side.settings import DaqSettings

_FIELD = {
    "stamp": r"(?P<stamp>[A-Za-z0-9_.-]+)",
    "point": r"(?P<point>[A-Za-z0-9_]+)",
    "channel": r"(?P<channel>[0-9]{1,2})",
}
_STAMP = re.compile(r"(?<![0-9])[0-9]{8}_[0-9]{6}(?![0-9])")


@dataclass(frozen=True)
class RawNames:
    """Reads names of the raw tree of one site."""

    daq: DaqSettings

    def is_acquisition(self, name: str) -> bool:
        """Tell whether a folder's name is that of an acquisition."""
        return _match(self.daq.acquisition_pattern, name) is not None

    def stamp_of(self, acquisition: str) -> str | None:
        """Return the stamp in an acquisition's name, or None when it holds none that is a time."""
        match = _match(self.daq.acquisition_pattern, acquisition)
        stamp = match.groupdict().get("stamp") if match else None
        # What people add, as in a copy's name, does not make old data new.
        found = _STAMP.search(stamp) if stamp else None
        return found[0] if found and _parse(found[0]) is not None else None

    def point_of(self, folder: str, kind: ScanKind) -> PositionPoint | VoltagePoint | None:
        """Return the point that a folder's name says, or None when it is no such folder."""
        by_kind = {
            ScanKind.POSITION: self.daq.position_folder_pattern,
            ScanKind.HV: self.daq.hv_folder_pattern,
        }
        match = _match(by_kind[kind], folder)
        try:
            point = parse_point(match["point"]) if match else None
        except NameFormatError:
            return None
        return point if point is not None and point.kind == kind else None

    def channel_of(self, file: str, point: PositionPoint | VoltagePoint) -> int | None:
        """Return the channel that a file of a point's folder holds, or None."""
        for pattern in self.daq.file_patterns:
            match = _match(pattern, file)
            if match and match.groupdict().get("point", point.name) == point.name:
                return int(match["channel"])
        return None


def stamp_moment(stamp: str, zone: str, not_after: datetime) -> datetime:
    """Return the moment of a stamp that was written in a zone.

    In the hour that summer time repeats, the later of the two readings is
    taken unless it lies after ``not_after`` (a time at which the folder was
    known to be there).
    """
    first = datetime.strptime(stamp, "%Y%m%d_%H%M%S").replace(tzinfo=ZoneInfo(zone))
    later = first.replace(fold=1).astimezone(UTC)
    return later if later <= not_after + timedelta(seconds=1) else first.astimezone(UTC)


def _match(pattern: str, name: str) -> re.Match[str] | None:
    parts = re.split(r"\{(stamp|point|channel)\}", pattern)
    text = "".join(_FIELD[part] if odd % 2 else re.escape(part) for odd, part in enumerate(parts))
    return re.fullmatch(text, name)


def _parse(stamp: str) -> datetime | None:
    try:
        moment = datetime.strptime(stamp, "%Y%m%d_%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    # A zone would carry the calendar's first and last hours over its ends.
    return moment if MINYEAR < moment.year < MAXYEAR else None
