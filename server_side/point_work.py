"""One take that is to be analysed, and what its analysis gave, on the way to a result."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from server_side.chosen_files import ChosenFiles
from server_side.layout import ScanLayout
from server_side.raw_data import RawPoint
from server_side.result import FitOutcome, Measurement, Spectrum
from server_side.scan import ScanKind, ScanPlan, Take
from server_side.selection import Selection
from server_side.settings import AnalysisSettings, DaqSettings


def models_of(plan: ScanPlan) -> tuple[str, ...]:
    """Return the charge-response models that are fitted to the points of a scan."""
    analysis = plan.settings.analysis
    return analysis.hv_models if plan.kind is ScanKind.HV else analysis.models


@dataclass(frozen=True)
class PointWork:
    """The raw files of one take, and what its result will be called."""

    plan: ScanPlan
    layout: ScanLayout
    take: Take
    raw_point: RawPoint
    chosen: ChosenFiles
    generation: str
    complete_because: str
    job: str | None
    """None when a person started the analysis by hand."""

    @property
    def daq(self) -> DaqSettings:
        """The settings of the digitiser."""
        return self.plan.settings.daq

    @property
    def analysis(self) -> AnalysisSettings:
        """The settings of the analysis."""
        return self.plan.settings.analysis

    @property
    def models(self) -> tuple[str, ...]:
        """The charge-response models that are fitted to this kind of point."""
        return models_of(self.plan)

    @property
    def pmt_channel(self) -> int:
        """Channel of the PMT under test."""
        return self.chosen.pmt.channel

    @property
    def trigger_channel(self) -> int:
        """Channel of the trigger."""
        return self.chosen.trigger.channel

    @property
    def paths(self) -> Mapping[int, Path]:
        """Path of the file of each channel that is read."""
        return {file.channel: file.path for file in self.chosen.all}


@dataclass(frozen=True)
class PointAnalysis:
    """What the analysis of one take gave."""

    selection: Selection
    spectra: tuple[Spectrum, ...]
    fits: tuple[FitOutcome, ...]
    quality: tuple[Measurement, ...]

    @property
    def primary_fit(self) -> FitOutcome:
        """The fit that plot and gain file show: of the first model of the settings."""
        return self.fits[0]
