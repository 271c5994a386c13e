"""What a point's page says was measured: each quantity once, each model's under its name."""

from pathlib import Path

from background_executor.judging.health import HealthSettings
from background_executor.judging.verdict import judge
from background_executor.records import ResultRecord
from dashboard.views.point import PointView, show_point
from server_side.result import Parameter, Quantity, ValidFit
from tests.dashboard.conftest import NOW, make_point
from tests.seed_point import make_point as make_result


def _quantity(name: str, value: float) -> Quantity:
    return Quantity(name=name, value=value, error=0.01, unit="", meaning=f"What {name} means.")


def _fit(fit: ValidFit, model: str, value: float) -> ValidFit:
    """Return a fit with a parameter and a derived quantity of one name, and one of another."""
    return fit.model_copy(
        update={
            "model": model,
            "parameters": (Parameter(name="occupancy", value=value, error=0.01, unit=""),),
            "derived": (_quantity("occupancy", value), _quantity("spe_resolution", value)),
        }
    )


def _view() -> PointView:
    result = make_result(measured_at=NOW)
    (fit,) = result.fits
    assert isinstance(fit, ValidFit)
    fits = (_fit(fit, "dft", 0.3), _fit(fit, "moments", 0.4))
    names = ("occupancy", "spe_resolution", "monitor_charge_pc")
    quality = tuple(_quantity(name, 0.3) for name in names)
    result = result.model_copy(update={"fits": fits, "quality": quality})
    verdict = judge(result, HealthSettings(), NOW).verdict
    record = ResultRecord(7, "0123456789ab", result, Path("centre"), "f" * 64, verdict, NOW)
    return show_point(make_point(), (record,), None, NOW, "Asia/Tokyo")


def test_a_measured_quantity_stands_once_whatever_the_models_say_of_it() -> None:
    assert [row[0] for row in _view().quality] == [
        "occupancy",
        "spe resolution",
        "monitor charge pc",
    ]


def test_a_check_without_limits_says_so() -> None:
    limits = {check.name: check.limits for check in _view().checks}
    assert limits["monitor charge pc"] == "no limits"
    assert limits["occupancy"] == "inner 0.02 to 3, outer 0.01 to 5"


def test_what_a_fit_says_stands_once_under_its_model() -> None:
    rows = _view().parameters
    assert [row[:2] for row in rows] == [
        ("dft", "occupancy"),
        ("dft", "spe_resolution"),
        ("moments", "occupancy"),
        ("moments", "spe_resolution"),
    ]
    assert rows[3][2:] == ("0.400 ± 0.010", "What spe_resolution means.")
