"""Power law through the gains of an HV check, and the voltage for a target gain.

Numpy alone, so that the executor can use it too. A voltage is only given when
the measured points bracket the target, the index is physical and the fit is
acceptable; else the message says why there is none.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class HvCurve:
    """gain = gain_at_pivot * (voltage / pivot_v) ** index, fitted in logarithms."""

    index: float | None
    index_err: float | None
    pivot_v: float | None
    gain_at_pivot: float | None
    log_gain_err: float | None
    """Error of ln(gain_at_pivot); uncorrelated with the index at the pivot."""
    hv_at_target_v: float | None
    hv_at_target_err_v: float | None
    target_gain: float
    chi2: float | None
    ndf: int
    valid: bool
    message: str
