"""The point beside the map: its verdict, gain and spectrum in short."""

from dataclasses import dataclass
from datetime import datetime

from background_executor.judging.reference import ReferenceRecord
from background_executor.records import GainRecord, PointRecord, ResultRecord
from dashboard.theme import LOOKS, Face, Look
from dashboard.views.spectrum import SpectrumView, fitted_spectrum, preliminary_spectrum
from dashboard.views.tiles import make_tile
from dashboard.views.wording import count, gain_with_error, point_label
from server_side.journal import LiveProgress

METHOD_WORDS = {
    "gain_peak": "peak of the SPE charge / e",
    "gain_mean": "mean SPE charge / e",
}


@dataclass(frozen=True)
class GainView:
    """A gain with everything that it needs to be read rightly."""

    number: str
    definition: str
    """Which gain, of which model."""
    goodness: str
    """chi2/ndf."""


@dataclass(frozen=True)
class PanelView:
    """One point in short."""

    name: str
    title: str
    look: Look
    face: Face
    summary: str
    gain: GainView | None
    gain_missing: str
    spectrum: SpectrumView | None
    measured_at: datetime | None
    acquired_at: datetime | None
    scan_id: str
    is_preliminary: bool


def show_panel(
    point: PointRecord,
    result: ResultRecord | None,
    live: LiveProgress | None,
    now: datetime,
    reference: ReferenceRecord | None = None,
) -> PanelView:
    """Show a point: its stored result, or how far its measurement is.

    Parameters
    ----------
    result
        The stored result of the point's newest take.
    live
        Progress of the job when it works at this very point.
    reference
        What its spectrum is to be compared to.
    """
    tile = make_tile(point, now)
    is_live = result is None and live is not None and live.spectrum is not None
    return PanelView(
        name=tile.name,
        title=point_label(point.point),
        look=LOOKS[tile.face],
        face=tile.face,
        summary=_summary(point),
        gain=show_gain(point.gain) if point.gain is not None else None,
        gain_missing=point.gain_missing,
        spectrum=_spectrum(point, result, live, reference),
        measured_at=point.measured_at,
        acquired_at=point.acquired_at,
        scan_id=point.scan_id,
        is_preliminary=is_live,
    )


def show_gain(gain: GainRecord) -> GainView:
    """Show a gain."""
    meaning = METHOD_WORDS.get(gain.method, gain.method)
    return GainView(
        number=gain_with_error(gain.gain, gain.gain_err),
        definition=f"{gain.method}: {meaning}, model {gain.model}",
        goodness="" if gain.chi2 is None else f"χ²/ndf {gain.chi2:.1f}/{gain.ndf}",
    )


def _summary(point: PointRecord) -> str:
    if point.error:
        tries = f"After {count(point.tries, 'try', 'tries')}: " if point.tries else ""
        return tries + point.error
    return point.verdict.summary if point.verdict is not None else ""


def _spectrum(
    point: PointRecord,
    result: ResultRecord | None,
    live: LiveProgress | None,
    reference: ReferenceRecord | None,
) -> SpectrumView | None:
    if result is not None:
        return fitted_spectrum(result.result, point.gain.model if point.gain else None, reference)
    if live is not None and live.spectrum is not None and live.point == point.point:
        return preliminary_spectrum(live.spectrum)
    return None
