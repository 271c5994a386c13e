"""The points of an HV check as a row of tiles: the same behaviour as the map."""

from collections.abc import Callable
from html import escape

from dashboard.components.patterns import (
    PATTERN_DEFINITIONS,
    age_marks,
    drawn_icon,
    filled_shape,
    stale_cover,
    takes_mark,
)
from dashboard.components.photocathode import clickable_map
from dashboard.components.selection import Selection
from dashboard.theme import LOOKS
from dashboard.views.tiles import Tile
from dashboard.views.wording import point_label

TILE_WIDTH, TILE_HEIGHT, GAP = 112.0, 92.0, 6.0


def draw_tile_row(tiles: tuple[Tile, ...], title: str) -> str:
    """Draw the points as tiles in the order of the plan."""
    width = len(tiles) * (TILE_WIDTH + GAP) + GAP
    height = TILE_HEIGHT + 2 * GAP
    pieces = "".join(_draw_tile(tile, index) for index, tile in enumerate(tiles))
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" role="group" aria-label="{escape(title)}" '
        f'class="map tiles">{PATTERN_DEFINITIONS}{pieces}'
        f"{stale_cover(_box(0, 0, width, height), width / 2, height / 2, 'stale', 70)}</svg>"
    )


def tile_list(
    tiles: tuple[Tile, ...],
    *,
    title: str,
    picked: str | None,
    key: str,
    on_pick: Callable[[str], None],
    selection: Selection | None = None,
) -> None:
    """Show the points of an HV check; see ``photocathode`` for the parameters."""
    svg = draw_tile_row(tiles, title)
    clickable_map(svg, tiles, picked=picked, key=key, on_pick=on_pick, selection=selection)


def _draw_tile(tile: Tile, index: int) -> str:
    look = LOOKS[tile.face]
    x, y = GAP + index * (TILE_WIDTH + GAP), GAP
    path = _box(x, y, TILE_WIDTH, TILE_HEIGHT)
    centre = x + TILE_WIDTH / 2
    label = escape(tile.label)
    texts = "".join(
        f'<text class="number" x="{centre:g}" y="{y + top:g}" fill="{look.ink}">'
        f"{escape(text)}</text>"
        for top, text in ((24, point_label(tile.point)), (80, tile.number))
        if text
    )
    return (
        f'<g role="button" tabindex="0" aria-label="{label}" data-point="{escape(tile.name)}" '
        f'data-face="{tile.face.value}" data-x="{centre:g}" data-y="{y:g}" '
        f'{age_marks(tile)} class="tile"><title>{label}</title>{filled_shape(path, look)}'
        f"{drawn_icon(look, centre, y + 45, 22)}{texts}{takes_mark(tile, centre + 15, y + 50)}"
        f"{stale_cover(path, centre, y + 45, 'live-stale', 40) if tile.is_live else ''}"
        f'<path class="ring" d="{path}"/></g>'
    )


def _box(x: float, y: float, width: float, height: float) -> str:
    return f"M{x:g} {y:g}h{width:g}v{height:g}h{-width:g}Z"
