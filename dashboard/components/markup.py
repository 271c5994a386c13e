"""Small pieces of markup that every page uses: icons, chips, ages, definition lists.

Text goes in plain and comes out escaped.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from html import escape
from urllib.parse import quote

from dashboard.icons import Icon
from dashboard.theme import NO_FILL, Look


def icon_css() -> str:
    """Write the icons as style rules: the page's HTML may hold no drawings of its own."""
    rules = []
    for icon in Icon:
        drawing = (
            "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24' fill='none' "
            "stroke='black' stroke-width='2.8' stroke-linecap='round' stroke-linejoin='round'>"
            f"<path d='{icon.value}'/></svg>"
        )
        url = f'url("data:image/svg+xml,{quote(drawing)}")'
        rules.append(f".{_icon_class(icon)} {{ mask-image: {url}; -webkit-mask-image: {url}; }}")
    return "\n".join(rules)


def icon_mark(icon: Icon) -> str:
    """Draw an icon in the colour of the text around it."""
    return f'<span class="pmt-icon {_icon_class(icon)}" aria-hidden="true"></span>'


def _icon_class(icon: Icon) -> str:
    return f"pmt-icon-{icon.name.lower().replace('_', '-')}"


def chip(look: Look, text: str = "") -> str:
    """Draw icon and word of a look in its colours; the text stands behind the word."""
    edge = look.outline if look.outline != NO_FILL else look.fill
    fill = "transparent" if look.fill == NO_FILL else look.fill
    more = f" {escape(text)}" if text else ""
    return (
        f'<span class="pmt-chip pmt-{look.pattern.value}" '
        f'style="background-color:{fill};color:{look.ink};border-color:{edge}">'
        f"{icon_mark(look.icon)}<span>{escape(look.word)}{more}</span></span>"
    )


def age_of(moment: datetime | None, prefix: str = "", stale_after_s: int | None = None) -> str:
    """Leave a place for the age of a moment: the clock in the browser writes it and keeps it going.

    What is written here is the moment itself, so that the markup does not
    change while nothing happens.

    Parameters
    ----------
    stale_after_s
        From this age on it is marked as old.
    """
    if moment is None:
        return f'<span class="pmt-age">{escape(prefix)}never</span>'
    limit = "" if stale_after_s is None else f' data-stale-after="{stale_after_s}"'
    written = f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    return (
        f'<span class="pmt-age">{escape(prefix)}<time datetime="{moment.isoformat()}" '
        f'title="{written}" data-age-of="{moment.timestamp():.3f}"{limit}>{written}</time></span>'
    )


def facts(rows: Iterable[tuple[str, str]]) -> str:
    """List names and values; both are plain text."""
    items = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in rows if value
    )
    return f'<dl class="pmt-facts">{items}</dl>'


def paragraph(text: str, kind: str = "") -> str:
    """Write a paragraph of plain text."""
    return f'<p class="pmt-text {escape(kind)}">{escape(text)}</p>'


def folded(title: str, texts: Iterable[str]) -> str:
    """Write paragraphs behind a word that opens and closes them."""
    inside = "".join(paragraph(text, "small") for text in texts)
    return f'<details class="pmt-folded"><summary>{escape(title)}</summary>{inside}</details>'


def row(*pieces: str, kind: str = "") -> str:
    """Put pieces of markup beside each other; they wrap where the page is narrow."""
    return f'<div class="pmt-row {escape(kind)}">{"".join(pieces)}</div>'
