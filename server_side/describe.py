"""From what was measured to the content of ``result.json`` and the gain file."""

import platform
from pathlib import Path

from server_side import __version__
from server_side.journal_writer import utc_now
from server_side.point_work import PointAnalysis, PointWork
from server_side.publish import NewFile
from server_side.pulses import ChannelLosses, PulseReading, SlippedEvents
from server_side.raw_data import RawFile
from server_side.result import (
    Acquisition,
    InputFile,
    PointResult,
    Provenance,
    ValidFit,
)
from server_side.scan import ScanKind
from server_side.wavedump import FileSummary

REFUSED_FORMAT = "refused"
"""Stands for the format of a file that could not be read and could be done without."""


def gain_file_of(work: PointWork, result: PointResult) -> NewFile | None:
    """Return the gain file as the group's scripts read it; None without a valid fit.

    One line with the gain; in an HV check a second one with its error.
    """
    fit = result.fits[0]
    peak = fit.peak_with_error if isinstance(fit, ValidFit) else None
    if result.gain_file is None or peak is None:
        return None
    gain, error = peak
    lines = [f"{gain:.3e}"]
    if work.plan.kind is ScanKind.HV:
        lines.append(f"{error:.3e}")
    return NewFile(result.gain_file, "".join(f"{line}\n" for line in lines).encode())


def describe_result(
    work: PointWork,
    reading: PulseReading,
    analysis: PointAnalysis,
    *,
    root_file: Path,
    duration_s: float,
) -> PointResult:
    """Return the content of ``result.json``."""
    plan, stem = work.plan, work.layout.file_stem(work.raw_point.stamp, work.take)
    primary = analysis.primary_fit
    has_gain = isinstance(primary, ValidFit) and primary.gain_peak is not None
    return PointResult(
        site=plan.site,
        scan_id=plan.scan_id,
        kind=plan.kind,
        serial_number=plan.serial_number,
        slot=plan.slot,
        take=work.take,
        triggers=len(reading.pulses),
        selected_charges=analysis.selection.selected,
        spectra=analysis.spectra,
        fits=analysis.fits,
        quality=analysis.quality,
        provenance=_provenance(work, reading, root_file, duration_s),
        charge_plot=f"{stem}_charge.png",
        gain_file=f"{stem}_GAIN.txt" if has_gain else None,
    )


def _provenance(
    work: PointWork, reading: PulseReading, root_file: Path, duration_s: float
) -> Provenance:
    return Provenance(
        software_version=__version__,
        job=work.job,
        host=platform.node(),
        measured_at=utc_now(),
        settings_sha256=work.plan.settings.digest(),
        acquisition=_acquisition(work),
        inputs=_inputs(work, reading),
        root_file=str(root_file),
        duration_s=duration_s,
    )


def _acquisition(work: PointWork) -> Acquisition:
    raw_point = work.raw_point
    return Acquisition(
        folder=str(raw_point.folder),
        generation=work.generation,
        stamp=raw_point.stamp,
        pmt_channel=work.pmt_channel,
        channel_note=work.chosen.note,
        began_at=raw_point.began_at if raw_point.is_stamped else None,
        ended_at=raw_point.modified_at,
        complete_because=work.complete_because,
    )


def _inputs(work: PointWork, reading: PulseReading) -> tuple[InputFile, ...]:
    """Describe every raw file, with sizes as they were before it was read."""
    losses = {loss.channel: loss for loss in reading.pulses.losses}
    seen = {entry.channel: entry.summary for entry in reading.channels}
    slipped = {entry.channel: entry for entry in reading.slipped}
    reasons = {entry.channel: entry.reason for entry in reading.refused}
    return tuple(
        _describe_file(file, seen[file.channel], losses[file.channel], slipped.get(file.channel))
        if file.channel in seen
        else _describe_refused(file, reasons[file.channel])
        for file in work.chosen.all
    )


def _describe_file(
    file: RawFile, summary: FileSummary, loss: ChannelLosses, slipped: SlippedEvents | None
) -> InputFile:
    return InputFile(
        channel=file.channel,
        said_channel=summary.channel,
        path=str(file.path),
        size_bytes=file.size_bytes,
        modified_at=file.modified_at,
        raw_format=summary.raw_format,
        events=summary.events,
        first_event=summary.first_event,
        last_event=summary.last_event,
        skipped_events=summary.skipped_events,
        torn_events=summary.torn_events,
        lost_events=loss.lost_events,
        # The reader drops most doubled events itself; alignment finds what is left.
        doubled_events=summary.doubled_events + loss.doubled_events,
        slipped_events=None if slipped is None else slipped.events,
        damage=(*_channel_doubt(file, summary), *_slip_in_words(slipped), *summary.damage),
    )


def _slip_in_words(slipped: SlippedEvents | None) -> tuple[str, ...]:
    if slipped is None or not slipped.events:
        return ()
    said = (
        f"{slipped.events} events have the time tag of another trigger than the trigger's channel"
    )
    return (f"{said}, from event {slipped.first_event} on: one lost an event without a gap",)


def _describe_refused(file: RawFile, reason: str) -> InputFile:
    return InputFile(
        channel=file.channel,
        path=str(file.path),
        size_bytes=file.size_bytes,
        modified_at=file.modified_at,
        raw_format=REFUSED_FORMAT,
        events=0,
        first_event=None,
        last_event=None,
        damage=(reason,),
    )


def _channel_doubt(file: RawFile, summary: FileSummary) -> tuple[str, ...]:
    """Return what is to be said where the events are not of the channel that the name says."""
    if summary.channel in (None, file.channel):
        return ()
    said = f"the events say channel {summary.channel}, the file's name channel {file.channel}"
    return (f"{said}: read by its name; make sure that it is the right file",)
