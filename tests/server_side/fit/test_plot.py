from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from server_side.plot import PlotCaption, draw_charge_plot
from server_side.result import NoFit, SpectrumName
from server_side.scan import PositionPoint, Slot, VoltagePoint

CAPTION = PlotCaption(
    serial_number="KQ0146",
    point=PositionPoint(theta_deg=10, phi_deg=90),
    slot=Slot.ONE,
    measured_at=datetime(2026, 2, 20, 5, 41, 23, tzinfo=UTC),
    zone="Asia/Tokyo",
)


def png_size(path: Path) -> tuple[int, int]:
    head = path.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")


def test_a_valid_fit_is_drawn(fitter, real_spectra, tmp_path: Path) -> None:
    spectrum = real_spectra[0].spectrum
    draw_charge_plot(spectrum, fitter.fit(spectrum, "two_gaussian"), CAPTION, tmp_path / "a.png")
    assert png_size(tmp_path / "a.png") == (960, 672)


@pytest.mark.parametrize("point", [CAPTION.point, VoltagePoint(voltage_v=1950)])
@pytest.mark.parametrize("level", [0, 300])
def test_a_point_without_a_fit_is_drawn_with_its_reason(
    make_spectrum, tmp_path: Path, point, level: int
) -> None:
    spectrum = make_spectrum(np.linspace(0.5, 4.5, 51), np.full(50, level))
    fit = NoFit(
        outcome="invalid",
        model="two_gaussian",
        spectrum=SpectrumName.THRESHOLD,
        charges=50 * level,
        message="the spectrum has no peak; " + "a long reason with $ and _ in it " * 4,
    )
    caption = PlotCaption("KQ_01-46", point, Slot.TWO, CAPTION.measured_at, "Australia/Melbourne")
    draw_charge_plot(spectrum, fit, caption, tmp_path / "b.png")
    assert png_size(tmp_path / "b.png") == (960, 672)
