"""The map of a PMT in the page: drawn here, clicked and walked through in the browser."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

from dashboard.components.photocathode_svg import draw_photocathode
from dashboard.components.selection import Selection, adding_key, keep_selection
from dashboard.views.tiles import Tile

FOLDER = Path(__file__).parent


@cache
def _component() -> ComponentRenderer:
    return st.components.v2.component(
        "pmt_photocathode",
        html='<div class="photocathode"><p class="coming">The map is being drawn.</p></div>',
        css=(FOLDER / "photocathode.css").read_text(),
        js=(FOLDER / "photocathode.js").read_text(),
    )


def photocathode(
    tiles: tuple[Tile, ...],
    *,
    title: str,
    picked: str | None,
    key: str,
    on_pick: Callable[[str], None],
    selection: Selection | None = None,
) -> None:
    """Show the map of a scan.

    Parameters
    ----------
    title
        What a screen reader calls it.
    picked
        Name of the point that is marked.
    on_pick
        Called with the name of a point that was clicked, or chosen with Enter or Space.
    selection
        The points that are selected together; None where only one can be picked.
    """
    svg = draw_photocathode(tiles, title)
    clickable_map(svg, tiles, picked=picked, key=key, on_pick=on_pick, selection=selection)


def clickable_map(
    svg: str,
    tiles: tuple[Tile, ...],
    *,
    picked: str | None,
    key: str,
    on_pick: Callable[[str], None],
    selection: Selection | None = None,
) -> None:
    """Put a drawing of tiles into the page, to be clicked and walked through."""

    def hand_on() -> None:
        name = st.session_state[key].picked
        # The browser is not believed: only a point of this scan is handed on.
        if any(tile.name == name for tile in tiles):
            on_pick(name)

    def keep() -> None:
        if selection is not None:
            keep_selection(selection, st.session_state[key].selected, tiles)

    data = {"svg": svg, "picked": picked or "", "many": selection is not None}
    if selection is not None:
        data |= {"round": selection.round, "selected": list(selection.names)}
        data["adding"] = bool(st.session_state.get(adding_key(key)))
    _component()(key=key, data=data, on_picked_change=hand_on, on_selected_change=keep)
