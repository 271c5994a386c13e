"""What the live pages read every second: read anew only when the store has changed.

``change_counter`` costs a quarter of a millisecond; what it guards is read
once for all browsers that look at the same place. Whatever depends on the
clock alone (a point that becomes late) follows within ``CLOCK_STEP_S``.
"""

from datetime import UTC, datetime

import streamlit as st

from background_executor import queries
from background_executor.records import ScanRecord
from dashboard.site import OpenSite
from dashboard.views import live
from dashboard.views.live import SlotView
from server_side.scan import ScanKind, Slot

CLOCK_STEP_S = 5


def fresh_newest(site: OpenSite, slot: Slot) -> ScanRecord | None:
    """Return what was started last in a place."""
    return _read_newest(site, str(site.config_path), slot, queries.change_counter(site.store))


def fresh_slot(
    site: OpenSite, slot: Slot, kind: ScanKind, picked: str | None, now: datetime
) -> SlotView:
    """Return one place of the bench as it is now; see ``live.read_slot``."""
    return _read_slot(
        site,
        str(site.config_path),
        slot,
        kind,
        picked,
        counter=queries.change_counter(site.store),
        step=int(now.timestamp()) // CLOCK_STEP_S,
    )


# An argument with an underscore is no part of the key; the path stands for the site.
@st.cache_data(max_entries=16, show_spinner=False)
def _read_newest(_site: OpenSite, path: str, slot: Slot, counter: int) -> ScanRecord | None:
    del path, counter
    return live.newest_scan(_site.store, _site.config, slot)


@st.cache_data(max_entries=16, show_spinner=False)
def _read_slot(
    _site: OpenSite,
    path: str,
    slot: Slot,
    kind: ScanKind,
    picked: str | None,
    *,
    counter: int,
    step: int,
) -> SlotView:
    del path, counter
    now = datetime.fromtimestamp(step * CLOCK_STEP_S, UTC)
    return live.read_slot(_site.store, _site.config, slot, kind=kind, picked=picked, now=now)
