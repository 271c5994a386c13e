"""The points of a scan that are selected together, kept for one browser.

The map in the browser adds and takes out; the page empties the selection when
its scan changes or an act was asked for, and says so with a new round.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import streamlit as st

from dashboard.views.tiles import Tile


@dataclass(frozen=True)
class Selection:
    """Selected points of one scan on one map."""

    key: str
    """Of the map."""
    scan_id: str
    round: int = 0
    """Rises when the page replaces what the map holds."""
    names: tuple[str, ...] = ()


def read_selection(key: str, scan_id: str) -> Selection:
    """Return what is selected on a map; nothing of another scan."""
    known = st.session_state.get(_place(key))
    if isinstance(known, Selection) and known.scan_id == scan_id:
        return known
    last = known.round if isinstance(known, Selection) else 0
    return set_selection(Selection(key, scan_id, last))


def set_selection(selection: Selection, names: Sequence[str] = ()) -> Selection:
    """Replace what is selected, here and on the map."""
    changed = replace(selection, round=selection.round + 1, names=tuple(names))
    st.session_state[_place(selection.key)] = changed
    return changed


def keep_selection(selection: Selection, told: object, tiles: tuple[Tile, ...]) -> None:
    """Take over what the map says; the browser is not believed, only points of the scan count."""
    if not isinstance(told, Mapping) or told.get("round") != selection.round:
        return
    named = told.get("names")
    wanted = set(map(str, named)) if isinstance(named, Sequence) else set()
    names = tuple(tile.name for tile in tiles if tile.name in wanted)
    st.session_state[_place(selection.key)] = replace(selection, names=names)


def adding_key(key: str) -> str:
    """Name the switch by which every click on a map adds a point."""
    return f"adding-{key}"


def _place(key: str) -> str:
    return f"selected-{key}"
