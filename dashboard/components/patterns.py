"""The patterns that lie over a tile's colour, as definitions for an SVG."""

from html import escape

from dashboard.theme import LOOKS, NO_FILL, Face, Look, Pattern
from dashboard.views.tiles import Tile
from dashboard.views.wording import TIMES

PATTERN_DEFINITIONS = """<defs>
<pattern id="pmt-hatched" width="9" height="9" patternUnits="userSpaceOnUse">
<path d="M-2 2L2 -2M0 9L9 0M7 11L11 7" stroke="#FFFFFF" stroke-opacity="0.45" stroke-width="1.6"/>
</pattern>
<pattern id="pmt-reversed" width="12" height="12" patternUnits="userSpaceOnUse">
<path d="M-3 9L3 15M0 0L12 12M9 -3L15 3" stroke="#FFFFFF" stroke-opacity="0.5" stroke-width="2.4"/>
</pattern>
<pattern id="pmt-crossed" width="10" height="10" patternUnits="userSpaceOnUse">
<path d="M0 0L10 10M10 0L0 10" stroke="#FFFFFF" stroke-opacity="0.4" stroke-width="1.4"/>
</pattern>
<pattern id="pmt-dotted" width="9" height="9" patternUnits="userSpaceOnUse">
<circle cx="4.5" cy="4.5" r="1.5" fill="#101214" fill-opacity="0.5"/>
</pattern>
<pattern id="pmt-striped" width="8" height="8" patternUnits="userSpaceOnUse">
<path d="M0 4H8" stroke="#101214" stroke-opacity="0.4" stroke-width="1.4"/>
</pattern>
</defs>"""

OUTLINE_WIDTH = 2.5
THIN_WIDTH = 1.2
"""What is only expected stands back behind what is there."""
_OVERLAID = frozenset(
    {Pattern.HATCHED, Pattern.REVERSED, Pattern.CROSSED, Pattern.DOTTED, Pattern.STRIPED}
)


def filled_shape(path: str, look: Look) -> str:
    """Draw a shape in the colour, outline and pattern of a look."""
    dashes = ' stroke-dasharray="6 6"' if look.pattern is Pattern.DASHED else ""
    width = THIN_WIDTH if look.fill == NO_FILL else OUTLINE_WIDTH
    outline = f' stroke="{look.outline}" stroke-width="{width}"{dashes}'
    edge = outline if look.outline != NO_FILL else ""
    # A shape without a fill still has to take the mouse.
    shape = f'<path d="{path}" fill="{look.fill}" fill-rule="evenodd" pointer-events="all"{edge}/>'
    if look.pattern not in _OVERLAID:
        return shape
    return shape + (
        f'<path d="{path}" fill="url(#pmt-{look.pattern.value})" fill-rule="evenodd" '
        'pointer-events="none"/>'
    )


def stale_cover(path: str, x: float, y: float, kind: str, size: float) -> str:
    """Draw the look of what nobody hears of any more; the clock of the page makes it visible.

    Parameters
    ----------
    x, y
        Where its icon stands.
    kind
        ``stale`` for all that is shown, ``live-stale`` for what was going on.
    """
    look = LOOKS[Face.STALE]
    return (
        f'<g class="{kind}" pointer-events="none">{filled_shape(path, look)}'
        f"{drawn_icon(look, x, y, size)}</g>"
    )


def age_marks(tile: Tile) -> str:
    """Say what a tile tells of, for the browser to put its age behind the tile's sentence."""
    told_of = tile.told_of
    return f'data-since="{told_of.at.timestamp():.0f}" data-since-word="{escape(told_of.word)}"'


def takes_mark(tile: Tile, x: float, y: float) -> str:
    """Say beside a tile's icon how many takes there are, when there is more than one."""
    if tile.takes < 2:
        return ""
    ink = LOOKS[tile.face].ink
    return f'<text class="takes" x="{x:.1f}" y="{y:.1f}" fill="{ink}">{TIMES}{tile.takes}</text>'


def drawn_icon(look: Look, x: float, y: float, size: float) -> str:
    """Draw the icon of a look around a place."""
    return (
        f'<path class="icon" d="{look.icon.value}" stroke="{look.ink}" transform="translate('
        f'{x - size / 2:.1f} {y - size / 2:.1f}) scale({size / 24.0:.3f})"/>'
    )
