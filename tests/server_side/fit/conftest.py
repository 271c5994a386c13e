import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from server_side.result import Spectrum, SpectrumName

DATA = Path(__file__).parents[2] / "data"


@dataclass(frozen=True)
class RealSpectrum:
    """A spectrum read off a published plot, with the gain that was published beside it."""

    spectrum: Spectrum
    published_gain: float


@pytest.fixture(scope="session")
def real_spectra() -> tuple[RealSpectrum, ...]:
    entries = json.loads((DATA / "spectra.json").read_text())["spectra"]
    return tuple(
        RealSpectrum(
            Spectrum(
                name=SpectrumName.THRESHOLD,
                edges_pc=tuple(entry["charge_edges_pC"]),
                counts=tuple(entry["counts"]),
            ),
            entry["published_gain"],
        )
        for entry in entries
    )


@pytest.fixture(scope="session")
def fitter():
    """The process's only fitter: every zfit loss in it is built once for all tests."""
    from server_side.gain_fit import GainFitter

    return GainFitter()


@pytest.fixture(scope="session")
def make_spectrum() -> Callable[..., Spectrum]:
    def make(
        edges_pc: NDArray[np.float64],
        counts: NDArray[np.float64],
        name: SpectrumName = SpectrumName.THRESHOLD,
    ) -> Spectrum:
        return Spectrum(
            name=name,
            edges_pc=tuple(float(edge) for edge in edges_pc),
            counts=tuple(int(count) for count in counts),
        )

    return make
