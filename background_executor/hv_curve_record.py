"""The row of an HV check's gain curve: its points, the power law through them, the voltage."""

from dataclasses import dataclass
from datetime import datetime

from server_side.hv_curve import HvCurve


@dataclass(frozen=True)
class HvPointRecord:
    """One point of an HV curve."""

    voltage_v: int
    gain: float | None
    """None without a valid fit."""
    gain_err: float | None
    model: str
    """Model and method of this gain; empty without one."""
    method: str
    used: bool
    is_dead: bool
    """Measured without a gain of the curve's model and method, and set aside by nobody: it takes
    the voltage away."""
    note: str
    """Why it was left out, or what is doubtful about it although it is used."""


@dataclass(frozen=True)
class HvCurveRecord:
    """The gain curve of an HV check as far as it is measured."""

    scan_id: str
    model: str
    """Charge-response model whose gains make the curve."""
    method: str
    """``gain_peak`` or ``gain_mean``: which gain of it."""
    points: tuple[HvPointRecord, ...]
    curve: HvCurve
    recommended_v: float | None
    """Voltage for the target gain, rounded to the supply's step; None where there is none."""
    updated_at: datetime
