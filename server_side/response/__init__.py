"""Charge-response models, one file each, and the table of them."""

from server_side.response import moments
from server_side.response.dft import DftWindow
from server_side.response.dft_threshold import DftThreshold
from server_side.response.model import ResponseModel
from server_side.response.poisson_gauss import PoissonGauss
from server_side.response.two_gaussian import TwoGaussian
from server_side.result import SpectrumName

MODELS: tuple[ResponseModel, ...] = (TwoGaussian(), PoissonGauss(), DftWindow(), DftThreshold())
"""Every model that is fitted, with the spectrum it describes; one name may stand for two."""
MODEL_NAMES = (*dict.fromkeys(model.name for model in MODELS), moments.NAME)
"""What settings and command line may ask for; ``moments`` is an estimate without a fit."""


def find_model(name: str, spectrum: SpectrumName) -> ResponseModel | None:
    """Return the fitted model of a name for a kind of spectrum, None when there is none."""
    return next((m for m in MODELS if m.name == name and m.spectrum is spectrum), None)


def described_spectra(name: str) -> tuple[SpectrumName, ...]:
    """Return the kinds of spectra that a model describes, the one it is best for first."""
    if name == moments.NAME:
        return (SpectrumName.WINDOW,)
    return tuple(model.spectrum for model in MODELS if model.name == name)
