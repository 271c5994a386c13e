"""The site whose pages these are: settings and store, opened once for all browsers.

The settings file is named by the environment variable ``PMT_MONITOR_SETTINGS``.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from background_executor.config import SETTINGS_VARIABLE, SiteConfig, load_config
from background_executor.errors import SettingsError
from background_executor.store import Store


@dataclass(frozen=True)
class OpenSite:
    """Settings and store of the site."""

    config_path: Path
    config: SiteConfig
    store: Store

    @property
    def name(self) -> str:
        """Name of the site."""
        return self.config.site.name

    @property
    def zone(self) -> str:
        """Zone in which times are written."""
        return self.config.site.zone


def open_site() -> OpenSite:
    """Return the site, opened again only when its settings file was changed.

    Raises
    ------
    ExecutorError
        When no settings file is named, or it is wrong, or the store cannot be opened.
    """
    named = os.environ.get(SETTINGS_VARIABLE, "")
    if not named:
        raise SettingsError(
            f"no settings file is named: start with {SETTINGS_VARIABLE}=my-site.toml "
            "streamlit run dashboard/app.py (start from docs/examples/local.toml)"
        )
    path = Path(named).resolve()
    changed_at = path.stat().st_mtime_ns if path.exists() else 0
    return _open(path, changed_at)


@st.cache_resource(max_entries=4, show_spinner=False)
def _open(path: Path, changed_at: int) -> OpenSite:
    # Part of the key alone: a changed file is another site.
    del changed_at
    config = load_config(path)
    return OpenSite(path, config, config.open_store())
