"""Charge-response models, one file each, and the table of them."""

from server_side.response.dft import DftWindow
from server_side.response.dft_threshold import DftThreshold
from server_side.response.model import ResponseModel
from server_side.response.two_gaussian import TwoGaussian
from server_side.result import SpectrumName

MODELS: tuple[ResponseModel, ...] = (TwoGaussian(), DftWindow(), DftThreshold())
"""Every model with the spectrum it describes; one name may stand for two spectra."""


def find_model(name: str, spectrum: SpectrumName) -> ResponseModel | None:
    """Return the model of a name for a kind of spectrum, None when there is none."""
    return next((m for m in MODELS if m.name == name and m.spectrum is spectrum), None)


def described_spectra(name: str) -> tuple[SpectrumName, ...]:
    """Return the kinds of spectra that a model describes, the one it is best for first."""
    return tuple(model.spectrum for model in MODELS if model.name == name)
