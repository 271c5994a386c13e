"""The drawer at the right: asked for by a button anywhere, opened by the page itself.

A button inside a fragment cannot hold a drawer open, because its fragment is
drawn anew every second. So it leaves a wish and has the whole page run once.
"""

from collections.abc import Callable

import streamlit as st

from dashboard.components.plain import plain
from dashboard.site import OpenSite

Content = Callable[[OpenSite, str], None]
"""Draws what is in a drawer; gets the site and the operator's name."""

_WISH = "drawer-wish"


def open_drawer(title: str, content: Content) -> None:
    """Open a drawer, or put another one in the place of the open one."""
    st.session_state[_WISH] = (title, content)
    st.rerun()


def show_drawer(site: OpenSite, operator: str) -> None:
    """Draw the drawer that was asked for; called once, at the end of a page."""
    wish = st.session_state.pop(_WISH, None)
    if wish is not None:
        title, content = wish
        st.dialog(plain(title), position="right", width="medium")(content)(site, operator)
