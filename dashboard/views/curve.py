"""The gain curve of an HV check, ready to be drawn."""

import math
from dataclasses import dataclass
from datetime import datetime

from background_executor.hv_curve_record import HvCurveRecord
from dashboard.views.wording import with_error
from server_side.hv_curve import HvCurve, gain_at_voltage

BAND_STEPS = 60


@dataclass(frozen=True)
class CurvePoint:
    """One measured point."""

    voltage_v: int
    gain: float
    gain_err: float
    is_used: bool
    note: str


@dataclass(frozen=True)
class BandPoint:
    """The fitted curve at one voltage, with its error."""

    voltage_v: float
    gain: float
    gain_err: float


@dataclass(frozen=True)
class CurveView:
    """What the chart of an HV check shows."""

    scan_id: str
    points: tuple[CurvePoint, ...]
    band: tuple[BandPoint, ...]
    """Empty without a fit."""
    target_gain: float
    hv_v: float | None
    headline: str
    """The voltage for the target gain with its error, or that there is none; which gain it is."""
    message: str
    """Why there is none, or what is doubtful about the one that there is."""
    recommended: str
    """The voltage to set, as the supply can; empty where there is none."""
    details: str
    updated_at: datetime


def show_curve(record: HvCurveRecord) -> CurveView:
    """Show the curve as far as it is measured."""
    curve = record.curve
    points = tuple(
        CurvePoint(entry.voltage_v, entry.gain, entry.gain_err or 0.0, entry.used, entry.note)
        for entry in record.points
        if entry.gain is not None
    )
    return CurveView(
        scan_id=record.scan_id,
        points=points,
        band=_band(curve, points),
        target_gain=curve.target_gain,
        hv_v=curve.hv_at_target_v,
        headline=_headline(record),
        message=curve.message,
        recommended=_recommended(record),
        details=_details(curve),
        updated_at=record.updated_at,
    )


def _headline(record: HvCurveRecord) -> str:
    curve = record.curve
    power = f"{curve.target_gain:.3g}".replace("e+", "e").replace("e0", "e")
    target = f"gain {power} ({record.method} of {record.model})"
    if curve.hv_at_target_v is None:
        return f"No voltage for {target}"
    return f"{with_error(curve.hv_at_target_v, curve.hv_at_target_err_v, 'V')} for {target}"


def _recommended(record: HvCurveRecord) -> str:
    voltage = record.recommended_v
    return "" if voltage is None else f"Set {voltage:g} V: the nearest that the supply can give."


def _details(curve: HvCurve) -> str:
    if curve.index is None or curve.chi2 is None:
        return ""
    index = with_error(curve.index, curve.index_err)
    return f"gain ∝ HV^n with n = {index}, χ²/ndf {curve.chi2:.1f}/{curve.ndf}"


def _band(curve: HvCurve, points: tuple[CurvePoint, ...]) -> tuple[BandPoint, ...]:
    if len(points) < 2:
        return ()
    low = min(point.voltage_v for point in points)
    high = max(point.voltage_v for point in points)
    voltages = (
        math.exp(math.log(low) + step / BAND_STEPS * (math.log(high) - math.log(low)))
        for step in range(BAND_STEPS + 1)
    )
    found = ((voltage, gain_at_voltage(curve, voltage)) for voltage in voltages)
    return tuple(BandPoint(voltage, *value) for voltage, value in found if value is not None)
