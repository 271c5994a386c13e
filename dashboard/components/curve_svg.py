"""The gain curve of an HV check, both axes logarithmic, as inline SVG."""

from html import escape

from dashboard.components.axes import MAX_ZOOM, Frame, draw_axes, points_path, ticks
from dashboard.views.curve import CurvePoint, CurveView
from dashboard.views.wording import GAIN_UNIT

WIDE_RATIO = 5.0
"""Beyond this span gain ticks stand at 1, 2 and 5 times a power of ten."""


def draw_curve(view: CurveView, title: str, size: tuple[float, float]) -> str:
    """Draw points, fitted curve with its band, target and, where there is one, the voltage."""
    width, height = size
    frame = _frame(view, width, height)
    named = escape(title)
    pieces = [
        f'<svg class="pmt-chart" viewBox="0 0 {width:g} {height:g}" ',
        f'style="max-width:{MAX_ZOOM * width:.0f}px" role="img" ',
        f'aria-label="{named}"><title>{named}</title>',
        draw_axes(
            frame,
            x_ticks=ticks(*frame.x_range, 6),
            y_ticks=_gain_ticks(*frame.y_range),
            x_title="high voltage (V), logarithmic",
            y_title="gain (10⁷), logarithmic",
            write_y=lambda value: f"{value / GAIN_UNIT:g}",
        ),
        _draw_band(frame, view),
        _draw_target(frame, view),
        "".join(_draw_point(frame, point) for point in view.points),
        "</svg>",
    ]
    return "".join(pieces)


def _gain_ticks(low: float, high: float) -> tuple[float, ...]:
    if high / low < WIDE_RATIO:
        return ticks(low, high, 6)
    marks = (step * 10.0**power for power in range(3, 11) for step in (1, 2, 5))
    return tuple(mark for mark in marks if low <= mark <= high)


def _frame(view: CurveView, width: float, height: float) -> Frame:
    voltages = [float(point.voltage_v) for point in view.points] or [1500.0, 2000.0]
    gains = [g for p in view.points for g in (p.gain - p.gain_err, p.gain + p.gain_err) if g > 0]
    gains = [*gains, view.target_gain]
    return Frame(
        left=74.0,
        top=12.0,
        width=width - 74.0 - 16.0,
        height=height - 12.0 - 48.0,
        x_range=(min(voltages) * 0.99, max(voltages) * 1.01),
        y_range=(min(gains) * 0.85, max(gains) * 1.18),
        is_log=True,
    )


def _draw_band(frame: Frame, view: CurveView) -> str:
    if not view.band:
        return ""
    volts = [place.voltage_v for place in view.band]
    low = [max(place.gain - place.gain_err, 0.01 * place.gain) for place in view.band]
    high = [place.gain + place.gain_err for place in view.band]
    around = points_path(frame, [*volts, *reversed(volts)], [*high, *reversed(low)])
    line = points_path(frame, volts, [place.gain for place in view.band])
    return f'<path class="band" d="{around}Z"/><path class="fit" d="{line}"/>'


def _draw_target(frame: Frame, view: CurveView) -> str:
    y = frame.y(view.target_gain)
    line = f'<path class="peak" d="M{frame.left:.1f} {y:.1f}H{frame.right:.1f}"/>'
    label = f'<text class="key" x="{frame.left + 8:.1f}" y="{y - 7:.1f}">target gain</text>'
    if view.hv_v is None:
        return line + label
    x = frame.x(view.hv_v)
    answer = (
        f'<path class="peak" d="M{x:.1f} {y:.1f}V{frame.bottom:.1f}"/>'
        f'<text class="answer" x="{x + 8:.1f}" y="{frame.bottom - 10:.1f}">{view.hv_v:.0f} V</text>'
    )
    return line + label + answer


def _draw_point(frame: Frame, point: CurvePoint) -> str:
    x, y = frame.x(point.voltage_v), frame.y(point.gain)
    low = frame.y(max(point.gain - point.gain_err, 0.01 * point.gain))
    high = frame.y(point.gain + point.gain_err)
    kind = "measured" if point.is_used else "measured unused"
    label = f"{point.voltage_v} V: {point.gain:.4g} ± {point.gain_err:.2g}"
    if point.note:
        label += f", {point.note}" if point.is_used else f", not used: {point.note}"
    caps = "".join(f"M{x - 4:.1f} {end:.1f}h8" for end in (low, high))
    return (
        f'<g class="{kind}"><title>{escape(label)}</title>'
        f'<path d="M{x:.1f} {low:.1f}V{high:.1f}{caps}"/>'
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5"/></g>'
    )
