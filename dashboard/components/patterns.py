"""The patterns that lie over a tile's colour, as definitions for an SVG."""

from dashboard.theme import NO_FILL, Look, Pattern

PATTERN_DEFINITIONS = """<defs>
<pattern id="pmt-hatched" width="9" height="9" patternUnits="userSpaceOnUse">
<path d="M-2 2L2 -2M0 9L9 0M7 11L11 7" stroke="#FFFFFF" stroke-opacity="0.45" stroke-width="1.6"/>
</pattern>
<pattern id="pmt-reversed" width="12" height="12" patternUnits="userSpaceOnUse">
<path d="M-3 9L3 15M0 0L12 12M9 -3L15 3" stroke="#FFFFFF" stroke-opacity="0.55" stroke-width="3"/>
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

_OVERLAID = frozenset(
    {Pattern.HATCHED, Pattern.REVERSED, Pattern.CROSSED, Pattern.DOTTED, Pattern.STRIPED}
)


def filled_shape(path: str, look: Look) -> str:
    """Draw a shape in the colour, outline and pattern of a look."""
    dashes = ' stroke-dasharray="7 5"' if look.pattern is Pattern.DASHED else ""
    edge = f' stroke="{look.outline}" stroke-width="2"{dashes}' if look.outline != NO_FILL else ""
    # A shape without a fill still has to take the mouse.
    shape = f'<path d="{path}" fill="{look.fill}" fill-rule="evenodd" pointer-events="all"{edge}/>'
    if look.pattern not in _OVERLAID:
        return shape
    return shape + (
        f'<path d="{path}" fill="url(#pmt-{look.pattern.value})" fill-rule="evenodd" '
        'pointer-events="none"/>'
    )
