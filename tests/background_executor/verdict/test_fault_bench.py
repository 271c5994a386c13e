"""The table of the fault benchmark; its points are measured there, and in the tests beside."""

from server_side.simulate import Fault
from tests.fault_bench import OWN_CHECK


def test_every_fault_has_its_own_check() -> None:
    assert set(OWN_CHECK) == set(Fault)
    assert len(set(OWN_CHECK.values())) == len(OWN_CHECK)
