"""Names and number files of the system that this one replaces: text in, values out.

Layouts, each also inside ``archive/`` and ``FLAG/``::

    scan_output_<stamp>/<SN>/data_theta10_phi90/live_data_<stamp>_<SN>_theta10_phi90_GAIN.txt
    synced_data/[<YYYYMMDD>/]<SN>/data_theta10_phi90/...the same
    [test]HV_output_<stamp>/<SN>/data_HV_1900/hv_check_<stamp>_<SN>_HV_1900_GAIN.txt
    [test]HV_output_<stamp>/<SN>/data_HV_1900/hv_1900_check_<stamp>_GAIN.txt
    [test]HV_output_<stamp>/<SN>/<SN>_HV_at_gain_1.00e+07.txt, <SN>_gain_vs_hv_loglog.png
"""

import math
import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from server_side.errors import NameFormatError
from server_side.result import Missing, Quantity
from server_side.scan import NAME_PATTERN, Point, parse_point

GAIN_MEANING = (
    "mean of the first of two Gaussians over the elementary charge, thresholded charge, as the old "
    "system wrote it"
)
_SERIAL = NAME_PATTERN.strip("^$")
_STAMP = r"(?P<stamp>\d{8}_\d{6})"
_PART = r"(?P<part>charge\.png|GAIN\.txt)"
_FILES = tuple(
    re.compile(pattern, re.ASCII)
    for pattern in (
        rf"live_data_{_STAMP}_(?P<serial>{_SERIAL})_(?P<point>theta\d+_phi\d+)_{_PART}",
        rf"hv_check_{_STAMP}_(?P<serial>{_SERIAL})_(?P<point>HV_\d+)_{_PART}",
        rf"hv_(?P<volts>\d+)_check_{_STAMP}_{_PART}",
    )
)
_NUMBER = re.compile(r"[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]{1,3})?")
_VOLTAGE = re.compile(rf"(?P<serial>{_SERIAL})_HV_at_gain_(?P<gain>\d\.\d+e\+\d+)\.txt", re.ASCII)
_CURVE = re.compile(rf"(?P<serial>{_SERIAL})_gain_vs_hv_loglog\.png", re.ASCII)
_CONTAINER = re.compile(r"(test)?(scan|HV)_output_\d{8}(_\d{6})?|\d{8}", re.ASCII)
_HV_CONTAINER = re.compile(r"(test)?HV_output_\d{8}(_\d{6})?", re.ASCII)


class OldPart(StrEnum):
    """Which of a take's two files one is."""

    PLOT = "charge.png"
    """Picture of the charge spectrum."""
    GAIN = "GAIN.txt"
    """The gain, in HV checks with its error."""


@dataclass(frozen=True)
class OldFileName:
    """What the name of a file says."""

    point: Point
    stamp: str
    serial_number: str | None
    """None where the name has none."""
    part: OldPart


def parse_file_name(name: str) -> OldFileName:
    """Read the name of a take's file.

    Raises
    ------
    NameFormatError
        When the old system wrote no such name.
    """
    match = next((found for pattern in _FILES if (found := pattern.fullmatch(name))), None)
    if match is None:
        raise NameFormatError("its name is none that the old system gave to a result")
    said = match.groupdict()
    try:
        datetime.strptime(said["stamp"], "%Y%m%d_%H%M%S")  # noqa: DTZ007 - only whether it is one
    except ValueError as error:
        raise NameFormatError(f"{said['stamp']} is no date and time") from error
    point = parse_point(said.get("point") or f"HV_{said['volts']}")
    return OldFileName(point, said["stamp"], said.get("serial"), OldPart(said["part"]))


def parse_voltage_name(name: str) -> tuple[str, float] | None:
    """Return serial number and gain of a file like ``KQ0146_HV_at_gain_1.00e+07.txt``."""
    match = _VOLTAGE.fullmatch(name)
    return (match["serial"], float(match["gain"])) if match else None


def parse_curve_name(name: str) -> str | None:
    """Return the serial number of the old picture of gain over voltage, drawn anew here."""
    match = _CURVE.fullmatch(name)
    return match["serial"] if match else None


def is_container(name: str) -> bool:
    """Tell whether a folder's name makes what is in it one scan."""
    return _CONTAINER.fullmatch(name) is not None


def is_scan_container(name: str) -> bool:
    """Tell whether the folder was made for one scan; one of a day may hold several."""
    return is_container(name) and not name.isdecimal()


def is_hv_container(name: str) -> bool:
    """Tell whether the folder holds HV checks, each in a folder named after its PMT."""
    return _HV_CONTAINER.fullmatch(name) is not None


def read_gain(text: str) -> Quantity | Missing:
    """Read the content of a gain file; a zero means that there was no fit.

    Raises
    ------
    ValueError
        When it holds no gain.
    """
    lines = text.split()
    if not 1 <= len(lines) <= 2:
        raise ValueError(f"it holds {len(lines)} words: expected a gain, and perhaps its error")
    gain, *errors = (_read_number(line) for line in lines)
    if gain == 0:
        return Missing(name="gain_peak", reason="the old system wrote 0: it had no fit")
    error = errors[0] if errors and errors[0] > 0 else None
    return Quantity(name="gain_peak", value=gain, error=error, unit="", meaning=GAIN_MEANING)


def read_voltage(text: str) -> float:
    """Read the content of a voltage file (V).

    Raises
    ------
    ValueError
        When it is not one positive number.
    """
    voltage_v = _read_number(text.strip())
    if voltage_v <= 0:
        raise ValueError(f"{text.strip()[:40]!r} is no voltage")
    return voltage_v


def _read_number(text: str) -> float:
    if _NUMBER.fullmatch(text) is None or not math.isfinite(float(text)):
        raise ValueError(f"{text[:40]!r} is no number of zero or more")
    return float(text)
