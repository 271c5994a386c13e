"""The command line's ``fit`` and ``hv-curve``: a file in, the JSON text to print out."""

import csv
import io
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from server_side.boundary import BoundaryModel, faults_in_words
from server_side.errors import InputFileError
from server_side.hv_curve import HvCurve, fit_hv_curve
from server_side.result import (
    FitOutcome,
    Measurement,
    Parameter,
    Spectrum,
    SpectrumName,
    ValidFit,
)

HV_COLUMNS = ("hv_V", "gain", "gain_err")
_WANTED = (
    "a spectrum has 'charge_edges_pC' (rising numbers) and 'counts' (whole numbers, one fewer)"
)


class FitReport(BoundaryModel):
    """What ``fit`` prints of one spectrum; gains are null without a valid fit."""

    model: str
    gain_peak: float | None = None
    gain_peak_err: float | None = None
    gain_mean: float | None = None
    gain_mean_err: float | None = None
    chi2: float | None = None
    ndf: int | None = None
    p_value: float | None = None
    derived: tuple[Measurement, ...] = ()
    """Occupancy, SPE mean, width and resolution, peak-to-valley: what the model has of them."""
    parameters: tuple[Parameter, ...] = ()
    correlation: tuple[tuple[float, ...], ...] = ()
    """Of the free parameters, in their order."""
    pulls: tuple[float, ...] = ()
    """(data - fit) / sqrt(fit) of each bin."""
    valid: bool
    message: str


class HvOutlierReport(BoundaryModel):
    """A point beside the curve through the others, and by how many errors."""

    hv_V: float  # noqa: N815 - name in exchange files
    pull: float


class HvCurveReport(BoundaryModel):
    """What ``hv-curve`` prints; ``hv_at_target`` is null with the reason in ``message``."""

    index: float | None
    index_err: float | None
    hv_at_target: float | None
    hv_at_target_err: float | None
    target_gain: float
    chi2: float | None
    ndf: int
    valid: bool
    message: str
    outliers: tuple[HvOutlierReport, ...] = ()


class _SpectrumEntry(BaseModel):
    """A spectrum as exchange files have it; what else they say of it is left alone."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)

    charge_edges_pC: tuple[float, ...] = Field(min_length=2)  # noqa: N815 - name in exchange files
    counts: tuple[int, ...]
    spectrum: Literal["threshold", "window"] | None = None
    """Which charge it is; told from the range when absent."""
    dark_counts: tuple[int, ...] | None = None
    """Charges of the window before the pulse, in the same bins: what ``moments`` compares with."""


class _SpectraFile(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    spectra: tuple[_SpectrumEntry, ...] = Field(min_length=1)


def fit_file_json(path: Path, model: str, *, minos: bool = False) -> str:
    """Fit every spectrum of a file; return one JSON object, or a list for ``{"spectra": [...]}``.

    Raises
    ------
    InputFileError
        When the file cannot be read, or there is no such model.
    """
    content = _read_json(path)
    many = "spectra" in content
    entries = _parse_entries(path, content, many=many)
    pairs = [(_spectrum_of(path, entry), _dark_of(path, entry)) for entry in entries]
    # Loads TensorFlow: only once the file is known to be good.
    from server_side.gain_fit import GainFitter  # noqa: PLC0415

    fitter = GainFitter()
    try:
        fits = [fitter.fit(signal, model, dark=dark, minos=minos) for signal, dark in pairs]
    except ValueError as error:
        raise InputFileError(f"{path}: {error}") from error
    rows = [_report(fit).model_dump(mode="json") for fit in fits]
    return json.dumps(rows if many else rows[0], indent=2)


def hv_curve_file_json(path: Path, target_gain: float = 1e7, plot: Path | None = None) -> str:
    """Fit the power law to a file with the columns ``hv_V,gain,gain_err``; return JSON.

    Parameters
    ----------
    plot
        PNG file to draw points, curve and band into.

    Raises
    ------
    InputFileError
        When the file cannot be read as such a table.
    """
    table = _read_points(path)
    curve = fit_hv_curve(*table.columns, target_gain=target_gain)
    if plot is not None:
        from server_side.hv_plot import draw_hv_plot  # noqa: PLC0415 - matplotlib is slow to load

        draw_hv_plot(
            *table.columns,
            curve,
            title=path.stem.removesuffix("_gain_vs_hv"),
            path=plot,
            gain_name=table.gain_name,
            remarks=table.remarks,
        )
    return _hv_report(curve).model_dump_json(indent=2)


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputFileError(f"cannot read {path} as UTF-8 text: {error}") from error


def _read_json(path: Path) -> dict[str, object]:
    try:
        content = json.loads(_read_text(path))
    except (ValueError, RecursionError) as error:
        raise InputFileError(f"{path} is no JSON: {error}") from error
    if not isinstance(content, dict):
        raise InputFileError(
            f'{path}: expected {{"charge_edges_pC": [...], "counts": [...]}} or '
            f'{{"spectra": [...]}}, found a {type(content).__name__}'
        )
    return content


def _parse_entries(
    path: Path, content: dict[str, object], *, many: bool
) -> tuple[_SpectrumEntry, ...]:
    try:
        if many:
            return _SpectraFile.model_validate(content).spectra
        return (_SpectrumEntry.model_validate(content),)
    except ValidationError as error:
        raise InputFileError(f"{path}: {faults_in_words(error)}; {_WANTED}") from error


def _spectrum_of(path: Path, entry: _SpectrumEntry) -> Spectrum:
    """Build the spectrum; a range that holds zero charge holds the pedestal: a window charge."""
    holds_pedestal = entry.charge_edges_pC[0] < 0.0 < entry.charge_edges_pC[-1]
    name = entry.spectrum or ("window" if holds_pedestal else "threshold")
    return _build(path, "counts", SpectrumName(name), entry.charge_edges_pC, entry.counts)


def _dark_of(path: Path, entry: _SpectrumEntry) -> Spectrum | None:
    if entry.dark_counts is None:
        return None
    edges = entry.charge_edges_pC
    return _build(path, "dark_counts", SpectrumName.DARK, edges, entry.dark_counts)


def _build(
    path: Path, key: str, name: SpectrumName, edges: tuple[float, ...], counts: tuple[int, ...]
) -> Spectrum:
    try:
        return Spectrum(name=name, edges_pc=edges, counts=counts)
    except ValidationError as error:
        reason = faults_in_words(error)
        raise InputFileError(f"{path}: 'charge_edges_pC' and '{key}': {reason}") from error


def _report(fit: FitOutcome) -> FitReport:
    if not isinstance(fit, ValidFit):
        return FitReport(model=fit.model, valid=False, message=fit.message)
    shared = fit.model_dump(include=set(FitReport.model_fields) - {"valid"})
    return FitReport(**shared, valid=True)


def _hv_report(curve: HvCurve) -> HvCurveReport:
    return HvCurveReport(
        index=curve.index,
        index_err=curve.index_err,
        hv_at_target=curve.hv_at_target_v,
        hv_at_target_err=curve.hv_at_target_err_v,
        target_gain=curve.target_gain,
        chi2=curve.chi2,
        ndf=curve.ndf,
        valid=curve.valid,
        message=curve.message,
        outliers=tuple(
            HvOutlierReport(hv_V=entry.voltage_v, pull=entry.pull) for entry in curve.outliers
        ),
    )


@dataclass(frozen=True)
class _HvTable:
    """What a table of an HV check says."""

    columns: tuple[list[float], list[float], list[float]]
    """Voltages (V), gains and their errors."""
    gain_name: str
    """What the gains are, where the table says it; all of them where it says several."""
    remarks: tuple[str, ...]
    """What it notes about its points."""


def _read_points(path: Path) -> _HvTable:
    reader = csv.DictReader(io.StringIO(_read_text(path)), skipinitialspace=True)
    found = tuple(name.strip() for name in reader.fieldnames or ())
    if any(column not in found for column in HV_COLUMNS):
        raise InputFileError(
            f"{path}, line 1: expected the columns {','.join(HV_COLUMNS)}, "
            f"found {','.join(found)[:100] or 'nothing'}"
        )
    reader.fieldnames = list(found)
    table: tuple[list[float], list[float], list[float]] = ([], [], [])
    names: list[str] = []
    remarks: list[str] = []
    try:
        for row in reader:
            for values, column in zip(table, HV_COLUMNS, strict=True):
                values.append(_number(path, reader.line_num, column, row[column]))
            names += [name] if (name := _gain_name(row)) and name not in names else []
            remarks += [f"{row['hv_V']} V: {row['note']}"] if row.get("note") else []
    except csv.Error as error:
        raise InputFileError(f"{path}, line {reader.line_num}: {error}") from error
    return _HvTable(table, ", ".join(names), tuple(remarks))


def _gain_name(row: Mapping[str, str | None]) -> str:
    """Say what a row's gain is, by the columns that the executor adds."""
    return " of ".join(filter(None, (row.get("gain_method"), row.get("model"))))


def _number(path: Path, line: int, column: str, text: str | None) -> float:
    """Read a number; an empty field is a gain or error that was not measured."""
    stripped = (text or "").strip()
    if not stripped:
        return math.nan
    try:
        return float(stripped)
    except ValueError as error:
        raise InputFileError(
            f"{path}, line {line}, column {column}: expected a number, found {stripped[:40]!r}"
        ) from error
