"""The tiles of a scan: one for each point, with the face that it shows."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from background_executor.records import PointRecord, PointState
from dashboard.theme import LOOKS, Face, face_of
from dashboard.views.wording import gain_number, gain_with_error, point_label
from server_side.scan import Point

LATE_AFTER = MappingProxyType(
    {
        PointState.ACQUIRING: timedelta(minutes=20),
        PointState.PROCESSING: timedelta(minutes=5),
        PointState.PUBLISHED: timedelta(minutes=2),
    }
)
"""A point that stands still for longer is shown as late: acquiring takes about 5 minutes,
analysing and fetching a few seconds."""


@dataclass(frozen=True)
class Moment:
    """When something happened, with the word for it: ``measured``."""

    word: str
    at: datetime


@dataclass(frozen=True)
class Tile:
    """One point as a map or a list shows it."""

    name: str
    """Name of the point, ``theta10_phi90``."""
    point: Point
    face: Face
    number: str
    """Gain in units of 1e7, or empty."""
    label: str
    """All of it in a sentence: tooltip, and what a screen reader says."""
    takes: int
    """How many times it was measured."""
    told_of: Moment
    """What the sentence tells of; the browser adds its age."""

    @property
    def is_live(self) -> bool:
        """Whether the face tells of something that goes on now."""
        return self.face in (Face.ACQUIRING, Face.PROCESSING, Face.FETCHING)


@dataclass(frozen=True)
class FaceCount:
    """How many tiles show a face."""

    face: Face
    tiles: int


def make_tile(point: PointRecord, now: datetime) -> Tile:
    """Show a point."""
    face = Face.LATE if _is_late(point, now) else face_of(point)
    return Tile(
        name=point.point.name,
        point=point.point,
        face=face,
        number="" if point.gain is None else gain_number(point.gain.gain),
        label=_sentence(point, face),
        takes=point.takes,
        told_of=_told_of(point),
    )


def count_faces(tiles: tuple[Tile, ...]) -> tuple[FaceCount, ...]:
    """Count the faces of a scan, in the order of the table of looks."""
    counts = Counter(tile.face for tile in tiles)
    return tuple(FaceCount(face, counts[face]) for face in LOOKS if counts[face])


def _is_late(point: PointRecord, now: datetime) -> bool:
    limit = LATE_AFTER.get(point.state)
    return limit is not None and now - point.updated_at > limit


def _told_of(point: PointRecord) -> Moment:
    if point.state is PointState.STORED and point.measured_at is not None:
        return Moment("measured", point.measured_at)
    return Moment("changed", point.updated_at)


def _sentence(point: PointRecord, face: Face) -> str:
    parts = [f"{point_label(point.point)}: {LOOKS[face].word}"]
    if point.gain is not None:
        number = gain_with_error(point.gain.gain, point.gain.gain_err)
        parts.append(f"gain {number}, {point.gain.method} of {point.gain.model}")
    elif point.gain_missing:
        parts.append(f"no gain: {point.gain_missing}")
    if point.verdict is not None and not point.gain_missing.startswith(point.verdict.summary):
        parts.append(point.verdict.summary)
    if point.decision is not None:
        parts.append(f"{point.decision.decision.value} by {point.decision.operator}")
    if point.error:
        parts.append(point.error)
    if point.awaits_take is not None:
        parts.append(f"take {point.awaits_take} is waited for")
    if point.takes > 1:
        parts.append(f"take {point.take} of {point.takes}")
    if point.newest_take is not None and point.take != point.newest_take:
        parts.append(f"take {point.newest_take} is flagged")
    return ", ".join(part for part in parts if part)
