"""Who sits in front of the page: asked once, kept in the address, signed under every command."""

import streamlit as st


def operator_name() -> str:
    """Ask for the operator's name; empty until it is given."""
    name = st.text_input(
        "Your name",
        key="operator",
        bind="query-params",
        max_chars=60,
        placeholder="Your name first, please",
        help="Every act is signed with it. The controls wait for it.",
        icon=":material/person:",
        label_visibility="collapsed",
    )
    return (name or "").strip()
