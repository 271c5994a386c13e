"""A plain chart frame in SVG: scales, ticks, paths. Drawn in the page's own text colour."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from html import escape

MAX_ZOOM = 1.25
"""A chart is not blown up beyond this, whatever room there is."""
TICK_STEPS = (1.0, 2.0, 5.0, 10.0)


@dataclass(frozen=True)
class Frame:
    """A rectangle of the picture and the data that it spans.

    ``x`` and ``y`` turn data into places; a logarithmic axis does so in logarithms.
    """

    left: float
    top: float
    width: float
    height: float
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    is_log: bool = False

    def x(self, value: float) -> float:
        """Return the place of a value on the horizontal axis."""
        return self.left + self.width * self._share(value, self.x_range)

    def y(self, value: float) -> float:
        """Return the place of a value on the vertical axis."""
        return self.top + self.height * (1.0 - self._share(value, self.y_range))

    @property
    def bottom(self) -> float:
        """Lower edge."""
        return self.top + self.height

    @property
    def right(self) -> float:
        """Right edge."""
        return self.left + self.width

    def _share(self, value: float, span: tuple[float, float]) -> float:
        low, high = span
        if self.is_log:
            low, high, value = math.log(low), math.log(high), math.log(value)
        return (value - low) / (high - low) if high > low else 0.5


def ticks(low: float, high: float, wanted: int = 5) -> tuple[float, ...]:
    """Return round numbers within a span, about as many as wanted."""
    span = high - low
    if not span > 0 or not math.isfinite(span):
        return (low,)
    power = 10.0 ** math.floor(math.log10(span / wanted))
    step = next(power * s for s in TICK_STEPS if power * s * wanted >= span)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return tuple(step * index for index in range(first, last + 1))


def points_path(frame: Frame, xs: Iterable[float], ys: Iterable[float]) -> str:
    """Return the SVG path through points."""
    places = (f"{frame.x(x):.1f} {frame.y(y):.1f}" for x, y in zip(xs, ys, strict=True))
    return "M" + "L".join(places)


def draw_axes(
    frame: Frame,
    *,
    x_ticks: Iterable[float],
    y_ticks: Iterable[float],
    x_title: str = "",
    y_title: str = "",
    write_x: Callable[[float], str] = "{:g}".format,
    write_y: Callable[[float], str] = "{:g}".format,
) -> str:
    """Draw the frame with ticks, grid lines and titles; an empty text leaves a tick bare."""
    pieces = [_box(frame)]
    for value in x_ticks:
        x = frame.x(value)
        pieces.append(f'<path class="grid" d="M{x:.1f} {frame.top:.1f}V{frame.bottom:.1f}"/>')
        pieces.append(_text(x, frame.bottom + 18, write_x(value), "tick"))
    for value in y_ticks:
        y = frame.y(value)
        pieces.append(f'<path class="grid" d="M{frame.left:.1f} {y:.1f}H{frame.right:.1f}"/>')
        pieces.append(_text(frame.left - 7, y + 4.5, write_y(value), "tick end"))
    middle_x, middle_y = frame.left + frame.width / 2, frame.top + frame.height / 2
    if x_title:
        pieces.append(_text(middle_x, frame.bottom + 38, x_title, "title"))
    if y_title:
        pieces.append(
            f'<g transform="translate({frame.left - 50:.1f} {middle_y:.1f}) rotate(-90)">'
            f"{_text(0, 0, y_title, 'title')}</g>"
        )
    return "".join(pieces)


def _box(frame: Frame) -> str:
    return (
        f'<rect class="frame" x="{frame.left:.1f}" y="{frame.top:.1f}" '
        f'width="{frame.width:.1f}" height="{frame.height:.1f}"/>'
    )


def _text(x: float, y: float, text: str, kind: str) -> str:
    if not text:
        return ""
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'
