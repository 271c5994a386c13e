"""A site in a temporary folder for each test of the executor."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.background_executor.bench import Bench, make_site_folder


@pytest.fixture
def settings_file(tmp_path: Path) -> Path:
    return make_site_folder(tmp_path)


@pytest.fixture
def bench(settings_file: Path) -> Iterator[Bench]:
    bench = Bench(settings_file)
    yield bench
    bench.close()
