"""Run one's own raw data folder through the pipeline, without a job or an executor.

The folder may be that of an acquisition, of a serial number in it, or of one
point; what its names do not say is given. Every run makes a scan folder of its
own below the output folder, laid out as on a site, so nothing is overwritten.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from server_side.acquisitions import subfolders
from server_side.boundary import BoundaryModel
from server_side.chosen_files import choose_files
from server_side.errors import NameFormatError, RawDataError, ServerSideError
from server_side.journal_writer import utc_now
from server_side.layout import RESULT_FILE, ScanLayout
from server_side.pipeline import Fitter, process_point
from server_side.point_work import PointWork
from server_side.raw_data import RawPoint, look_at_folder
from server_side.raw_names import RawNames
from server_side.result import PointResult, ValidFit
from server_side.scan import (
    ExistingAcquisition,
    PositionPoint,
    ScanKind,
    ScanPlan,
    Slot,
    Take,
    VoltagePoint,
    check_serial_number,
    parse_point,
)
from server_side.settings import MeasurementSettings
from server_side.wavedump import generation_of, no_event_error

AnyPoint = PositionPoint | VoltagePoint


@dataclass(frozen=True)
class Request:
    """What a person asked for; what is None is taken from the names of folders."""

    raw_folder: Path
    out: Path
    serial_number: str | None
    slot: Slot
    kind: ScanKind | None
    point: str | None
    zone: str
    settings: MeasurementSettings


class ProcessedPoint(BoundaryModel):
    """What became of one point."""

    point: str
    folder: str | None
    """Published folder; None when the point failed."""
    model: str = ""
    gain_peak: float | None = None
    gain_peak_err: float | None = None
    message: str = ""
    """Why there is no gain, or no result at all."""

    @property
    def line(self) -> str:
        """One line for a person."""
        if self.folder is None:
            return f"{self.point:16} FAILED  {self.message}"
        if self.gain_peak is None or self.gain_peak_err is None:
            return f"{self.point:16} no gain ({self.message})  {self.folder}"
        gain, error = self.gain_peak / 1e7, self.gain_peak_err / 1e7
        return f"{self.point:16} gain ({gain:.4f} ± {error:.4f})e7 ({self.model})  {self.folder}"


@dataclass(frozen=True)
class _Found:
    """Folders of points that belong together."""

    acquisition: Path
    serial_number: str
    kind: ScanKind
    folders: tuple[tuple[AnyPoint, Path], ...]


def process_by_hand(request: Request, fitter: Fitter) -> Iterator[ProcessedPoint]:
    """Analyse every point of a raw folder, one after the other; a failing one is told of.

    Raises
    ------
    RawDataError
        When there is nothing to analyse, or when it is not clear what is meant.
    """
    found = _find(request)
    plan = _plan(request, found)
    layout = ScanLayout(PurePosixPath(request.out.resolve()), plan)
    Path(layout.scan_folder).mkdir(parents=True)
    Path(layout.plan_file).write_text(plan.model_dump_json(indent=1))
    names = RawNames(plan.settings.daq)
    for point, folder in found.folders:
        raw_point = look_at_folder(folder, point, plan, names, found.acquisition)
        yield _process(raw_point, layout, fitter)


def _process(raw_point: RawPoint, layout: ScanLayout, fitter: Fitter) -> ProcessedPoint:
    name = raw_point.point.name
    try:
        published = process_point(_work(raw_point, layout), fitter, lambda _stage, _events: None)
    except ServerSideError as error:
        return ProcessedPoint(point=name, folder=None, message=str(error))
    result = PointResult.model_validate_json((published.folder / RESULT_FILE).read_bytes())
    fit, folder = result.fits[0], str(published.folder)
    if isinstance(fit, ValidFit):
        return ProcessedPoint(
            point=name,
            folder=folder,
            model=fit.model,
            gain_peak=fit.gain_peak,
            gain_peak_err=fit.gain_peak_err,
        )
    return ProcessedPoint(point=name, folder=folder, model=fit.model, message=fit.message)


def _work(raw_point: RawPoint, layout: ScanLayout) -> PointWork:
    if raw_point.problem:
        raise RawDataError(raw_point.problem)
    chosen = choose_files(raw_point, layout.plan)
    generation = generation_of(chosen.pmt.path)
    if generation is None:
        raise no_event_error(chosen.pmt.path)
    return PointWork(
        plan=layout.plan,
        layout=layout,
        take=Take(point=raw_point.point),
        raw_point=raw_point,
        chosen=chosen,
        generation=generation,
        complete_because="processed by hand",
        job=None,
    )


def _plan(request: Request, found: _Found) -> ScanPlan:
    return ScanPlan(
        scan_id=uuid.uuid4().hex[:12],
        site="local",
        kind=found.kind,
        serial_number=found.serial_number,
        slot=request.slot,
        started_at=utc_now(),
        zone=request.zone,
        points=tuple(point for point, _ in found.folders),
        raw=ExistingAcquisition(folder=found.acquisition.name),
        settings=request.settings,
    )


def _find(request: Request) -> _Found:
    folder = request.raw_folder.resolve()
    names = RawNames(request.settings.daq)
    if request.point is not None:
        point = parse_point(request.point)
        return _single(request, folder, point)
    for kind in ScanKind:
        own = names.point_of(folder.name, kind)
        if own is not None:
            return _single(request, folder, own)
    serials = [folder, *subfolders(folder)]
    found = [f for serial in serials for f in _in_serial_folder(request, names, serial)]
    return _only(found, folder)


def _single(request: Request, folder: Path, point: AnyPoint) -> _Found:
    serial_number = request.serial_number or folder.parent.name
    try:
        check_serial_number(serial_number)
    except NameFormatError as error:
        message = f"whose data are in {folder}? Give --serial-number: {error}"
        raise RawDataError(message) from error
    return _Found(folder.parent.parent, serial_number, ScanKind(point.kind), ((point, folder),))


def _in_serial_folder(request: Request, names: RawNames, serial: Path) -> Iterator[_Found]:
    if request.serial_number not in (None, serial.name):
        return
    for kind in ScanKind if request.kind is None else (request.kind,):
        folders = tuple(
            (point, f) for f in subfolders(serial) if (point := names.point_of(f.name, kind))
        )
        if folders:
            check_serial_number(serial.name)
            yield _Found(serial.parent, serial.name, kind, folders)


def _only(found: list[_Found], folder: Path) -> _Found:
    if not found:
        raise RawDataError(
            f"no folder of a point below {folder}: expected like 'KQ0146/wavesave_theta10_phi90' "
            "or 'KQ0146/HV_1950'. For a folder of another name give --serial-number and --point"
        )
    if len(found) > 1:
        what = ", ".join(f"{entry.serial_number} ({entry.kind})" for entry in found)
        message = f"{folder} holds several: {what}. Say which with --serial-number and --kind"
        raise RawDataError(message)
    return found[0]
