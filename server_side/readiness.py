"""When the raw data of a point are complete.

Four things say so, whichever comes first: a done marker in the folder, the
folder of another point that was begun after the last write here, the expected
number of events in every file that is read, or files that have not changed for
so long. Points may come in any order. While data are taken, time without a
change is counted from what this job saw itself, so that a clock of the file
server that is wrong does not cut a point short.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from server_side.chosen_files import ChosenFiles
from server_side.raw_data import RawPoint
from server_side.scan import ExistingAcquisition, ScanPlan

Fingerprint = tuple[tuple[str, int, datetime], ...]


@dataclass(frozen=True)
class Sighting:
    """What was seen of a point's files, and since when they are like that."""

    fingerprint: Fingerprint
    unchanged_since_s: float
    """Seconds of a steady clock at which they were first seen like that."""
    looks: int
    """How often they were seen like that."""


@dataclass(frozen=True)
class Moment:
    """One reading of both clocks."""

    at: datetime
    steady_s: float
    """Of a clock that never jumps."""


def fingerprint(raw_point: RawPoint) -> Fingerprint:
    """Return what changes whenever a file of the folder is written."""
    return tuple((f.path.name, f.size_bytes, f.modified_at) for f in raw_point.files)


def look_again(before: Sighting | None, raw_point: RawPoint, moment: Moment) -> Sighting:
    """Return the sighting that follows the one before."""
    now = fingerprint(raw_point)
    if before is None or before.fingerprint != now:
        return Sighting(now, moment.steady_s, 1)
    return Sighting(now, before.unchanged_since_s, before.looks + 1)


def completion(
    raw_point: RawPoint,
    sighting: Sighting,
    neighbours: Sequence[RawPoint],
    plan: ScanPlan,
    moment: Moment,
) -> str | None:
    """Return what says that a point is complete, or None while nothing does.

    The number of events is not looked at here: see ``has_expected_events``.
    """
    if raw_point.is_marked_done:
        return f"marker {plan.settings.watch.done_marker} is there"
    if sighting.looks > 1 and (later := _next_folder(raw_point, neighbours)):
        return f"the next point's folder {later} was begun"
    if quiet_s(raw_point, sighting, plan, moment) >= plan.settings.watch.stable_s:
        return f"no file has changed for {plan.settings.watch.stable_s:g} s"
    return None


def has_expected_events(
    events: Mapping[int, int], chosen: ChosenFiles, expected: int | None
) -> str | None:
    """Return that every file that is read has the expected events, or None.

    Parameters
    ----------
    events
        Whole events so far, by channel.
    """
    if expected is None or any(events.get(file.channel, 0) < expected for file in chosen.all):
        return None
    return f"every channel has the expected {expected} events"


def quiet_s(raw_point: RawPoint, sighting: Sighting, plan: ScanPlan, moment: Moment) -> float:
    """Return for how long no file has changed (s).

    A folder without a raw file is only begun while data are taken, and so is
    never quiet; in an acquisition that was there before it is, and so is one
    that cannot be looked into.
    """
    last_write = raw_point.modified_at
    watched_s = moment.steady_s - sighting.unchanged_since_s
    if raw_point.problem:
        return watched_s
    if isinstance(plan.raw, ExistingAcquisition):
        # These data were there before: their own times may be believed.
        unchanged_since = last_write or raw_point.folder_modified_at
        return max(watched_s, (moment.at - unchanged_since).total_seconds())
    return 0.0 if last_write is None else watched_s


def _next_folder(raw_point: RawPoint, neighbours: Sequence[RawPoint]) -> str | None:
    last_write = raw_point.modified_at
    if last_write is None:
        return None
    for other in neighbours:
        is_next = (
            other.acquisition == raw_point.acquisition
            and other.folder != raw_point.folder
            and other.files
            and other.folder_modified_at > last_write
        )
        if is_next:
            return other.folder.name
    return None
