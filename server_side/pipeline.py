"""The way from the raw files of one point to its published result.

``process_point`` is the method section: read, integrate, select, fit, draw,
write, publish. It knows nothing of jobs: ``scan_watch`` and the command line
call it. Importing it loads zfit.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from server_side.describe import describe_result, gain_file_of
from server_side.gain_fit import GainFitter
from server_side.journal_writer import utc_now
from server_side.layout import RESULT_FILE, WAVEFORMS_FILE
from server_side.plot import PlotCaption, draw_charge_plot
from server_side.point_work import PointAnalysis, PointWork
from server_side.publish import NewFile, Published, publish_folder
from server_side.pulses import AlignedPulses, PulseReading, read_pulses
from server_side.quality import measure_quality
from server_side.response import described_spectra
from server_side.result import FitOutcome, NoFit, PointResult, Spectrum
from server_side.root_publish import root_file_in_place
from server_side.selection import Selection, select_charges, threshold_spectrum
from server_side.spectra import fixed_window_spectra

Stage = Literal["reading", "fitting", "publishing"]
Report = Callable[[Stage, int], None]
"""Is told the stage and the events of the PMT so far, from several threads; may raise to end."""


def process_point(work: PointWork, fitter: GainFitter, report: Report) -> Published:
    """Analyse the raw data of one take and publish the result.

    Raises
    ------
    RawDataError
        When the raw data cannot be used.
    PublishError, RootFileError
        When the result or its ROOT file cannot be put in place.
    """
    clock = time.monotonic()
    report("reading", 0)
    reading = read_and_integrate(work, report)
    report("fitting", len(reading.pulses.event_number))
    selection = select_pulses(work, reading.pulses)
    spectra = make_spectra(work, reading.pulses, selection)
    fits = fit_spectra(fitter, spectra, work.models)
    quality = measure_quality(reading, selection, fits, work.plan, work.pmt_channel)
    analysis = PointAnalysis(selection, spectra, fits, quality)
    report("publishing", len(reading.pulses.event_number))
    plot = draw_plot(work, analysis)
    stamp, pulses = work.raw_point.stamp, reading.pulses
    with root_file_in_place(work.layout, stamp, work.take, pulses) as root_file:
        spent_s = time.monotonic() - clock
        result = describe_result(work, reading, analysis, root_file=root_file, duration_s=spent_s)
        return publish_result(work, result, plot, reading)


def read_and_integrate(work: PointWork, report: Report) -> PulseReading:
    """Read the raw files of a point into pulse features, rows aligned."""
    pmt_events = 0

    def tell(channel: int, events: int) -> None:
        # Every channel's thread asks, so that a request to end reaches each of them.
        nonlocal pmt_events
        if channel == work.pmt_channel:
            pmt_events = events
        report("reading", pmt_events)

    daq, kind = work.plan.settings.daq, work.plan.kind
    return read_pulses(work.paths, daq, work.analysis, kind, report=tell)


def select_pulses(work: PointWork, pulses: AlignedPulses) -> Selection:
    """Keep the thresholded charges that arrive with the light."""
    sample_ns = work.plan.settings.daq.sample_ns
    return select_charges(
        pulses.of(work.pmt_channel).charge_pc,
        pulses.arrival_ns(work.pmt_channel, work.trigger_channel, sample_ns),
        work.analysis,
        sample_ns,
    )


def make_spectra(
    work: PointWork, pulses: AlignedPulses, selection: Selection
) -> tuple[Spectrum, ...]:
    """Fill the histograms: thresholded charge, fixed window, and dark window."""
    return (
        threshold_spectrum(selection, work.analysis),
        *fixed_window_spectra(pulses.of(work.pmt_channel)),
    )


def fit_spectra(
    fitter: GainFitter, spectra: tuple[Spectrum, ...], models: tuple[str, ...]
) -> tuple[FitOutcome, ...]:
    """Fit each model to the spectrum that it describes.

    Raises
    ------
    ValueError
        When a model is not known.
    """
    return tuple(_fit(fitter, spectra, model) for model in models)


def _fit(fitter: GainFitter, spectra: tuple[Spectrum, ...], model: str) -> FitOutcome:
    described = described_spectra(model)
    if not described:
        raise ValueError(f"no charge-response model {model!r} is known")
    for name in described:
        for spectrum in spectra:
            if spectrum.name is name:
                return fitter.fit(spectrum, model)
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
