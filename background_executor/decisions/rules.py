"""Who may be settled how, and which defects a verdict's own findings suggest: pure functions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from background_executor.decisions.decision_commands import SeenTake
from background_executor.decisions.decision_queries import TakeRecord
from background_executor.decisions.decision_records import DecisionKind
from background_executor.decisions.decision_settings import OTHER
from background_executor.records import (
    CheckOutcome,
    CheckRecord,
    PointRecord,
    PointState,
    Verdict,
)
from background_executor.states import is_settled


class Settling(StrEnum):
    """What settles a point."""

    FLAG = "flag"
    """Its newest take is not to be used."""
    ACCEPT = "accept"
    """It is to be used all the same."""
    ACKNOWLEDGE = "acknowledge"
    """Its failure is known."""
    WAIT = "wait"
    """Data or results are on their way."""


@dataclass(frozen=True)
class UnsettledPoint:
    """A point that somebody has to do something about."""

    point: PointRecord
    why: str
    ways: tuple[Settling, ...]


_NO_DEFECT_OF_ITS_OWN = (OTHER, OTHER)
"""Of a check whose findings no defect names: light source, relative efficiency and reference PMT
(fewer photoelectrons for the same light are no lack of events), a site's own checks."""
_CHECK_DEFECTS: dict[str, tuple[str, str]] = {
    # Name of the check: defect when it is too low, defect when it is too high.
    "gain": ("low gain", "high gain"),
    "statistics": ("low statistics", ""),
    "completeness": ("low statistics", ""),
    "light": ("low statistics", ""),
    # More light than the models are made for is no light leak: the laser is set too high.
    "occupancy": ("low statistics", OTHER),
    "fit": ("fit failed", "fit failed"),
    # The fit is valid, but its curve is not that of the data, or another model finds another gain.
    "chi2_per_ndf": ("", "fit failed"),
    "gain_model_systematic": ("", "fit failed"),
    "second_opinion": ("fit failed", "fit failed"),
    # A peak narrower than any dynode makes is no SPE peak; one too broad may be two of them.
    "spe_resolution": ("fit failed", "double peak"),
    "signal_to_noise": ("noise", ""),
    "pulse_to_noise": ("noise", ""),
    # A channel without any noise is dead.
    "baseline_noise_adc": ("DAQ", "noise"),
    "baseline_drift_adc": ("noise", "noise"),
    "disturbed_fraction": ("", "noise"),
    # Noise fills the valley from the pedestal's side; a second peak would stand beside it.
    "peak_to_valley": ("noise", ""),
    "arrival_time_ns": ("timing", "timing"),
    "arrival_shift_ns": ("timing", "timing"),
    "arrival_spread_ns": ("", "timing"),
    "arrival_tail_ns": ("", "timing"),
    "dark_rate_hz": ("", "light leak"),
    "saturated_fraction": ("", "high gain"),
    "trigger_rate_hz": ("DAQ", ""),
    "baseline_mean_adc": ("DAQ", "DAQ"),
    "damage": ("", "DAQ"),
    "damaged_events": ("", "DAQ"),
    "doubled_events": ("", "DAQ"),
    "lost_events": ("", "DAQ"),
    "cut_off_events": ("", "DAQ"),
    "slipped_events": ("", "DAQ"),
    "channel_mismatch": ("", "DAQ"),
}
_VERDICT_DEFECTS = {Verdict.NO_LIGHT: "low statistics", Verdict.FIT_FAILED: "fit failed"}


def unsettled_points(points: Iterable[PointRecord]) -> tuple[UnsettledPoint, ...]:
    """Return the points of a scan that are not settled, with why and what would settle each."""
    return tuple(_unsettled(point) for point in points if not is_settled(point))


def _unsettled(point: PointRecord) -> UnsettledPoint:
    if point.awaits_take is not None:
        why = f"a retake was asked for: take {point.awaits_take} is waited for"
        return UnsettledPoint(point, why, (Settling.WAIT,))
    if point.state is PointState.FAILED:
        ways = [Settling.ACKNOWLEDGE]
        if point.result_id is not None:
            ways.append(Settling.FLAG)
        return UnsettledPoint(point, f"it failed: {point.error}", tuple(ways))
    if point.state is not PointState.STORED:
        return UnsettledPoint(point, f"it is {point.state.value}", (Settling.WAIT,))
    if point.verdict is None:
        return UnsettledPoint(point, "it was not judged", (Settling.ACCEPT, Settling.FLAG))
    if point.verdict.verdict is Verdict.HEALTHY:
        why = f"newer data of its take failed: {point.error}"
        return UnsettledPoint(point, why, (Settling.ACKNOWLEDGE, Settling.ACCEPT, Settling.FLAG))
    word = point.verdict.verdict.value.replace("_", " ")
    why = f"{word}: {point.verdict.summary}"
    return UnsettledPoint(point, why, (Settling.ACCEPT, Settling.FLAG))


def proposed_reasons(point: PointRecord, reasons: Sequence[str]) -> tuple[str, ...]:
    """Return the defects of the settings' list that the verdict's own findings name.

    Those of checks outside their outer limits stand first, and last the one that names nothing.
    """
    if point.verdict is None:
        return ()
    worst_first = sorted(point.verdict.checks, key=lambda c: c.outcome is not CheckOutcome.OUTSIDE)
    found = [_VERDICT_DEFECTS.get(point.verdict.verdict, ""), *map(_defect, worst_first)]
    return others_last(reason for reason in dict.fromkeys(found) if reason in reasons)


def others_last(defects: Iterable[str]) -> tuple[str, ...]:
    """Put the defect that names nothing behind those that do; the rest keeps its order."""
    return tuple(sorted(defects, key=lambda defect: defect == OTHER))


def _defect(check: CheckRecord) -> str:
    """Name what a check found; empty where it is no matter."""
    if check.outcome is CheckOutcome.PASSED:
        return ""
    if check.outcome is CheckOutcome.NOT_MEASURED:
        return OTHER if check.required else ""
    defect = _defect_by_side(check)
    is_named = defect != OTHER
    return defect if is_named or check.required or check.outcome is CheckOutcome.OUTSIDE else ""


def _defect_by_side(check: CheckRecord) -> str:
    low, high = _CHECK_DEFECTS.get(check.name, _NO_DEFECT_OF_ITS_OWN)
    if check.value is None:
        return low or high
    limits = [limit for limit in (check.inner[0], check.outer[0]) if limit is not None]
    return low if limits and check.value < max(limits) else high


def proposed_comment(point: PointRecord) -> str:
    """Return the verdict's findings in words, to begin a comment with; empty where all is well."""
    if point.verdict is None or point.verdict.verdict is Verdict.HEALTHY:
        return point.error
    return point.verdict.summary


def seen(point: PointRecord) -> SeenTake | None:
    """Return what a command about a point's newest take says that its asker saw.

    None before there is any take.
    """
    if point.take is None:
        return None
    return SeenTake(
        point=point.point,
        take=point.take,
        newest_take=point.newest_take or point.take,
        decision_id=point.last_decision_id,
        result_id=point.result_id or 0,
        awaits_take=point.awaits_take,
        verdict=point.verdict.verdict if point.verdict is not None else None,
        error=point.error,
    )


def at_take(point: PointRecord, take: TakeRecord) -> PointRecord:
    """Return a point as it stands at one of its takes: as it is, or at an older one."""
    if take.take == point.newest_take:
        return point
    state, error = PointState.STORED, ""
    if take.result_id is None:
        state = PointState.PUBLISHED if take.is_coming else PointState.FAILED
        error = "" if take.is_coming else "nothing was published of it"
    return replace(
        point,
        take=take.take,
        state=state,
        newest_state=point.state,
        is_coming=take.is_coming,
        error=error,
        tries=0,
        revision=take.revision,
        result_id=take.result_id,
        gain=take.gain,
        gain_missing=take.gain_missing,
        verdict=take.verdict,
        decision=take.decision,
        measured_at=take.measured_at,
        acquired_at=None,
        stored_at=None,
    )


def in_use(point: PointRecord, takes: Iterable[TakeRecord]) -> PointRecord:
    """Return a point at the take that stands for it.

    That is its newest one; or, when somebody has flagged that, the newest older one that
    is healthy or accepted: with the newest out of use, it is what there is of the point.

    Parameters
    ----------
    takes
        All takes of the point, newest first.
    """
    if point.awaits_take is not None or not _is_flagged(point):
        return point
    candidates = (at_take(point, take) for take in takes)
    return next((each for each in candidates if _is_good(each)), point)


def _is_flagged(point: PointRecord) -> bool:
    return point.decision is not None and point.decision.decision is DecisionKind.FLAGGED


def _is_good(point: PointRecord) -> bool:
    return not _is_flagged(point) and point.result_id is not None and is_settled(point)
