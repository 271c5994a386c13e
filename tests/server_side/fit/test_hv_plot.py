"""The picture of an HV check: drawn whole for every outcome."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from server_side.fit_cli import hv_curve_file_json
from server_side.hv_curve import fit_hv_curve
from server_side.hv_plot import draw_hv_plot

VOLTAGES = [1700.0, 1750.0, 1800.0, 1850.0, 1900.0]
GAINS = [1e7 * (voltage / 1790.0) ** 7 for voltage in VOLTAGES]
ERRORS = [0.004 * gain for gain in GAINS]


@pytest.mark.parametrize(
    "gains",
    [GAINS, [*GAINS[:4], 1.2 * GAINS[4]], [1.0, *GAINS[1:]], [*GAINS[:4], float("nan")], [2e7] * 5],
    ids=["good", "outlier", "swapped", "dead", "flat"],
)
def test_every_outcome_is_drawn(tmp_path: Path, gains: list[float]) -> None:
    curve = fit_hv_curve(VOLTAGES, gains, ERRORS)
    path = tmp_path / "hv.png"
    draw_hv_plot(VOLTAGES, gains, ERRORS, curve, title="KQ0146", path=path)
    pixels = imread(path)
    assert pixels.shape[:2] == (624, 840)
    assert np.ptp(pixels) > 0.5
    assert [entry.name for entry in tmp_path.iterdir()] == ["hv.png"]


def test_nothing_measured_is_drawn_as_nothing(tmp_path: Path) -> None:
    curve = fit_hv_curve([], [], [])
    draw_hv_plot([], [], [], curve, title="KQ0146", path=tmp_path / "hv.png")
    assert (tmp_path / "hv.png").stat().st_size > 1000


def test_the_command_line_draws_what_it_prints(tmp_path: Path) -> None:
    table = tmp_path / "KQ0146_gain_vs_hv.csv"
    rows = (f"{v},{g},{e}" for v, g, e in zip(VOLTAGES, GAINS, ERRORS, strict=True))
    table.write_text("\n".join(("hv_V,gain,gain_err", *rows)))
    plot = tmp_path / "hv.png"
    assert '"valid": true' in hv_curve_file_json(table, 1e7, plot)
    assert plot.exists()
