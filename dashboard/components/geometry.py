"""Where the positions of a scan lie on the picture of a photocathode.

The PMT is seen from the front. phi = 0 is on the right and phi grows
counter-clockwise; theta grows from the centre outwards. The rings have equal
widths, whatever their theta: the picture is a map to click on, not a
projection.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from server_side.scan import PositionPoint

CENTRE = 300.0
RIM = 281.0
"""Radius of the photocathode in a picture of 600 by 600."""
SEAM = 2.0
"""Half of the gap between two sectors, so that no outline lies on another."""


@dataclass(frozen=True)
class Sector:
    """One position's piece of the disc; angles in degrees, counter-clockwise from the right."""

    point: PositionPoint
    inner: float
    outer: float
    from_deg: float
    to_deg: float

    @property
    def label_at(self) -> tuple[float, float]:
        """Where icon and number stand."""
        if self.inner == 0.0 and self.to_deg - self.from_deg >= 360.0:
            return CENTRE, CENTRE
        return on_disc((self.inner + self.outer) / 2, (self.from_deg + self.to_deg) / 2)

    @property
    def path(self) -> str:
        """Outline as an SVG path."""
        outer = self.outer - SEAM
        inner = self.inner + SEAM if self.inner else 0.0
        if self.to_deg - self.from_deg >= 360.0:
            return circle_path(outer) + (circle_path(inner) if inner else "")
        wide = int(self.to_deg - self.from_deg > 180.0)
        x1, y1 = on_disc(outer, self.from_deg + _seam_deg(outer))
        x2, y2 = on_disc(outer, self.to_deg - _seam_deg(outer))
        x3, y3 = on_disc(inner, self.to_deg - _seam_deg(inner))
        x4, y4 = on_disc(inner, self.from_deg + _seam_deg(inner))
        return (
            f"M{x1:.1f} {y1:.1f}A{outer:.1f} {outer:.1f} 0 {wide} 0 {x2:.1f} {y2:.1f}"
            f"L{x3:.1f} {y3:.1f}A{inner:.1f} {inner:.1f} 0 {wide} 1 {x4:.1f} {y4:.1f}Z"
        )


def on_disc(radius: float, angle_deg: float) -> tuple[float, float]:
    """Return the place of a radius and an azimuth in the picture."""
    angle = math.radians(angle_deg)
    return CENTRE + radius * math.cos(angle), CENTRE - radius * math.sin(angle)


def ring_radii(thetas: Iterable[int]) -> dict[int, tuple[float, float]]:
    """Return inner and outer radius of each ring of theta."""
    rings = sorted(set(thetas))
    width = RIM / len(rings) if rings else RIM
    return {theta: (index * width, (index + 1) * width) for index, theta in enumerate(rings)}


def lay_out(points: Iterable[PositionPoint]) -> tuple[Sector, ...]:
    """Give each position its sector: it reaches half way to its neighbours in phi."""
    known = tuple(points)
    radii = ring_radii(point.theta_deg for point in known)
    sectors = []
    for theta, (inner, outer) in radii.items():
        ring = sorted((p for p in known if p.theta_deg == theta), key=lambda p: p.phi_deg)
        for index, point in enumerate(ring):
            half_back = _gap(ring[index - 1], point) / 2
            half_on = _gap(point, ring[(index + 1) % len(ring)]) / 2
            sectors.append(
                Sector(point, inner, outer, point.phi_deg - half_back, point.phi_deg + half_on)
            )
    return tuple(sectors)


def _gap(one: PositionPoint, next_one: PositionPoint) -> float:
    """Return the angle from one azimuth on to the next; a whole turn for a single one."""
    return float((next_one.phi_deg - one.phi_deg) % 360 or 360)


def _seam_deg(radius: float) -> float:
    """Return the angle that a seam takes at a radius."""
    return math.degrees(math.asin(SEAM / radius)) if radius > SEAM else 0.0


def circle_path(radius: float) -> str:
    """Return a circle around the centre as an SVG path."""
    left, right = CENTRE - radius, CENTRE + radius
    arc = f"A{radius:.1f} {radius:.1f} 0 1 0"
    return f"M{right:.1f} {CENTRE}{arc} {left:.1f} {CENTRE}{arc} {right:.1f} {CENTRE}Z"
