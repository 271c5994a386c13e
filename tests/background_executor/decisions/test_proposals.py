"""Which defects the findings of a verdict propose, and in which order."""

from datetime import UTC, datetime

import pytest

from background_executor.decisions.decision_settings import DEFAULT_DEFECTS, OTHER
from background_executor.decisions.rules import proposed_reasons
from background_executor.judging.checks import Measured, check_limits
from background_executor.judging.limits import DEFAULT_CHECKS, Bounds, Limits, MeasurementCheck
from background_executor.records import (
    CheckOutcome,
    CheckRecord,
    PointRecord,
    PointState,
    Verdict,
    VerdictRecord,
)
from server_side.scan import PositionPoint

NOW = datetime(2026, 2, 20, 3, 0, tzinfo=UTC)
OPEN = (None, None)
A_BIT = 1.0


def judged_point(*checks: CheckRecord) -> PointRecord:
    """Return a stored point whose verdict found this."""
    return PointRecord(
        scan_id="0123456789ab",
        point=PositionPoint(theta_deg=10, phi_deg=90),
        state=PointState.STORED,
        takes=1,
        take=1,
        revision=1,
        result_id=7,
        gain=None,
        gain_missing="",
        verdict=VerdictRecord(Verdict.CHECK, "it asks for a look", "", checks, NOW),
        decision=None,
        error="",
        tries=0,
        measured_at=NOW,
        acquired_at=None,
        stored_at=NOW,
        updated_at=NOW,
    )


def beyond() -> list[tuple[MeasurementCheck, float]]:
    """Return every side of every check that comes with this program, and a value beyond it."""
    low = [(c, c.outer_low - A_BIT) for c in DEFAULT_CHECKS if c.outer_low is not None]
    high = [(c, c.outer_high + A_BIT) for c in DEFAULT_CHECKS if c.outer_high is not None]
    return [*low, *high]


def found(name: str, value: float, limits: Bounds, *, required: bool = False) -> CheckRecord:
    return check_limits(Measured(name, value), limits, required=required)


def unmeasured(name: str, *, required: bool) -> CheckRecord:
    outcome, text = CheckOutcome.NOT_MEASURED, "there is none"
    return CheckRecord(name, outcome, required, None, None, "", OPEN, OPEN, text)


@pytest.mark.parametrize(
    ("check", "value"), beyond(), ids=lambda each: getattr(each, "measurement", "")
)
def test_every_check_proposes_a_defect_on_either_side(
    check: MeasurementCheck, value: float
) -> None:
    record = found(check.measurement, value, check)
    assert record.outcome is CheckOutcome.OUTSIDE
    assert proposed_reasons(judged_point(record), DEFAULT_DEFECTS)


@pytest.mark.parametrize(
    ("name", "value", "defect"),
    [
        ("chi2_per_ndf", 4.0, "fit failed"),
        ("gain_model_systematic", 0.3, "fit failed"),
        ("spe_resolution", 0.9, "double peak"),
        ("spe_resolution", 0.05, "fit failed"),
        ("peak_to_valley", 1.0, "noise"),
        ("occupancy", 0.005, "low statistics"),
        ("occupancy", 6.0, OTHER),
        ("baseline_noise_adc", 0.1, "DAQ"),
        ("monitor_drift", 0.2, OTHER),
        ("reference_ks_distance", 0.2, OTHER),
        ("relative_efficiency", 0.2, OTHER),
    ],
)
def test_a_defect_is_that_of_the_side_on_which_a_value_is(
    name: str, value: float, defect: str
) -> None:
    (limits,) = (check for check in DEFAULT_CHECKS if check.measurement == name)
    point = judged_point(found(name, value, limits))
    assert proposed_reasons(point, DEFAULT_DEFECTS) == (defect,)


def test_what_is_outside_stands_before_what_is_near_and_what_names_nothing_is_last() -> None:
    limits = Limits(inner_high=1.0, outer_high=2.0)
    near, outside = found("dark_rate_hz", 1.5, limits), found("gain", 3.0, limits)
    own = found("a_check_of_this_site", 3.0, limits)
    point = judged_point(own, near, outside)
    assert proposed_reasons(point, DEFAULT_DEFECTS) == ("high gain", "light leak", OTHER)


def test_what_does_not_ask_for_a_look_proposes_nothing_without_a_name() -> None:
    limits = Limits(inner_high=1.0, outer_high=2.0)
    near = found("monitor_drift", 1.5, limits)
    assert proposed_reasons(judged_point(near), DEFAULT_DEFECTS) == ()
    assert proposed_reasons(judged_point(unmeasured("own", required=False)), DEFAULT_DEFECTS) == ()
    needed = judged_point(unmeasured("own", required=True))
    assert proposed_reasons(needed, DEFAULT_DEFECTS) == (OTHER,)
