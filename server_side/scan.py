"""What is measured: points, takes, slots and the plan of a scan.

A plan is made by the executor, written beside the scan and never changed; the
job works from it alone. Use ``parse_point`` for names that come from folders.
"""

import re
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints, model_validator

from server_side.boundary import BoundaryModel
from server_side.errors import NameFormatError
from server_side.settings import MeasurementSettings

FORMAT_VERSION = 1
"""Version of plan, result, manifest and journal; raised when a reader must know."""

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$"

SerialNumber = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
SiteName = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
ScanId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{12}$")]
JobUuid = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
FolderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,199}$")]


def _check_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is no time zone; write one like 'Asia/Tokyo'") from error
    return name


ZoneName = Annotated[str, AfterValidator(_check_zone)]


def check_serial_number(text: str) -> str:
    """Return the serial number unchanged when it is one.

    Raises
    ------
    NameFormatError
        When it is empty, too long or holds anything but letters, digits, ``_`` and ``-``.
    """
    if re.fullmatch(NAME_PATTERN.strip("^$"), text) is None:
        raise NameFormatError(
            f"no serial number in {text[:60]!r}: expected a letter or digit, then up to 31 "
            "letters, digits, '_' or '-', like 'KQ0146'"
        )
    return text


class ScanKind(StrEnum):
    """What a scan steps through."""

    POSITION = "position"
    """Positions of the laser over the photocathode."""
    HV = "hv"
    """High voltages at one position."""


class Slot(IntEnum):
    """Which of the two places on the bench a PMT stands in."""

    ONE = 1
    """PMT 1, read by channel 2 unless settings say otherwise."""
    TWO = 2
    """PMT 2, read by channel 3 unless settings say otherwise."""


class PositionPoint(BoundaryModel):
    """One position of the laser: zenith theta from the centre, azimuth phi."""

    kind: Literal["position"] = "position"
    theta_deg: int = Field(ge=0, le=90)
    phi_deg: int = Field(ge=0, lt=360)

    @property
    def name(self) -> str:
        """Name as the DAQ writes it, ``theta10_phi90``."""
        return f"theta{self.theta_deg}_phi{self.phi_deg}"


class VoltagePoint(BoundaryModel):
    """One high voltage of an HV check."""

    kind: Literal["hv"] = "hv"
    voltage_v: int = Field(gt=0, le=5000)

    @property
    def name(self) -> str:
        """Name as the DAQ writes it, ``HV_1950``."""
        return f"HV_{self.voltage_v}"


Point = Annotated[PositionPoint | VoltagePoint, Field(discriminator="kind")]

_POSITION_NAME = re.compile(r"theta(0|[1-9]\d?)_phi(0|[1-9]\d{0,2})")
_VOLTAGE_NAME = re.compile(r"HV_([1-9]\d{0,3})")


def parse_point(name: str) -> PositionPoint | VoltagePoint:
    """Read a point from its name.

    Raises
    ------
    NameFormatError
        When the name is neither like ``theta10_phi90`` nor like ``HV_1950``.
    """
    position, voltage = _POSITION_NAME.fullmatch(name), _VOLTAGE_NAME.fullmatch(name)
    try:
        if position:
            return PositionPoint(theta_deg=int(position[1]), phi_deg=int(position[2]))
        if voltage:
            return VoltagePoint(voltage_v=int(voltage[1]))
    except ValueError as error:
        raise NameFormatError(f"scan point {name!r} is out of range: {error}") from error
    raise NameFormatError(
        f"no scan point in {name[:60]!r}: expected like 'theta10_phi90' or 'HV_1950'"
    )


def position_points() -> tuple[PositionPoint, ...]:
    """Return the 21 standard positions: the centre, then 5 rings of 4 azimuths."""
    rings = [(theta, phi) for theta in range(10, 60, 10) for phi in range(0, 360, 90)]
    return tuple(PositionPoint(theta_deg=t, phi_deg=p) for t, p in [(0, 0), *rings])


def voltage_points(nominal_v: int) -> tuple[VoltagePoint, ...]:
    """Return the five standard voltages around the nominal one, in steps of 50 V."""
    return tuple(VoltagePoint(voltage_v=nominal_v + step) for step in (-100, -50, 0, 50, 100))


class Take(BoundaryModel):
    """One analysis of one acquisition of a point: what a published folder is named after."""

    point: Point
    take: int = Field(default=1, ge=1, le=999)
    revision: int = Field(default=1, ge=1, le=999)

    @property
    def name(self) -> str:
        """Name of point, take and revision, ``theta10_phi90_take2_rev2``."""
        take = f"_take{self.take}" if self.take > 1 else ""
        revision = f"_rev{self.revision}" if self.revision > 1 else ""
        return f"{self.point.name}{take}{revision}"


_TAKE_NAME = re.compile(r"(.+?)(?:_take([1-9]\d{0,2}))?(?:_rev([1-9]\d{0,2}))?")


def parse_take(name: str) -> Take:
    """Read point, take and revision from a name like ``theta10_phi90_take2_rev2``.

    Raises
    ------
    NameFormatError
        When it is no such name, or not the one way to write it.
    """
    match = _TAKE_NAME.fullmatch(name)
    if match is None:
        raise NameFormatError(f"no take in {name[:60]!r}: expected like 'theta10_phi90_take2'")
    take = Take(point=parse_point(match[1]), take=int(match[2] or 1), revision=int(match[3] or 1))
    if take.name != name:
        raise NameFormatError(f"take {name[:60]!r} would be written {take.name!r}")
    return take


class NewAcquisitions(BoundaryModel):
    """Raw data of acquisitions that began after a moment: the usual live scan."""

    source: Literal["new"] = "new"
    began_after: AwareDatetime
    """Start of the scan less the site's grace."""


class ExistingAcquisition(BoundaryModel):
    """Raw data of one acquisition that the operator picked from a list."""

    source: Literal["existing"] = "existing"
    folder: FolderName
    """Name of the acquisition folder below the raw base."""


RawSource = Annotated[NewAcquisitions | ExistingAcquisition, Field(discriminator="source")]


class ScanPlan(BoundaryModel):
    """Everything that a job must know of a scan, fixed when the scan starts."""

    format_version: Literal[1] = 1
    scan_id: ScanId
    site: SiteName
    kind: ScanKind
    serial_number: SerialNumber
    slot: Slot
    started_at: AwareDatetime
    zone: ZoneName = "Asia/Tokyo"
    points: tuple[Point, ...] = Field(min_length=1)
    raw: RawSource
    settings: MeasurementSettings = MeasurementSettings()

    @model_validator(mode="after")
    def _check_points(self) -> "ScanPlan":
        names = [point.name for point in self.points]
        if len(set(names)) != len(names):
            raise ValueError("a point stands in the plan twice")
        if any(point.kind != self.kind for point in self.points):
            raise ValueError(f"a point of another kind stands in a {self.kind} scan")
        return self

    @property
    def stamp(self) -> str:
        """Start of the scan in the site's zone, as folder names have it."""
        return zone_stamp(self.started_at, self.zone)


def zone_stamp(moment: datetime, zone: str) -> str:
    """Write a moment as ``YYYYMMDD_HHMMSS`` in a zone."""
    return moment.astimezone(ZoneInfo(zone)).strftime("%Y%m%d_%H%M%S")
