"""Numbers, times and names as the pages write them."""

import math
from datetime import datetime
from zoneinfo import ZoneInfo

from background_executor.new_site.deployed import other_version
from background_executor.records import JobRecord
from server_side.scan import Point, PositionPoint, ScanKind

GAIN_UNIT = 1e7
"""Gains are shown in units of the gain that is aimed at."""
TIMES = "\N{MULTIPLICATION SIGN}"
NO_NUMBER = "\N{EN DASH}"


def gain_number(gain: float) -> str:
    """Write a gain in units of 1e7, as a tile has it: ``1.033``."""
    return f"{gain / GAIN_UNIT:.3f}"


def gain_with_error(gain: float, error: float | None) -> str:
    """Write a gain with its error and its power of ten."""
    return f"({with_error(gain / GAIN_UNIT, error / GAIN_UNIT if error else None)}) {TIMES} 10⁷"


def with_error(value: float, error: float | None, unit: str = "") -> str:
    """Write a number with its error, rounded to two digits of the error."""
    tail = f" {unit}" if unit else ""
    if error is None or not error > 0 or not math.isfinite(error):
        return f"{value:.4g}{tail}"
    decimals = 1 - math.floor(math.log10(error))
    if not 0 <= decimals <= 6 or abs(value) >= 1e6:
        return f"{value:.4g} ± {error:.2g}{tail}"
    return f"{value:.{decimals}f} ± {error:.{decimals}f}{tail}"


def duration(seconds: float) -> str:
    """Write a span of time with its two largest units: ``4 min 20 s``."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def local_time(moment: datetime | None, zone: str) -> str:
    """Write a moment in the site's zone, with the zone's name."""
    if moment is None:
        return NO_NUMBER
    return moment.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S %Z")


def job_news(job: JobRecord, zone: str) -> str:
    """Write what the scheduler or the job said last, when it is to begin, and if it is outdated."""
    at = job.expected_start
    start = "" if at is None else f"expected start {local_time(at, zone)}"
    return ", ".join(part for part in (job.message, start, other_version(job)) if part)


def point_label(point: Point) -> str:
    """Write a point as people say it."""
    if isinstance(point, PositionPoint):
        return f"θ {point.theta_deg}°, φ {point.phi_deg}°"
    return f"{point.voltage_v} V"


def kind_label(kind: ScanKind) -> str:
    """Name a kind of scan."""
    return "HV check" if kind is ScanKind.HV else "position scan"


def count(number: int, one: str, many: str) -> str:
    """Write a number of things."""
    return f"{number:,} {one if number == 1 else many}".replace(",", "\N{THIN SPACE}")


def file_size(size_bytes: int) -> str:
    """Write a size in the largest unit that leaves a whole number before the point."""
    size = float(size_bytes)
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
