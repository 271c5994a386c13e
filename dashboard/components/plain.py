"""Text of people where Streamlit would read markup: labels of buttons, options and titles."""

import re

_MARKUP = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:&@^])")


def plain(text: str, limit: int = 200) -> str:
    """Return a text that is shown as it stands, cut where a label would fill the page."""
    shown = text if len(text) <= limit else f"{text[:limit]}…"
    return _MARKUP.sub(r"\\\1", " ".join(shown.split()))
