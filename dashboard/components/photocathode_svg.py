"""The photocathode as one inline SVG: a sector for each position, with icon and gain."""

from html import escape

from dashboard.components.geometry import (
    CENTRE,
    RIM,
    Sector,
    circle_path,
    lay_out,
    on_disc,
    ring_radii,
)
from dashboard.components.patterns import (
    PATTERN_DEFINITIONS,
    age_marks,
    drawn_icon,
    filled_shape,
    stale_cover,
    takes_mark,
)
from dashboard.theme import LOOKS, NO_FILL, Pattern
from dashboard.views.tiles import Tile
from server_side.scan import PositionPoint

ICON_SIZE = 18.0
STALE_ICON_SIZE = 110.0
_RING_LABEL_DEG = 45.0
"""Between two sectors of the standard plan, where no number stands."""


def draw_photocathode(tiles: tuple[Tile, ...], title: str) -> str:
    """Draw the positions of a scan; tiles of an HV check are left out."""
    places = {tile.name: tile for tile in tiles if isinstance(tile.point, PositionPoint)}
    points = [tile.point for tile in places.values() if isinstance(tile.point, PositionPoint)]
    sectors = "".join(_draw_sector(sector, places[sector.point.name]) for sector in lay_out(points))
    return (
        f'<svg viewBox="-14 -3 628 606" role="group" aria-label="{escape(title)}" class="map">'
        f"{PATTERN_DEFINITIONS}"
        f"{sectors}{_draw_scale(points)}"
        f"{stale_cover(circle_path(RIM), CENTRE, CENTRE, 'stale', STALE_ICON_SIZE)}</svg>"
    )


def _draw_sector(sector: Sector, tile: Tile) -> str:
    look = LOOKS[tile.face]
    x, y = sector.label_at
    label = escape(tile.label)
    dy = ICON_SIZE * 0.62 if tile.number else 0.0
    return (
        f'<g role="button" tabindex="0" aria-label="{label}" data-point="{escape(tile.name)}" '
        f'data-face="{tile.face.value}" data-x="{x:.1f}" data-y="{y:.1f}" {age_marks(tile)} '
        'class="tile">'
        f"<title>{label}</title>{filled_shape(sector.path, look)}{_backing(x, y, tile)}"
        f"{drawn_icon(look, x, y - dy, ICON_SIZE)}{_draw_number(tile, x, y, look.ink)}"
        f"{takes_mark(tile, x + ICON_SIZE * 0.62, y - dy + 5)}"
        f"{stale_cover(sector.path, x, y, 'live-stale', ICON_SIZE) if tile.is_live else ''}"
        f'<path class="ring" d="{sector.path}"/></g>'
    )


def _backing(x: float, y: float, tile: Tile) -> str:
    """Lay a plain ground under icon and number where a pattern would make them hard to read."""
    look = LOOKS[tile.face]
    if look.pattern in (Pattern.SOLID, Pattern.DASHED) or look.fill == NO_FILL:
        return ""
    height = 42.0 if tile.number else 26.0
    width = 52.0 if tile.number else 26.0
    return (
        f'<rect x="{x - width / 2:.1f}" y="{y - height / 2:.1f}" width="{width}" '
        f'height="{height}" rx="6" fill="{look.fill}" pointer-events="none"/>'
    )


def _draw_number(tile: Tile, x: float, y: float, ink: str) -> str:
    if not tile.number:
        return ""
    return (
        f'<text class="number" x="{x:.1f}" y="{y + 17:.1f}" fill="{ink}">'
        f"{escape(tile.number)}</text>"
    )


def _draw_scale(points: list[PositionPoint]) -> str:
    """Write theta along a diagonal and phi around the rim."""
    radii = ring_radii(point.theta_deg for point in points)
    rings = ""
    for theta, (inner, outer) in radii.items():
        x, y = on_disc((inner + outer) / 2 + 3, _RING_LABEL_DEG)
        if inner:
            rings += f'<text class="scale" x="{x:.1f}" y="{y + 4:.1f}">{theta}°</text>'
    azimuths = ""
    for phi in sorted({point.phi_deg for point in points if point.theta_deg}):
        x, y = on_disc(RIM + 11, phi)
        side = {0: " right", 180: " left"}.get(phi, "")
        azimuths += f'<text class="azimuth{side}" x="{x:.1f}" y="{y + 4.5:.1f}">{phi}°</text>'
    return rings + azimuths
