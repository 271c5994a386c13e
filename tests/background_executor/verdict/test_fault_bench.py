"""Every fault of the simulated bench is named by its own check; the benchmark counts it."""

from collections.abc import Sequence

import pytest

from background_executor.records import Verdict
from server_side.gain_fit import GainFitter
from server_side.simulate import Fault
from tests.fault_bench import OWN_CHECK, Judged, judge_faults


@pytest.fixture(scope="module")
def judged() -> Sequence[Judged]:
    return tuple(judge_faults(GainFitter(), 4711, tuple(Fault)))


def test_every_fault_has_its_own_check() -> None:
    assert set(OWN_CHECK) == set(Fault)
    assert len(set(OWN_CHECK.values())) == len(OWN_CHECK)


@pytest.mark.slow
@pytest.mark.parametrize("fault", Fault)
def test_a_fault_is_named_by_its_own_check(judged: Sequence[Judged], fault: Fault) -> None:
    point = next(point for point in judged if point.fault is fault)
    assert OWN_CHECK[fault] in point.named, point.verdict.summary
    assert point.verdict.verdict is not Verdict.HEALTHY


@pytest.mark.slow
def test_the_clean_centre_is_healthy(judged: Sequence[Judged]) -> None:
    assert judged[0].verdict.verdict is Verdict.HEALTHY, judged[0].verdict.summary
