"""The points of an HV check as a row of tiles: the same behaviour as the map."""

from collections.abc import Callable
from html import escape

from dashboard.components.patterns import PATTERN_DEFINITIONS, filled_shape
from dashboard.components.photocathode import clickable_map
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
        f'<rect class="stale" width="{width:g}" height="{height:g}"/></svg>'
    )


def tile_list(
    tiles: tuple[Tile, ...],
    *,
    title: str,
    picked: str | None,
    key: str,
    on_pick: Callable[[str], None],
) -> None:
    """Show the points of an HV check; see ``photocathode`` for the parameters."""
    clickable_map(draw_tile_row(tiles, title), tiles, picked=picked, key=key, on_pick=on_pick)


def _draw_tile(tile: Tile, index: int) -> str:
    look = LOOKS[tile.face]
    x, y = GAP + index * (TILE_WIDTH + GAP), GAP
    path = f"M{x:g} {y:g}h{TILE_WIDTH:g}v{TILE_HEIGHT:g}h{-TILE_WIDTH:g}Z"
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
        f'class="tile{" live" if tile.is_live else ""}"><title>{label}</title>'
        f'{filled_shape(path, look)}<path class="live-stale" d="{path}"/>'
        f'<path class="icon" d="{look.icon.value}" stroke="{look.ink}" '
        f'transform="translate({centre - 11:g} {y + 34:g}) scale(0.92)"/>'
        f'{texts}<path class="ring" d="{path}"/></g>'
    )
