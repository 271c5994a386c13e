"""What may take long inside of something that may not: the shorter time counts."""

import threading

import pytest

from background_executor.ssh.watchdog import Watchdog


@pytest.mark.parametrize(("outer_s", "inner_s"), [(0.2, 3600.0), (3600.0, 0.2)])
def test_of_two_limits_the_one_that_ends_first_ends_the_connection(
    outer_s: float, inner_s: float
) -> None:
    ended = threading.Event()
    watchdog = Watchdog(ended.set)
    with watchdog.limit(outer_s), watchdog.limit(inner_s):
        assert ended.wait(60)
    watchdog.close()
    assert watchdog.has_bitten


def test_a_limit_inside_that_was_kept_leaves_the_one_around_it() -> None:
    ended = threading.Event()
    watchdog = Watchdog(ended.set)
    with watchdog.limit(0.5):
        with watchdog.limit(3600.0):
            pass
        assert ended.wait(60)
    watchdog.close()
    assert watchdog.has_bitten
