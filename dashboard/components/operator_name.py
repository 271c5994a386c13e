"""Who sits in front of the page: asked once in each browser, signed under every command."""

from functools import cache
from pathlib import Path

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

MAX_LENGTH = 60
_LAST = "operator-last"
"""Under this the session keeps the name; an emptied field takes it again."""
_SCRIPT = Path(__file__).with_name("operator_name.js")


@cache
def _component() -> ComponentRenderer:
    return st.components.v2.component("pmt_operator_name", html="<i></i>", js=_SCRIPT.read_text())


def operator_name() -> str:
    """Ask for the operator's name; empty until it is given."""
    _recall()
    name = st.text_input(
        "Your name",
        key="operator",
        persist_state="session",
        max_chars=MAX_LENGTH,
        placeholder="Your name first, please",
        help="Every act is signed with it. The controls wait for it.",
        icon=":material/person:",
        label_visibility="collapsed",
    )
    name = (name or "").strip()
    if name:
        st.session_state[_LAST] = name
    _component()(key="operator-memory", data={"name": name}, on_name_change=_recall)
    return name


def _recall() -> None:
    """Put the name into the field: the one that stands there, or the one that is remembered.

    In every run, because a run that is cut short may lose it on its way to the browser.
    """
    told = getattr(st.session_state.get("operator-memory"), "name", None)
    name = st.session_state.get("operator") or st.session_state.get(_LAST) or told
    if name:
        st.session_state["operator"] = str(name)[:MAX_LENGTH]
