"""A charge spectrum with error bars, fit, components and pulls as inline SVG."""

import math
from html import escape

from dashboard.components.axes import MAX_ZOOM, Frame, draw_axes, points_path, ticks
from dashboard.views.spectrum import SpectrumView

LEFT, RIGHT, TOP = 66.0, 10.0, 10.0
COMPONENT_DASHES = ("7 4", "2 4", "9 3 2 3", "4 4")
MAX_ERROR_BARS = 120
"""More bins than this are drawn as an outline alone."""
PULL_LIMIT = 5.0
ROOM_ABOVE, ROOM_FOR_KEY = 1.12, 1.55
NARROW = 400.0
"""A narrower picture has no place for the key beside the peak: it stands above."""


def draw_spectrum(view: SpectrumView, title: str, size: tuple[float, float]) -> str:
    """Draw a spectrum; with a valid fit its pulls stand below.

    Parameters
    ----------
    size
        Width and height of the picture; text keeps its size, so a larger one shows more.
    """
    has_pulls = len(view.pulls) == len(view.counts)
    width, height = size
    frame = _frame(view, width, height - TOP - (132.0 if has_pulls else 46.0))
    kind = " preliminary" if view.is_preliminary else ""
    named = escape(title)
    pieces = [
        f'<svg class="pmt-chart{kind}" viewBox="0 0 {width:g} {height:g}" ',
        f'style="max-width:{MAX_ZOOM * width:.0f}px" role="img" ',
        f'aria-label="{named}"><title>{named}</title>',
        _draw_counts_axes(frame, has_pulls=has_pulls),
        _draw_histogram(frame, view),
        _draw_reference(frame, view),
        _draw_curves(frame, view),
        _draw_peak(frame, view),
        _draw_pulls(frame, view) if has_pulls else "",
        _draw_stamp(frame, view),
        "</svg>",
    ]
    return "".join(pieces)


def _frame(view: SpectrumView, width: float, height: float) -> Frame:
    reference = view.reference.counts if view.reference is not None else ()
    curves = (max(curve.counts, default=0.0) for curve in view.curves)
    highest = max([*view.counts, *reference, *curves, 1.0])
    return Frame(
        left=LEFT,
        top=TOP,
        width=width - LEFT - RIGHT,
        height=height,
        x_range=(view.edges_pc[0], view.edges_pc[-1]),
        y_range=(0.0, (ROOM_ABOVE if width >= NARROW else ROOM_FOR_KEY) * highest),
    )


def _draw_counts_axes(frame: Frame, *, has_pulls: bool) -> str:
    return draw_axes(
        frame,
        x_ticks=ticks(*frame.x_range, 8),
        y_ticks=ticks(*frame.y_range, 5),
        x_title="" if has_pulls else "charge (pC)",
        y_title="charges per bin",
        write_x=(lambda _: "") if has_pulls else "{:g}".format,
    )


def _draw_histogram(frame: Frame, view: SpectrumView) -> str:
    steps = f"M{frame.x(view.edges_pc[0]):.1f} {frame.y(0):.1f}"
    for low, high, count in zip(view.edges_pc, view.edges_pc[1:], view.counts, strict=False):
        steps += f"L{frame.x(low):.1f} {frame.y(count):.1f}H{frame.x(high):.1f}"
    steps += f"V{frame.y(0):.1f}"
    bars = ""
    if len(view.counts) <= MAX_ERROR_BARS:
        for low, high, count in zip(view.edges_pc, view.edges_pc[1:], view.counts, strict=False):
            x, error = frame.x((low + high) / 2), math.sqrt(count)
            bars += f"M{x:.1f} {frame.y(max(count - error, 0)):.1f}V{frame.y(count + error):.1f}"
    return f'<path class="counts" d="{steps}"/><path class="bars" d="{bars}"/>'


def _draw_reference(frame: Frame, view: SpectrumView) -> str:
    if view.reference is None:
        return ""
    steps = f"M{frame.x(view.edges_pc[0]):.1f} {frame.y(0):.1f}"
    for high, count in zip(view.edges_pc[1:], view.reference.counts, strict=False):
        steps += f"V{frame.y(count):.1f}H{frame.x(high):.1f}"
    title = f"reference: {view.reference.name}, scaled"
    return f'<path class="reference" d="{steps}"><title>{escape(title)}</title></path>'


def _draw_curves(frame: Frame, view: SpectrumView) -> str:
    pieces = []
    kind = "" if view.is_fit_valid else " invalid"
    for index, curve in enumerate(view.curves):
        path = points_path(frame, curve.charge_pc, curve.counts)
        if index == 0:
            pieces.append(f'<path class="fit{kind}" d="{path}"/>')
        else:
            dashes = COMPONENT_DASHES[(index - 1) % len(COMPONENT_DASHES)]
            pieces.append(f'<path class="part{kind}" stroke-dasharray="{dashes}" d="{path}"/>')
    return "".join(pieces) + _draw_legend(frame, view)


def _draw_legend(frame: Frame, view: SpectrumView) -> str:
    pieces = []
    for index, curve in enumerate(view.curves):
        y = frame.top + 20 + 19 * index
        x = frame.right - 150
        dashes = COMPONENT_DASHES[(index - 1) % len(COMPONENT_DASHES)] if index else "none"
        kind = ("part" if index else "fit") + ("" if view.is_fit_valid else " invalid")
        pieces.append(
            f'<path class="{kind}" stroke-dasharray="{dashes}" d="M{x:.1f} {y - 4.5:.1f}h28"/>'
            f'<text class="key" x="{x + 35:.1f}" y="{y:.1f}">{escape(curve.label[:24])}</text>'
        )
    return "".join(pieces)


def _draw_peak(frame: Frame, view: SpectrumView) -> str:
    if view.peak_pc is None or not frame.x_range[0] <= view.peak_pc <= frame.x_range[1]:
        return ""
    x = frame.x(view.peak_pc)
    return f'<path class="peak" d="M{x:.1f} {frame.top:.1f}V{frame.bottom:.1f}"/>'


def _draw_pulls(frame: Frame, view: SpectrumView) -> str:
    below = Frame(
        left=frame.left,
        top=frame.bottom + 10,
        width=frame.width,
        height=72.0,
        x_range=frame.x_range,
        y_range=(-PULL_LIMIT, PULL_LIMIT),
    )
    bars = ""
    for low, high, pull in zip(view.edges_pc, view.edges_pc[1:], view.pulls, strict=False):
        left, right = below.x(low), below.x(high)
        end = below.y(max(-PULL_LIMIT, min(PULL_LIMIT, pull)))
        bars += f"M{left:.1f} {below.y(0):.1f}V{end:.1f}H{right:.1f}V{below.y(0):.1f}Z"
    axes = draw_axes(
        below,
        x_ticks=ticks(*below.x_range, 8),
        y_ticks=(-3.0, 0.0, 3.0),
        x_title="charge (pC)",
        y_title="pull",
    )
    return f'{axes}<path class="pulls" d="{bars}"/>'


def _draw_stamp(frame: Frame, view: SpectrumView) -> str:
    text = "" if view.is_fit_valid else ("PRELIMINARY" if view.is_preliminary else "NO VALID FIT")
    if not text:
        return ""
    return (
        f'<text class="stamp" x="{frame.right - 10:.1f}" y="{frame.bottom - 14:.1f}">{text}</text>'
    )
