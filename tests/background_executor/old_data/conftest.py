"""Result trees as the system that this one replaces left them, and a store to read them into."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from background_executor.config import SiteConfig
from background_executor.store import Store
from tests.background_executor.old_data.trees import make_old_tree
from tests.seed_store import make_site


@pytest.fixture
def config(tmp_path: Path) -> SiteConfig:
    return make_site(tmp_path / "site")


@pytest.fixture
def store(config: SiteConfig) -> Iterator[Store]:
    opened = config.open_store()
    yield opened
    opened.close()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Every layout of the old system in one tree."""
    return make_old_tree(tmp_path / "old")
