"""The result of a single point, for tests that judge it and need no scan around it."""

from datetime import datetime

from server_side.result import PointResult
from server_side.scan import (
    NewAcquisitions,
    ScanKind,
    ScanPlan,
    Slot,
    Take,
    position_points,
    voltage_points,
)
from tests.seed_results import Fate, make_result


def make_point(
    fate: Fate = Fate.HEALTHY,
    kind: ScanKind = ScanKind.POSITION,
    *,
    place: int = 0,
    measured_at: datetime,
    seed: int = 0,
    damage: int = 0,
) -> PointResult:
    """Make the result of one point, by its place in a plan of its own."""
    plan = ScanPlan(
        scan_id="0123456789ab",
        site="demo",
        kind=kind,
        serial_number="KQ0146",
        slot=Slot.ONE,
        started_at=measured_at,
        points=position_points() if kind is ScanKind.POSITION else voltage_points(1800),
        raw=NewAcquisitions(began_after=measured_at),
    )
    take = Take(point=plan.points[place])
    return make_result(plan, take, measured_at, fate=fate, seed=seed, damage=damage)
