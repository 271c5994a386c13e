"""Draw the charge distribution of a point with its fit, as the file that operators look at."""

import textwrap
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from server_side.result import FitOutcome, Spectrum, SpectrumName, ValidFit
from server_side.scan import Point, PositionPoint, Slot

# Okabe and Ito's colours: apart for all common colour-blindnesses, and in grey.
DATA_COLOUR = "#1A1A1A"
FIT_COLOUR = "#0072B2"
COMPONENT_COLOURS = ("#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
COMPONENT_STYLES = ("--", "-.", ":", (0, (5, 1)), (0, (1, 1)))
FAULT_COLOUR = "#B83200"
AXIS_OF = {
    SpectrumName.THRESHOLD: "charge of pulses above threshold (pC)",
    SpectrumName.WINDOW: "charge in the fixed window (pC)",
    SpectrumName.DARK: "charge in the dark window (pC)",
}
PULL_RANGE = 6.0


@dataclass(frozen=True)
class PlotCaption:
    """What the plot says beside the numbers of the fit."""

    serial_number: str
    point: Point
    slot: Slot
    measured_at: datetime
    """Aware; shown in ``zone``."""
    zone: str


def draw_charge_plot(spectrum: Spectrum, fit: FitOutcome, caption: PlotCaption, path: Path) -> None:
    """Write the charge distribution with fit, components and pulls as a PNG file.

    Without a valid fit the reason stands in the plot instead of a gain.
    """
    figure = Figure(figsize=(8.0, 5.6), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3.2, 1.0))
    _draw_counts(above, spectrum)
    _draw_curves(above, fit)
    _draw_pulls(below, spectrum, fit)
    _write_numbers(above, spectrum, fit)
    above.set_title(_title(caption), loc="left", fontsize=11, fontweight="bold")
    above.set_title(_moment(caption), loc="right", fontsize=9)
    below.set_xlabel(AXIS_OF[spectrum.name])
    figure.savefig(path, format="png", metadata={"Software": "PMT Scan Monitor"})


def _draw_counts(axes: Axes, spectrum: Spectrum) -> None:
    edges, counts = np.asarray(spectrum.edges_pc), np.asarray(spectrum.counts, dtype=np.float64)
    centres = 0.5 * (edges[:-1] + edges[1:])
    axes.errorbar(
        centres,
        counts,
        xerr=0.5 * np.diff(edges),
        yerr=np.sqrt(counts),
        fmt="o",
        markersize=3,
        linewidth=1,
        color=DATA_COLOUR,
        label=f"data, {sum(spectrum.counts):,} charges",
        zorder=3,
    )
    axes.set_xlim(edges[0], edges[-1])
    top = max(float(counts.max()), 1.0)
    if spectrum.name is SpectrumName.THRESHOLD:
        axes.set_ylim(0.0, 1.25 * top)
    else:
        # The pedestal is a hundred times higher than the photoelectrons beside it.
        axes.set_yscale("log")
        axes.set_ylim(0.5, 30.0 * top)
    axes.set_ylabel(_count_label(edges))
    axes.grid(visible=True, alpha=0.25)


def _count_label(edges: np.ndarray[tuple[int], np.dtype[np.float64]]) -> str:
    widths = np.diff(edges)
    if np.allclose(widths, widths[0]):
        return f"charges per {widths[0]:.3g} pC"
    return "charges per bin"


def _draw_curves(axes: Axes, fit: FitOutcome) -> None:
    is_valid = isinstance(fit, ValidFit)
    for place, curve in enumerate(fit.curves):
        is_total = place == 0
        axes.plot(
            curve.charge_pc,
            curve.counts,
            color=FIT_COLOUR if is_total else COMPONENT_COLOURS[(place - 1) % 5],
            linestyle="-" if is_total else COMPONENT_STYLES[(place - 1) % 5],
            linewidth=2.0 if is_total else 1.4,
            alpha=1.0 if is_valid else 0.4,
            label=fit.model if is_total else curve.label,
            zorder=2,
        )
    axes.legend(loc="upper right", fontsize=8, framealpha=0.9, title=_legend_title(fit))


def _legend_title(fit: FitOutcome) -> str | None:
    return None if isinstance(fit, ValidFit) or not fit.curves else "not a valid fit"


def _draw_pulls(axes: Axes, spectrum: Spectrum, fit: FitOutcome) -> None:
    axes.set_ylabel("pull")
    axes.set_ylim(-PULL_RANGE, PULL_RANGE)
    axes.set_yticks((-5, -2, 0, 2, 5))
    axes.grid(visible=True, alpha=0.25)
    axes.axhline(0.0, color=FIT_COLOUR, linewidth=1.5)
    if not isinstance(fit, ValidFit) or not fit.pulls:
        is_valid = isinstance(fit, ValidFit)
        why = f"no pulls: {fit.model} has no curve" if is_valid else "no pulls without a valid fit"
        axes.text(0.5, 0.65, why, ha="center", transform=axes.transAxes)
        return
    edges, pulls = np.asarray(spectrum.edges_pc), np.asarray(fit.pulls)
    centres = 0.5 * (edges[:-1] + edges[1:])
    inside = np.abs(pulls) <= PULL_RANGE
    axes.axhspan(-2.0, 2.0, color=FIT_COLOUR, alpha=0.08, linewidth=0)
    axes.plot(centres[inside], pulls[inside], "o", markersize=3, color=DATA_COLOUR)
    for sign, marker in ((1, "^"), (-1, "v")):
        beyond = sign * pulls > PULL_RANGE
        edge = np.full(int(beyond.sum()), sign * (PULL_RANGE - 0.5))
        axes.plot(centres[beyond], edge, marker, markersize=5, color=FAULT_COLOUR)


def _write_numbers(axes: Axes, spectrum: Spectrum, fit: FitOutcome) -> None:
    is_valid = isinstance(fit, ValidFit)
    axes.text(
        0.02,
        0.96,
        "\n".join(_number_lines(fit)),
        transform=axes.transAxes,
        va="top",
        fontsize=9,
        color=DATA_COLOUR if is_valid else FAULT_COLOUR,
        bbox={"facecolor": "white", "alpha": 0.85, "edgecolor": "none", "pad": 2.0},
        wrap=True,
        zorder=4,
    )
    if not any(spectrum.counts):
        axes.text(0.5, 0.5, "no charges", ha="center", fontsize=14, transform=axes.transAxes)


def _number_lines(fit: FitOutcome) -> list[str]:
    if not isinstance(fit, ValidFit):
        return ["NO GAIN", f"{fit.model}:", *textwrap.wrap(fit.message, 52)]
    lines = []
    if fit.peak_with_error is not None:
        peak, error = fit.peak_with_error
        lines.append(f"gain (peak) = ({peak / 1e7:.4f} ± {error / 1e7:.4f}) · 10⁷")
    if fit.gain_mean is not None:
        error = fit.gain_mean_err or 0.0
        lines.append(f"gain (mean) = ({fit.gain_mean / 1e7:.4f} ± {error / 1e7:.4f}) · 10⁷")
    if fit.chi2_per_ndf is not None:
        quality = f"χ²/ndf = {fit.chi2:.1f} / {fit.ndf} = {fit.chi2_per_ndf:.2f}"
        lines.append(f"{quality},  p = {fit.p_value:.2g}")
    lines += [line for note in fit.message.split("; ") for line in textwrap.wrap(note, 52)]
    return lines


def _title(caption: PlotCaption) -> str:
    point = caption.point
    place = (
        f"θ = {point.theta_deg}°, φ = {point.phi_deg}°"
        if isinstance(point, PositionPoint)
        else f"HV = {point.voltage_v} V"
    )
    return f"{caption.serial_number} (PMT {int(caption.slot)})   {place}"


def _moment(caption: PlotCaption) -> str:
    moment = caption.measured_at.astimezone(ZoneInfo(caption.zone))
    return f"{moment:%Y-%m-%d %H:%M:%S} {moment:%Z} ({caption.zone})"
