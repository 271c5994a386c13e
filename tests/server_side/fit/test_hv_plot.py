"""The picture of an HV check: drawn whole for every outcome."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from server_side.fit_cli import hv_curve_file_json
from server_side.hv_curve import fit_hv_curve
from server_side.hv_plot import describe_curve, draw_hv_plot

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


def test_the_picture_names_the_gain_and_what_is_doubtful_beside_the_voltage() -> None:
    curve = fit_hv_curve(VOLTAGES, GAINS, ERRORS, target_gain=1.25e7)
    doubt = "1850 V: poor: number of selected charges 900"
    first, *others = describe_curve(curve, "gain_peak of dft", [doubt])
    assert first.startswith("HV for a gain of 1.25e+07 (gain_peak of dft): ")
    assert others[-1] == doubt


def test_a_long_remark_leaves_room_for_the_curve() -> None:
    curve = fit_hv_curve(VOLTAGES, GAINS, ERRORS)
    lines = describe_curve(curve, "", ["1850 V: " + "too many words " * 100])
    assert len(lines) == len(describe_curve(curve)) + 3
    assert lines[-1].endswith(" ...")


def test_a_table_tells_the_picture_its_gain_and_notes(tmp_path: Path) -> None:
    rows = [f"{v},{g},{e},gain_peak,dft," for v, g, e in zip(VOLTAGES, GAINS, ERRORS, strict=True)]
    tables = {"plain": "", "noted": '"poor: few, $very$ few charges"'}
    for name, note in tables.items():
        header = "hv_V,gain,gain_err,gain_method,model,note"
        text = "\n".join((header, *rows[:-1], rows[-1] + note))
        (tmp_path / f"{name}.csv").write_text(text)
        hv_curve_file_json(tmp_path / f"{name}.csv", 1e7, tmp_path / f"{name}.png")
    plain, noted = (imread(tmp_path / f"{name}.png") for name in tables)
    assert not np.array_equal(plain, noted)


def test_the_command_line_draws_what_it_prints(tmp_path: Path) -> None:
    table = tmp_path / "KQ0146_gain_vs_hv.csv"
    rows = (f"{v},{g},{e}" for v, g, e in zip(VOLTAGES, GAINS, ERRORS, strict=True))
    table.write_text("\n".join(("hv_V,gain,gain_err", *rows)))
    plot = tmp_path / "hv.png"
    assert '"valid": true' in hv_curve_file_json(table, 1e7, plot)
    assert plot.exists()
