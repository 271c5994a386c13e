"""A short soak: the long one is ``make soak``."""

import pytest

from tests.cluster.cluster import why_not
from tests.soak.__main__ import plan_scans, soak


@pytest.mark.cluster
@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_two_scans_survive_a_fault_every_few_seconds() -> None:
    if reason := why_not():
        pytest.skip(reason)
    assert soak(42, seed=1, limit_s=1000.0) == []


@pytest.mark.parametrize("points", [1, 21, 42, 500])
def test_a_soak_has_at_least_the_points_that_are_asked_for(points: int) -> None:
    scans, names = plan_scans(points)
    assert points <= scans * len(names) < points + len(names)
    assert len(set(names)) == len(names)
