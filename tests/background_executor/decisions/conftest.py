"""A shift for each test of what people decide."""

import pytest

from tests.background_executor.bench import Bench
from tests.background_executor.decisions.shift import Shift


@pytest.fixture
def shift(bench: Bench) -> Shift:
    return Shift(bench)
