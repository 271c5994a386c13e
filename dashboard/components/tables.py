"""Tables of plain text; a cell may be a chip."""

from collections.abc import Iterable, Sequence
from html import escape

from dashboard.components.markup import chip
from dashboard.theme import Look

Cell = str | Look
LONG_TEXT = 400
"""A longer text gets a place of its own in its cell, to be scrolled."""


def table(heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """Write a table; text is escaped, a look becomes its chip.

    A wide one is pushed sideways within its own place. That stands beside it, not in the style
    sheet: a browser may draw a table before that has come, and the page would hang over.
    """
    top = "".join(f"<th>{escape(text)}</th>" for text in heads)
    lines = "".join(f"<tr>{''.join(_cell(cell) for cell in row)}</tr>" for row in rows)
    return (
        f'<div style="overflow-x:auto"><table class="pmt-table"><thead><tr>{top}</tr></thead>'
        f"<tbody>{lines}</tbody></table></div>"
    )


def _cell(cell: Cell) -> str:
    if isinstance(cell, Look):
        return f"<td>{chip(cell)}</td>"
    if len(cell) > LONG_TEXT:
        return f'<td><div class="pmt-long">{escape(cell)}</div></td>'
    return f"<td>{escape(cell)}</td>"
