"""Why an act is refused, in words, before anything is done: the one text of these rules.

Pure functions over the store's rows. The executor refuses by them, the command line
leaves out by them, and pages offer what they leave open and say the same words beforehand.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from background_executor.decisions.decision_commands import (
    AcceptTakes,
    AcknowledgeTakes,
    ArchiveScan,
    FlagTakes,
    KeepAside,
    NoLongerAside,
    RestoreScan,
    RetakeTakes,
    ScanCommand,
    TakesCommand,
    UnflagTakes,
    WithdrawDecisions,
)
from background_executor.decisions.decision_records import DecisionKind
from background_executor.decisions.decision_settings import OTHER
from background_executor.imported import Provenance
from background_executor.records import PointRecord, PointState, ScanRecord, ScanState, Verdict
from background_executor.scan_words import scan_words

_AT_WORK = (PointState.ACQUIRING, PointState.PROCESSING, PointState.PUBLISHED)
_MEASURED = (PointState.STORED, PointState.FAILED)
_ENDED = (ScanState.COMPLETE, ScanState.STOPPED)


def why_not(act: type[TakesCommand], point: PointRecord) -> str:
    """Say why the take at which a point stands is not open to an act; empty when it is."""
    if point.take is None:
        return f"nothing was measured of {point.point.name} yet"
    return _WHY_NOT[act](point)


def why_no_take(scan: ScanRecord) -> str:
    """Say why no take of a scan is open to any act; empty when some may be."""
    if scan.state is ScanState.ARCHIVED:
        return f"{scan_words(scan)} is in the archive: restore it first"
    return why_untouched(scan)


def why_untouched(scan: ScanRecord) -> str:
    """Say why nothing at all may be moved of a scan: of an old tree, which is not ours."""
    if scan.provenance is not Provenance.IMPORTED:
        return ""
    return (
        f"{scan_words(scan)} was imported from an old tree: its files are only read, and "
        "decisions about them would have to move them"
    )


def why_not_scan(act: type[ScanCommand], scan: ScanRecord) -> str:
    """Say why a scan is not in the state for an act; empty when it is."""
    return why_untouched(scan) or _WHY_NOT_SCAN[act](scan)


def why_no_defect(reason: str, comment: str, defects: Sequence[str]) -> str:
    """Say why a flag may not stand for a reason; empty when it may.

    Parameters
    ----------
    defects
        Those of the settings.
    """
    if reason not in defects:
        return f"no defect {reason[:60]!r}: expected one of {', '.join(defects)}"
    if reason == OTHER and not comment.strip():
        return f"a flag for {OTHER!r} needs a comment that says what is wrong"
    return ""


def take_name(point: PointRecord) -> str:
    """Name the take at which a point stands, as answers do."""
    return f"{point.point.name} take {point.take}"


def is_newest(point: PointRecord) -> bool:
    """Tell whether a point stands at its newest take."""
    return point.newest_take in (None, point.take)


def is_waiting_for_retake(point: PointRecord) -> bool:
    """Tell whether a point stands at the take behind which a retake without data is waited for."""
    is_expected = point.state is PointState.EXPECTED
    return is_newest(point) and point.awaits_take is not None and is_expected


def decision_of(point: PointRecord) -> DecisionKind | None:
    """Return the decision in force about the take at which a point stands."""
    return point.decision.decision if point.decision else None


def _why_not_flag(point: PointRecord) -> str:
    if decision_of(point) is DecisionKind.FLAGGED:
        return f"{take_name(point)} is flagged already"
    if unfinished := _why_unfinished(point):
        return unfinished
    if point.result_id is None:
        name = take_name(point)
        return f"{name} has no published folder that could move: acknowledge its failure"
    return ""


def _why_unfinished(point: PointRecord) -> str:
    """Say what is on its way of a take, which whoever decides should have seen."""
    if point.is_coming:
        return f"a result of {take_name(point)} is on its way here: wait until it is stored"
    if point.awaits_take is None and point.state in _AT_WORK:
        return f"{take_name(point)} is being measured right now ({point.state.value}): wait"
    return ""


def _why_not_unflag(point: PointRecord) -> str:
    is_flagged = decision_of(point) is DecisionKind.FLAGGED
    return "" if is_flagged else f"{take_name(point)} is not flagged"


def _why_not_accept(point: PointRecord) -> str:
    name, decision = take_name(point), decision_of(point)
    if decision in (DecisionKind.FLAGGED, DecisionKind.ACCEPTED):
        advice = ": un-flag it first" if decision is DecisionKind.FLAGGED else " already"
        return f"{name} is {decision.value}{advice}"
    if unfinished := _why_unfinished(point):
        return unfinished
    if point.result_id is None:
        return f"{name} has no result to accept"
    if point.state is PointState.FAILED:
        return f"newer data of {name} have failed: acknowledge that, or flag it"
    is_healthy = point.verdict is not None and point.verdict.verdict is Verdict.HEALTHY
    if is_healthy and not point.error:
        return f"{name} is healthy: there is nothing to accept"
    return ""


def _why_not_acknowledge(point: PointRecord) -> str:
    name, decision = take_name(point), decision_of(point)
    if decision is DecisionKind.ACKNOWLEDGED:
        return f"{name} is acknowledged already"
    if decision is DecisionKind.FLAGGED:
        return f"{name} is flagged: un-flag it first"
    is_troubled = point.state is PointState.STORED and bool(point.error)
    if point.state is PointState.FAILED or is_troubled:
        return ""
    return f"{name} has not failed: there is nothing to acknowledge"


def _why_not_withdraw(point: PointRecord) -> str:
    if is_waiting_for_retake(point):
        return ""
    decision = decision_of(point)
    if decision is None:
        return f"there is no decision about {take_name(point)} to take back"
    if decision is DecisionKind.FLAGGED:
        return f"{take_name(point)} is flagged: un-flag it, which also brings its folder back"
    return ""


def _why_not_retake(point: PointRecord) -> str:
    name, state = point.point.name, point.newest_state or point.state
    if point.awaits_take is not None:
        return f"a retake of {name} was asked for already: take {point.awaits_take} is awaited"
    if state not in _MEASURED:
        return f"{name} is {state.value}: it can be taken again once that has ended"
    return ""


def _why_not_archive(scan: ScanRecord) -> str:
    if scan.state is ScanState.RUNNING:
        return "it runs: stop it, or wait until it is complete"
    return "it is in the archive already" if scan.state is ScanState.ARCHIVED else ""


def _why_not_restore(scan: ScanRecord) -> str:
    if scan.state is ScanState.ARCHIVED:
        return ""
    return f"{scan_words(scan)} is {scan.state.value}: it is not in the archive"


def _why_not_keep_aside(scan: ScanRecord) -> str:
    if scan.state not in _ENDED:
        return f"{scan_words(scan)} is {scan.state.value}: it cannot be kept aside"
    return f"{scan_words(scan)} is kept aside already" if scan.is_kept_aside else ""


def _why_not_end_aside(scan: ScanRecord) -> str:
    if scan.is_kept_aside:
        return ""
    return f"{scan_words(scan)} is not kept aside: there is nothing to take back"


_WHY_NOT: Mapping[type[TakesCommand], Callable[[PointRecord], str]] = MappingProxyType(
    {
        FlagTakes: _why_not_flag,
        UnflagTakes: _why_not_unflag,
        AcceptTakes: _why_not_accept,
        AcknowledgeTakes: _why_not_acknowledge,
        WithdrawDecisions: _why_not_withdraw,
        RetakeTakes: _why_not_retake,
    }
)
_WHY_NOT_SCAN: Mapping[type[ScanCommand], Callable[[ScanRecord], str]] = MappingProxyType(
    {
        ArchiveScan: _why_not_archive,
        RestoreScan: _why_not_restore,
        KeepAside: _why_not_keep_aside,
        NoLongerAside: _why_not_end_aside,
    }
)
