"""The buttons beside a point or a selection: what may be decided about it now."""

import streamlit as st

from background_executor.records import PointRecord
from dashboard.components.drawers import open_drawer
from dashboard.components.markup import folded, paragraph
from dashboard.components.selection import Selection, adding_key, set_selection
from dashboard.components.takes_drawer import takes_drawer
from dashboard.views.deciding import ClosedAct, TakesAct, closed_acts, offers
from dashboard.views.tiles import Tile
from dashboard.views.wording import count, point_label

NO_OPERATOR = "Give your name first: every decision is signed."


def act_bar(
    chosen: tuple[PointRecord, ...],
    others: tuple[PointRecord, ...],
    scan_id: str,
    selection: Selection,
    operator: str,
) -> None:
    """Offer the acts for what is selected, or for the one point that is shown.

    Parameters
    ----------
    others
        Takes that are not shown; a flag may be meant for them, too.
    """
    key = f"act-bar-{selection.key}"
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key=key):
        for offer in offers(chosen, others):
            pressed = st.button(
                offer.label,
                key=f"{offer.act.value}-{selection.key}",
                disabled=not operator,
                help=None if operator else NO_OPERATOR,
            )
            if pressed:
                where = point_label(chosen[0].point) if len(chosen) == 1 else offer.number
                title = f"{offer.label} {where}" if len(chosen) == 1 else offer.label
                open_drawer(title, takes_drawer(offer, scan_id, selection))
        if closed := closed_acts(chosen):
            st.html(_say_why_closed(closed), width="content")


def _say_why_closed(closed: tuple[ClosedAct, ...]) -> str:
    """Say behind a word why the other acts are not offered, as the executor would refuse them."""
    title = "Why not the others?" if len(closed) < len(TakesAct) else "Why nothing?"
    return folded(title, [each.words for each in closed])


def selection_bar(selection: Selection, tiles: tuple[Tile, ...], note: str) -> None:
    """Let several points be selected without a keyboard, and say how many are.

    Parameters
    ----------
    note
        Markup that stands beside it.
    """
    key = selection.key
    with st.container(
        horizontal=True, vertical_alignment="center", gap="xsmall", key=f"selection-{key}"
    ):
        st.toggle(
            "Several",
            key=adding_key(key),
            help="A click then adds a point, or takes it out. With a keyboard: Shift and click, "
            "or Shift and Enter; Ctrl+A for all, Escape for none.",
            width="content",
        )
        if st.button("All", key=f"all-{key}", type="tertiary"):
            set_selection(selection, [tile.name for tile in tiles])
            st.rerun(scope="fragment")
        if selection.names:
            said = f"{count(len(selection.names), 'point', 'points')} selected"
            st.html(paragraph(said, "strong small"), width="content")
            if st.button("Clear", key=f"clear-{key}", type="tertiary"):
                set_selection(selection)
                st.rerun(scope="fragment")
        st.html(note, width="content")
