"""The gain curve of an HV check: a voltage only when every measured point carries it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from background_executor import queries
from background_executor.decisions.decision_records import DecisionKind
from background_executor.hv_curve_record import HvCurveRecord
from background_executor.judging.health import GainMethod, HealthSettings
from background_executor.judging.limits import Limits
from background_executor.judging.verdict import judge
from background_executor.store import Store
from server_side.result import Quantity, ValidFit
from server_side.scan import ScanPlan, Take
from tests.seed_results import Fate, make_result

TRUE_HV = 1785.0
INDEX = 6.9
HEALTH = HealthSettings()


def _curve(store: Store, plan: ScanPlan) -> HvCurveRecord:
    record = queries.hv_curve(store, plan.scan_id, HEALTH)
    assert record is not None
    return record


def _measure(
    store: Store,
    plan: ScanPlan,
    now: datetime,
    fates: Mapping[int, Fate] | None = None,
    *,
    count: int = 5,
    health: HealthSettings | None = None,
) -> None:
    with store.writing(now) as writer:
        writer.add_scan(plan, "me")
    for number, point in enumerate(plan.points[:count]):
        gain = 1e7 * (int(point.name.removeprefix("HV_")) / TRUE_HV) ** INDEX
        fate = (fates or {}).get(number, Fate.HEALTHY)
        result = make_result(plan, Take(point=point), now, fate=fate, gain=gain, seed=number)
        with store.writing(now + timedelta(minutes=number)) as writer:
            judgement = judge(result, health or HealthSettings(), now)
            writer.add_result(result, Path(point.name), f"{number:064x}", judgement)


def test_a_whole_check_gives_the_voltage_with_its_error(
    store: Store, hv_plan: ScanPlan, now: datetime
) -> None:
    _measure(store, hv_plan, now)
    record = _curve(store, hv_plan)
    assert [point.used for point in record.points] == [True] * 5
    curve = record.curve
    assert curve.hv_at_target_v == pytest.approx(TRUE_HV, abs=3.0)
    assert curve.hv_at_target_err_v is not None
    assert record.updated_at == now + timedelta(minutes=4)


def test_points_that_are_not_measured_yet_are_not_in_the_curve(
    store: Store, hv_plan: ScanPlan, now: datetime
) -> None:
    _measure(store, hv_plan, now, count=2)
    record = _curve(store, hv_plan)
    assert [point.voltage_v for point in record.points] == [1700, 1750]
    assert (record.curve.valid, record.curve.hv_at_target_v) == (False, None)
    assert "at least 3 points" in record.curve.message


@pytest.mark.parametrize("fate", [Fate.NO_LIGHT, Fate.FIT_FAILED])
def test_a_dead_point_takes_the_voltage_away_until_it_is_flagged(
    store: Store, hv_plan: ScanPlan, now: datetime, fate: Fate
) -> None:
    _measure(store, hv_plan, now, {4: fate})
    dead = _curve(store, hv_plan)
    assert (dead.points[4].used, dead.points[4].gain) == (False, None)
    assert dead.points[4].note
    assert (dead.curve.valid, dead.curve.hv_at_target_v) == (False, None)
    assert dead.curve.index is not None
    assert "no gain at 1900 V" in dead.curve.message
    with store.writing(now) as writer:
        writer.add_decision(
            hv_plan.scan_id,
            hv_plan.points[4],
            1,
            DecisionKind.FLAGGED,
            reason="HV",
            comment="",
            operator="night shift",
        )
    flagged = _curve(store, hv_plan)
    assert flagged.points[4].note == "flagged by night shift: HV"
    assert flagged.curve.hv_at_target_v == pytest.approx(TRUE_HV, abs=3.0)


def test_a_poor_point_is_used_and_named(store: Store, hv_plan: ScanPlan, now: datetime) -> None:
    few = HealthSettings(statistics=Limits(inner_low=10**9, outer_low=10**9))
    _measure(store, hv_plan, now, count=1, health=few)
    _measure(store, hv_plan, now)
    first, *others = _curve(store, hv_plan).points
    assert first.used
    assert first.note.startswith("poor: ")
    assert {(point.used, point.note) for point in others} == {(True, "")}
    curve = _curve(store, hv_plan).curve
    assert "1700 V is poor: " in curve.message
    assert curve.hv_at_target_v == pytest.approx(TRUE_HV, abs=3.0)


@pytest.mark.parametrize(("ratio", "limit"), [(2.5, "inner limit 2"), (40.0, "outer limit 3")])
def test_a_fit_that_misses_its_spectrum_makes_the_voltage_doubtful(
    store: Store, hv_plan: ScanPlan, now: datetime, ratio: float, limit: str
) -> None:
    _measure(store, hv_plan, now)
    point = hv_plan.points[3]
    gain = 1e7 * (1850 / TRUE_HV) ** INDEX
    result = make_result(hv_plan, Take(point=point, revision=2), now, gain=gain, seed=3)
    chi2 = Quantity(name="chi2_per_ndf", value=ratio, error=0.1, unit="", meaning="of dft")
    result = result.model_copy(update={"quality": (*result.quality, chi2)})
    with store.writing(now + timedelta(minutes=9)) as writer:
        writer.add_result(result, Path(point.name), "f" * 64, judge(result, HEALTH, now))
    record = _curve(store, hv_plan)
    assert record.points[3].used
    assert "1850 V is doubtful, the fit misses its spectrum: chi2 per ndf" in record.curve.message
    assert limit in record.curve.message


@pytest.mark.parametrize(
    "other", [{"hv_model": "poisson_gauss"}, {"hv_gain": GainMethod.GAIN_MEAN}]
)
def test_a_gain_of_another_model_or_method_is_left_out_until_it_is_judged_again(
    store: Store, hv_plan: ScanPlan, now: datetime, other: dict[str, str]
) -> None:
    _measure(store, hv_plan, now, count=4)
    result = make_result(hv_plan, Take(point=hv_plan.points[4]), now, gain=1.54e7, seed=4)
    (fit,) = result.fits
    assert isinstance(fit, ValidFit)
    mean = {"gain_mean": fit.gain_peak, "gain_mean_err": fit.gain_peak_err}
    fits = tuple(fit.model_copy(update={**mean, "model": m}) for m in ("dft", "poisson_gauss"))
    result = result.model_copy(update={"fits": fits})
    with store.writing(now + timedelta(minutes=9)) as writer:
        judgement = judge(result, HealthSettings.model_validate(other), now)
        writer.add_result(result, Path("HV_1900"), "f" * 64, judgement)
    record = _curve(store, hv_plan)
    last = record.points[4]
    assert (record.model, record.method) == ("dft", "gain_peak")
    assert (last.used, last.gain is None, record.curve.hv_at_target_v) == (False, False, None)
    assert f"its gain is {last.method} of {last.model}, the curve's is gain_peak of dft" in (
        record.curve.message
    )
    (stored,) = queries.results_of_point(store, hv_plan.scan_id, hv_plan.points[4])
    with store.writing(now + timedelta(minutes=10)) as writer:
        writer.add_verdict(stored.result_id, judge(result, HEALTH, now))
    assert _curve(store, hv_plan).curve.hv_at_target_v == pytest.approx(TRUE_HV, abs=3.0)


def test_a_point_that_could_not_be_analysed_takes_the_voltage_away(
    store: Store, hv_plan: ScanPlan, now: datetime
) -> None:
    _measure(store, hv_plan, now, count=4)
    with store.writing(now) as writer:
        writer.add_failure(
            hv_plan.scan_id, hv_plan.points[4], 1, 3, "wave2.txt is empty", final=True
        )
    record = _curve(store, hv_plan)
    assert record.curve.hv_at_target_v is None
    assert "wave2.txt is empty" in record.curve.message


def test_a_target_that_is_not_bracketed_gives_none(
    store: Store, hv_plan: ScanPlan, now: datetime
) -> None:
    _measure(store, hv_plan, now)
    record = queries.hv_curve(store, hv_plan.scan_id, HealthSettings(target_gain=3e7))
    assert record is not None
    assert (record.curve.hv_at_target_v, record.curve.target_gain) == (None, 3e7)
    assert record.curve.message


def test_a_position_scan_has_no_curve(scanning: Store, plan: ScanPlan) -> None:
    assert queries.hv_curve(scanning, plan.scan_id, HEALTH) is None
    assert queries.hv_curve(scanning, "ffffffffffff", HEALTH) is None


@pytest.mark.parametrize("step_v", [1.0, 5.0, 0.1])
def test_the_recommended_voltage_is_one_that_the_supply_can_be_set_to(
    store: Store, hv_plan: ScanPlan, now: datetime, step_v: float
) -> None:
    _measure(store, hv_plan, now)
    health = HealthSettings(supply_step_v=step_v)
    record = queries.hv_curve(store, hv_plan.scan_id, health)
    assert record is not None
    assert record.recommended_v is not None
    assert record.curve.hv_at_target_v is not None
    steps = record.recommended_v / step_v
    assert steps - round(steps) == pytest.approx(0.0, abs=1e-6)
    assert abs(record.recommended_v - record.curve.hv_at_target_v) <= 0.5 * step_v + 1e-9


def test_without_a_voltage_none_is_recommended(
    store: Store, hv_plan: ScanPlan, now: datetime
) -> None:
    _measure(store, hv_plan, now, {2: Fate.FIT_FAILED})
    assert _curve(store, hv_plan).recommended_v is None
