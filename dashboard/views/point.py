"""Everything about one point: what was measured, how it was judged, where it came from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

from background_executor.decisions.decision_records import DecisionRecord
from background_executor.judging.reference import ReferenceRecord
from background_executor.records import (
    CheckRecord,
    PointRecord,
    ResultRecord,
    VerdictRecord,
)
from dashboard.theme import CHECK_LOOKS, LOOKS, Face, Look, face_of, face_of_verdict
from dashboard.views.origin import Row, show_input, show_origin, take_label
from dashboard.views.panel import PanelView, show_panel
from dashboard.views.wording import (
    NO_NUMBER,
    count,
    gain_with_error,
    local_time,
    with_error,
)
from server_side.result import InputFile, Measurement, NoFit, Quantity, ValidFit


@dataclass(frozen=True)
class CheckView:
    """One check of the verdict in words."""

    name: str
    look: Look
    text: str
    value: str
    limits: str
    is_required: bool


@dataclass(frozen=True)
class TakeView:
    """One take and revision of the point."""

    result_id: int
    label: str
    look: Look
    gain: str
    measured: str
    is_shown: bool


@dataclass(frozen=True)
class PointView:
    """One stored result and what stands around it."""

    panel: PanelView
    rule: str
    judged_at: datetime | None
    checks: tuple[CheckView, ...]
    decision: str
    """Empty without one."""
    fits: tuple[Row, ...]
    """Model, gain_peak, gain_mean, chi2/ndf, probability or why there is none."""
    parameters: tuple[Row, ...]
    """Model, name, value, note: of each valid fit its parameters and what follows from them."""
    quality: tuple[Row, ...]
    origin: tuple[tuple[str, str], ...]
    inputs: tuple[Row, ...]
    takes: tuple[TakeView, ...]
    plot: Path | None


def show_point(
    point: PointRecord,
    results: tuple[ResultRecord, ...],
    result_id: int | None,
    now: datetime,
    zone: str,
    *,
    reference: ReferenceRecord | None = None,
    takes: Mapping[int | None, PointRecord] = MappingProxyType({}),
) -> PointView:
    """Show a point and one of its results.

    Parameters
    ----------
    results
        All results of the point, newest first.
    result_id
        Which of them to show; the newest when it is none of them.
    zone
        Zone in which times are written.
    reference
        What its spectrum is to be compared to.
    takes
        The point at each of its takes, to show what was decided about them.
    """
    shown = _shown(results, result_id)
    return PointView(
        panel=_show_panel(point, results, shown, now, reference),
        rule=shown.verdict.rule if shown is not None and shown.verdict is not None else "",
        judged_at=shown.verdict.judged_at if shown is not None and shown.verdict else None,
        checks=_checks(shown.verdict if shown is not None else None),
        decision=_decision(point.decision, zone),
        fits=_fits(shown),
        parameters=_parameters(shown),
        quality=_quality(shown),
        origin=show_origin(shown, zone) if shown is not None else (),
        inputs=tuple(show_input(entry, zone) for entry in _inputs(shown)),
        takes=tuple(_take(each, shown, takes.get(each.result.take.take), zone) for each in results),
        plot=shown.folder / shown.result.charge_plot if shown is not None else None,
    )


def _shown(results: tuple[ResultRecord, ...], result_id: int | None) -> ResultRecord | None:
    newest = results[0] if results else None
    return next((each for each in results if each.result_id == result_id), newest)


def _show_panel(
    point: PointRecord,
    results: tuple[ResultRecord, ...],
    shown: ResultRecord | None,
    now: datetime,
    reference: ReferenceRecord | None,
) -> PanelView:
    """Show the point itself, or an older result of it under its own verdict."""
    panel = show_panel(point, shown, None, now, reference)
    if shown is None or shown.result_id == results[0].result_id:
        return panel
    title = f"{panel.title}, {take_label(shown)} of {count(len(results), 'result', 'results')}"
    if shown.result_id == point.result_id or shown.verdict is None:
        return replace(panel, title=title)
    return replace(
        panel,
        title=title,
        look=LOOKS[face_of_verdict(shown.verdict.verdict)],
        face=face_of_verdict(shown.verdict.verdict),
        summary=shown.verdict.summary,
        gain=None,
        gain_missing="an older result: its gains stand below, under the models",
        measured_at=shown.result.provenance.measured_at,
        acquired_at=shown.result.provenance.acquisition.ended_at,
    )


def _checks(verdict: VerdictRecord | None) -> tuple[CheckView, ...]:
    if verdict is None:
        return ()
    return tuple(
        CheckView(
            name=check.name.replace("_", " "),
            look=CHECK_LOOKS[check.outcome],
            text=check.text,
            value=_value_of(check),
            limits=_limits_of(check),
            is_required=check.required,
        )
        for check in verdict.checks
    )


def _value_of(check: CheckRecord) -> str:
    if check.value is None:
        return NO_NUMBER
    return with_error(check.value, check.error, check.unit)


def _limits_of(check: CheckRecord) -> str:
    inner, outer = _span(check.inner), _span(check.outer)
    if not inner and not outer:
        return "" if check.value is None else "no limits"
    return inner if inner == outer else f"inner {inner or 'open'}, outer {outer or 'open'}"


def _span(limits: tuple[float | None, float | None]) -> str:
    low, high = limits
    if low is None and high is None:
        return ""
    if low is None:
        return f"up to {high:g}"
    return f"from {low:g}" if high is None else f"{low:g} to {high:g}"


def _decision(decision: DecisionRecord | None, zone: str) -> str:
    if decision is None:
        return ""
    why = ": ".join(text for text in (decision.reason, decision.comment) if text)
    when = local_time(decision.decided_at, zone)
    return f"{decision.decision.value} by {decision.operator}, {when}" + (
        f" ({why})" if why else ""
    )


def _fits(record: ResultRecord | None) -> tuple[Row, ...]:
    return () if record is None else tuple(_fit_row(fit) for fit in record.result.fits)


def _fit_row(fit: ValidFit | NoFit) -> Row:
    name = f"{fit.model} on {fit.spectrum.value} charge, {count(fit.charges, 'charge', 'charges')}"
    if isinstance(fit, NoFit):
        reason = f"{fit.outcome.replace('_', ' ')}: {fit.message}"
        return (name, NO_NUMBER, NO_NUMBER, NO_NUMBER, reason)
    peak = _gain(fit.gain_peak, fit.gain_peak_err)
    mean = _gain(fit.gain_mean, fit.gain_mean_err)
    if fit.chi2 is None or fit.p_value is None:
        return (name, peak, mean, NO_NUMBER, "valid, without a fitted curve")
    return (name, peak, mean, f"{fit.chi2:.1f}/{fit.ndf}", f"valid, p = {fit.p_value:.2g}")


def _gain(gain: float | None, error: float | None) -> str:
    return NO_NUMBER if gain is None else gain_with_error(gain, error)


def _parameters(record: ResultRecord | None) -> tuple[Row, ...]:
    fits = () if record is None else record.result.fits
    return tuple(row for fit in fits if isinstance(fit, ValidFit) for row in _parameters_of(fit))


def _parameters_of(fit: ValidFit) -> Iterator[Row]:
    """Return a fit's parameters, then what is derived of them under another name."""
    for parameter in fit.parameters:
        value = with_error(parameter.value, parameter.error, parameter.unit)
        note = parameter.note or ("fixed" if parameter.error is None else "")
        yield (fit.model, parameter.name, value, note)
    named = {parameter.name for parameter in fit.parameters}
    for entry in fit.derived:
        if entry.name not in named:
            _, value, note = _measurement(entry)
            yield (fit.model, entry.name, value, note)


def _quality(record: ResultRecord | None) -> tuple[Row, ...]:
    """Return what was measured of the point, each once: what each model says stands with it."""
    return () if record is None else tuple(_measurement(entry) for entry in record.result.quality)


def _measurement(entry: Measurement) -> Row:
    name = entry.name.replace("_", " ")
    if isinstance(entry, Quantity):
        return (name, with_error(entry.value, entry.error, entry.unit), entry.meaning)
    return (name, NO_NUMBER, f"not measured: {entry.reason}")


def _inputs(record: ResultRecord | None) -> tuple[InputFile, ...]:
    return () if record is None else record.result.provenance.inputs


def _take(
    record: ResultRecord, shown: ResultRecord | None, point: PointRecord | None, zone: str
) -> TakeView:
    verdict = record.verdict
    face = face_of_verdict(verdict.verdict) if verdict is not None else None
    if point is not None and point.decision is not None:
        face = face_of(point)
    fit = next((fit for fit in record.result.fits if isinstance(fit, ValidFit)), None)
    return TakeView(
        result_id=record.result_id,
        label=take_label(record),
        look=LOOKS[face or Face.UNJUDGED],
        gain=_gain(fit.gain_peak, fit.gain_peak_err) if fit else NO_NUMBER,
        measured=local_time(record.result.provenance.measured_at, zone),
        is_shown=shown is not None and record.result_id == shown.result_id,
    )
