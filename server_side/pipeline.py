"""The way from the raw files of one point to its published result.

``process_point`` is the method section: read, integrate, select, fit, draw,
write, publish. It knows nothing of jobs: ``scan_watch`` and the command line
call it, with the fitter that they keep.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal, Protocol

from server_side.describe import describe_result, gain_file_of
from server_side.journal_writer import utc_now
from server_side.layout import RESULT_FILE, WAVEFORMS_FILE
from server_side.plot import PlotCaption, draw_charge_plot
from server_side.point_work import PointAnalysis, PointWork
from server_side.publish import NewFile, Published, publish_folder
from server_side.pulses import PulseReading, PulseRows, read_pulses
from server_side.quality import measure_quality
from server_side.response import described_spectra
from server_side.result import FitOutcome, NoFit, PointResult, Spectrum, SpectrumName
from server_side.root_publish import root_file_in_place, scratch_folder
from server_side.selection import ChargeByArrival, Selection, threshold_spectrum
from server_side.spectra import fixed_window_spectra
from server_side.wavedump import same_generation

Stage = Literal["reading", "fitting", "publishing"]
Report = Callable[[Stage, int], None]
"""Is told the stage and the events of the PMT so far, from several threads; may raise to end."""


class Fitter(Protocol):
    """Fits models to spectra; ``GainFitter`` does it with zfit."""

    def fit(self, spectrum: Spectrum, model: str, *, dark: Spectrum | None = None) -> FitOutcome:
        """Fit one model to one spectrum; data never raise."""


def process_point(work: PointWork, fitter: Fitter, report: Report) -> Published:
    """Analyse the raw data of one take and publish the result.

    Raises
    ------
    RawDataError
        When the raw data cannot be used.
    PublishError, RootFileError, FeatureFileError
        When the result, its ROOT file or the features cannot be put in place.
    """
    clock = time.monotonic()
    report("reading", 0)
    with scratch_folder(work.layout) as scratch:
        reading = read_and_integrate(work, report, scratch)
        report("fitting", len(reading.pulses))
        analysis = analyse_pulses(work, reading, fitter)
        report("publishing", len(reading.pulses))
        plot = draw_plot(work, analysis)
        stamp, pulses = work.raw_point.stamp, reading.pulses
        with root_file_in_place(work.layout, stamp, work.take, pulses) as root_file:
            spent_s = time.monotonic() - clock
            result = describe_result(
                work, reading, analysis, root_file=root_file, duration_s=spent_s
            )
            return publish_result(work, result, plot, reading)


def analyse_pulses(work: PointWork, reading: PulseReading, fitter: Fitter) -> PointAnalysis:
    """Select charges, fill the spectra, fit them, and measure everything else."""
    selection = select_pulses(work, reading.pulses)
    spectra = make_spectra(work, reading.pulses, selection)
    fits = fit_spectra(fitter, spectra, work.models)
    quality = measure_quality(reading, selection, fits, work.plan, work.pmt_channel)
    return PointAnalysis(selection, spectra, fits, quality)


def read_and_integrate(work: PointWork, report: Report, scratch: Path) -> PulseReading:
    """Read the raw files of a point into pulse features on disk, rows aligned."""
    pmt_events = 0

    def tell(channel: int, events: int) -> None:
        # Every channel's thread asks, so that a request to end reaches each of them.
        nonlocal pmt_events
        if channel == work.pmt_channel:
            pmt_events = events
        report("reading", pmt_events)

    paths, settings = work.paths, (work.daq, work.analysis, work.plan.kind)
    with same_generation(paths.values(), {work.chosen.pmt.path: work.generation}):
        return read_pulses(paths, *settings, report=tell, scratch=scratch)


def select_pulses(work: PointWork, pulses: PulseRows) -> Selection:
    """Keep the thresholded charges that arrive with the light."""
    pmt, trigger, sample_ns = work.pmt_channel, work.trigger_channel, work.daq.sample_ns
    charges = ChargeByArrival(work.analysis, sample_ns)
    for chunk in pulses.chunks():
        charges.add(chunk.of(pmt).charge_pc, chunk.arrival_ns(pmt, trigger, sample_ns))
    return charges.select()


def make_spectra(work: PointWork, pulses: PulseRows, selection: Selection) -> tuple[Spectrum, ...]:
    """Fill the histograms: thresholded charge, fixed window, and dark window."""
    return (
        threshold_spectrum(selection, work.analysis),
        *fixed_window_spectra(pulses, work.pmt_channel),
    )


def fit_spectra(
    fitter: Fitter, spectra: tuple[Spectrum, ...], models: tuple[str, ...]
) -> tuple[FitOutcome, ...]:
    """Fit each model to the spectrum that it describes.

    Raises
    ------
    ValueError
        When a model is not known.
    """
    return tuple(_fit(fitter, spectra, model) for model in models)


def _fit(fitter: Fitter, spectra: tuple[Spectrum, ...], model: str) -> FitOutcome:
    described = described_spectra(model)
    if not described:
        raise ValueError(f"no charge-response model {model!r} is known")
    found = {spectrum.name: spectrum for spectrum in spectra}
    for name in described:
        if name in found:
            return fitter.fit(found[name], model, dark=found.get(SpectrumName.DARK))
    return NoFit(
        outcome="too_few_charges",
        model=model,
        spectrum=described[0],
        charges=0,
        message=f"there is no {described[0]} spectrum: the window could not be placed",
    )


def draw_plot(work: PointWork, analysis: PointAnalysis) -> bytes:
    """Draw the charge distribution with its fit, as PNG."""
    caption = PlotCaption(
        serial_number=work.plan.serial_number,
        point=work.take.point,
        slot=work.plan.slot,
        measured_at=work.raw_point.modified_at or utc_now(),
        zone=work.plan.zone,
    )
    fit, spectra = analysis.primary_fit, analysis.spectra
    spectrum = next((s for s in spectra if s.name is fit.spectrum), spectra[0])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "charge.png")
        draw_charge_plot(spectrum, fit, caption, path)
        return path.read_bytes()


def publish_result(
    work: PointWork, result: PointResult, plot: bytes, reading: PulseReading
) -> Published:
    """Put result, waveforms, plot and gain file in place as one folder."""
    gain = gain_file_of(work, result)
    files = [
        NewFile(RESULT_FILE, result.model_dump_json().encode()),
        NewFile(WAVEFORMS_FILE, reading.waveforms.model_dump_json().encode()),
        NewFile(result.charge_plot, plot),
        *([] if gain is None else [gain]),
    ]
    return publish_folder(
        Path(work.layout.results_folder),
        scan_id=work.plan.scan_id,
        serial_number=work.plan.serial_number,
        take=work.take,
        files=files,
    )
