"""Stands in for zfit where what matters comes before the fit."""

from server_side.result import FitOutcome, NoFit, Spectrum


class NoFitter:
    """A ``Fitter`` that never gives a gain."""

    def fit(self, spectrum: Spectrum, model: str, dark: Spectrum | None = None) -> FitOutcome:
        """Return an outcome without numbers."""
        return NoFit(
            outcome="invalid", model=model, spectrum=spectrum.name, charges=0, message="not fitted"
        )
