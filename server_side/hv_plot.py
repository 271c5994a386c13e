"""Draw gain over high voltage, both axes logarithmic, with the fitted power law and its band."""

import math
import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from server_side.hv_curve import HvCurve, gain_at_voltage

DATA_COLOUR = "#1A1A1A"
FIT_COLOUR = "#0072B2"
FAULT_COLOUR = "#B83200"
GAIN_UNIT = 1e7
MARGIN = 0.01
"""Of the voltages, drawn beyond the first and last point."""
LINE_LENGTH = 78
MAX_LINES = 3
"""Of one reason or remark; the page has it whole."""
LINE_HEIGHT = 0.045
"""Of the picture: so much room is made above the points for each line of text."""


def draw_hv_plot(
    voltage_v: Sequence[float],
    gain: Sequence[float],
    gain_err: Sequence[float],
    curve: HvCurve,
    *,
    title: str,
    path: Path,
    gain_name: str = "",
    remarks: Sequence[str] = (),
) -> None:
    """Write points, curve and band as a PNG file; without a voltage, why there is none.

    The file is there whole or not at all.

    Parameters
    ----------
    gain_name
        What the gains are, as ``gain_peak of dft``.
    remarks
        What else is to be said beside the voltage: doubtful points.
    """
    figure = Figure(figsize=(7.0, 5.2), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    rows = list(zip(voltage_v, gain, gain_err, strict=True))
    measured = [row for row in rows if _is_drawn(*row)]
    _draw_points(axes, measured, curve)
    _draw_dead(axes, [voltage for voltage, *rest in rows if not _is_drawn(voltage, *rest)])
    if measured:
        _draw_curve(axes, curve, [row[0] for row in measured])
    _write_lines(axes, describe_curve(curve, gain_name, remarks), is_valid=curve.valid)
    _set_up_axes(axes, has_gains=bool(measured))
    if voltages := [voltage for voltage, *_ in rows if voltage > 0]:
        axes.set_xlim((1 - 2 * MARGIN) * min(voltages), (1 + 2 * MARGIN) * max(voltages))
    axes.set_title(title, loc="left", fontsize=11, fontweight="bold")
    aside = path.with_name(f"{path.name}.part")
    figure.savefig(aside, format="png", metadata={"Software": "PMT Scan Monitor"})
    aside.replace(path)


def _is_drawn(voltage: float, gain: float, error: float) -> bool:
    return voltage > 0 and gain > 0 and math.isfinite(error)


def _draw_points(
    axes: Axes, measured: Sequence[tuple[float, float, float]], curve: HvCurve
) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    outliers = {outlier.voltage_v for outlier in curve.outliers}
    for is_outlier, colour, marker, label in (
        (False, DATA_COLOUR, "o", "measured"),
        (True, FAULT_COLOUR, "D", "beside the curve through the others"),
    ):
        rows = [row for row in measured if (row[0] in outliers) == is_outlier]
        if rows:
            voltages, gains, errors = zip(*rows, strict=True)
            axes.errorbar(
                voltages, gains, yerr=errors, fmt=marker, color=colour, markersize=5, label=label
            )


def _draw_dead(axes: Axes, voltages: Sequence[float]) -> None:
    """Mark where no gain was found."""
    for place, voltage in enumerate(voltages):
        label = None if place else "no gain"
        axes.axvline(voltage, color=FAULT_COLOUR, linewidth=1.2, linestyle=(0, (2, 3)), label=label)


def _draw_curve(axes: Axes, curve: HvCurve, voltages: Sequence[float]) -> None:
    grid = np.linspace((1 - MARGIN) * min(voltages), (1 + MARGIN) * max(voltages), 200)
    band = [found for voltage in grid if (found := gain_at_voltage(curve, float(voltage)))]
    if curve.target_gain:
        label = f"gain {curve.target_gain:.3g}"
        axes.axhline(
            curve.target_gain, color=DATA_COLOUR, linewidth=0.8, linestyle=":", label=label
        )
    if not band:
        return
    values, errors = (np.array(part) for part in zip(*band, strict=True))
    alpha = 1.0 if curve.valid else 0.4
    axes.plot(grid, values, color=FIT_COLOUR, linewidth=1.8, alpha=alpha, label="power law")
    axes.fill_between(
        grid, values - errors, values + errors, color=FIT_COLOUR, alpha=0.2, label="one sigma"
    )
    if curve.hv_at_target_v is not None:
        axes.axvline(curve.hv_at_target_v, color=FIT_COLOUR, linewidth=1.0, linestyle="--")


def describe_curve(
    curve: HvCurve, gain_name: str = "", remarks: Sequence[str] = ()
) -> tuple[str, ...]:
    """Return the lines that stand in the picture: the voltage or why there is none, and doubts."""
    of = f" ({gain_name})" if gain_name else ""
    target = f"a gain of {curve.target_gain:.3g}{of}"
    lines = [f"NO VOLTAGE for {target}"]
    if curve.hv_at_target_v is not None:
        error = curve.hv_at_target_err_v or 0.0
        lines = [f"HV for {target}: {curve.hv_at_target_v:.1f} ± {error:.1f} V"]
    if curve.index is not None:
        lines.append(f"index {curve.index:.2f} ± {curve.index_err or 0.0:.2f}")
    if curve.chi2 is not None:
        lines.append(f"χ²/ndf = {curve.chi2:.1f} / {curve.ndf}")
    for reason in (*curve.message.split("; "), *remarks):
        lines += textwrap.wrap(reason, LINE_LENGTH, max_lines=MAX_LINES, placeholder=" ...")
    return tuple(lines)


def _write_lines(axes: Axes, lines: Sequence[str], *, is_valid: bool) -> None:
    low, high = axes.get_ylim()
    axes.set_ylim(low, high * (high / low) ** (LINE_HEIGHT * len(lines)))
    axes.text(
        0.02,
        0.97,
        "\n".join(lines),
        parse_math=False,
        transform=axes.transAxes,
        va="top",
        fontsize=9,
        color=DATA_COLOUR if is_valid else FAULT_COLOUR,
        bbox={"facecolor": "white", "alpha": 0.85, "edgecolor": "none", "pad": 2.0},
        zorder=4,
    )
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="lower right", fontsize=8)


def _set_up_axes(axes: Axes, *, has_gains: bool) -> None:
    axes.set_xlabel("high voltage (V)")
    axes.set_ylabel("gain (10⁷)")
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f}"))
    axes.xaxis.set_minor_locator(NullLocator())
    # The scale of no gain at all would be numbers that nobody measured.
    axes.yaxis.set_major_locator(MaxNLocator(7) if has_gains else NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / GAIN_UNIT:.3g}"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.grid(visible=True, which="both", alpha=0.25)
