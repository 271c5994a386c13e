"""Do what is asked about quality: make a reference, judge stored results again."""

from collections import Counter
from collections.abc import Sequence

from background_executor import queries
from background_executor.commanding import Act, Outcome
from background_executor.decisions.decision_records import DecisionKind
from background_executor.errors import CommandError
from background_executor.imported import ImportedPlan
from background_executor.judging.quality_commands import JudgeAgain, MakeReference
from background_executor.judging.reference import (
    ReferenceContent,
    ReferenceKind,
    ReferenceSpectrum,
    shipped_template,
)
from background_executor.judging.reference_copy import ReferenceCopy, next_version, write_copy
from background_executor.judging.stored_results import NewJudgement, judge_scan_again
from background_executor.records import (
    PointRecord,
    PointState,
    ScanRecord,
    ScanState,
    Verdict,
)
from background_executor.writing import StoreWriter
from server_side.result import SpectrumName
from server_side.scan import ScanKind

GOOD_VERDICTS = (Verdict.HEALTHY, Verdict.CHECK)


def act_on_quality(act: Act, command: MakeReference | JudgeAgain) -> Outcome:
    """Do either act."""
    match command:
        case MakeReference():
            return make_reference(act, command)
        case JudgeAgain():
            return judge_again(act, command)


def make_reference(act: Act, command: MakeReference) -> Outcome:
    """Make a scan or the template the next version of a reference.

    A copy goes to the server before anything is committed, so that a lost store gets it again;
    an act that is repeated writes the same copy.
    """
    content = _content(act, command)
    subject = _subject(act, command, content)
    copy = ReferenceCopy(
        kind=command.of,
        subject=subject,
        version=next_version(act.site, command.of, subject),
        content=content,
        comment=command.comment,
        operator=act.record.operator,
        made_at=act.now,
    )
    write_copy(act.site, copy)

    def change(writer: StoreWriter) -> None:
        writer.add_reference(
            act.site.name,
            command.of,
            subject,
            content,
            comment=command.comment,
            operator=act.record.operator,
        )

    what = "type" if command.of is ReferenceKind.TYPE else "PMT"
    return Outcome(
        f"{content.origin} is the reference of {what} {subject} from now on, version "
        f"{copy.version}; judge-again compares stored points with it",
        change,
    )


def _subject(act: Act, command: MakeReference, content: ReferenceContent) -> str:
    if command.of is ReferenceKind.TYPE:
        return act.site.config.health.pmt_type
    subject = command.serial_number or content.serial_number
    if subject is None:
        raise CommandError("the template belongs to no PMT: name the serial number it is for")
    return subject


def judge_again(act: Act, command: JudgeAgain) -> Outcome:
    """Judge the stored results of a scan again; what comes out differently is a new row."""
    scan = _scan(act, command.scan_id)
    health = command.health or act.site.config.health
    if isinstance(scan.plan, ImportedPlan):
        raise CommandError(f"scan {scan.scan_id} was imported: nothing of it can be judged")
    changed = judge_scan_again(act.site.store, scan.plan, health, act.now)
    answer = _describe(scan, changed)

    def change(writer: StoreWriter) -> None:
        for entry in changed:
            writer.add_verdict(entry.record.result_id, entry.judgement)
        subject = f"scan {scan.scan_id}"
        writer.add_event(
            scan.site,
            act.record.operator,
            subject,
            "judged again",
            after=answer,
            reason=command.reason,
        )

    return Outcome(answer, change)


def _describe(scan: ScanRecord, changed: Sequence[NewJudgement]) -> str:
    moves = Counter(
        f"{entry.before.value if entry.before else 'not judged'} to {verdict.verdict.value}"
        for entry in changed
        if entry.has_new_verdict and (verdict := entry.judgement.verdict)
    )
    told = ", ".join(f"{number} from {move}" for move, number in sorted(moves.items()))
    what = f"scan {scan.scan_id} of {scan.serial_number} was judged again"
    return f"{what}: {told}" if told else f"{what}: no verdict changed"


def _content(act: Act, command: MakeReference) -> ReferenceContent:
    if command.scan_id is None:
        return shipped_template()
    scan = _scan(act, command.scan_id)
    if scan.kind is not ScanKind.POSITION:
        raise CommandError(f"scan {scan.scan_id} is an HV check: a reference is a position scan")
    if scan.state not in (ScanState.COMPLETE, ScanState.ARCHIVED):
        raise CommandError(f"scan {scan.scan_id} is {scan.state.value}: it must be complete")
    points = queries.points(act.site.store, scan.scan_id)
    faults = [f"{point.point.name} is {fault}" for point in points if (fault := _fault(point))]
    if faults:
        raise CommandError(
            f"scan {scan.scan_id} cannot be a reference: {'; '.join(faults)}; a reference is a "
            "complete scan without poor points"
        )
    return ReferenceContent(
        scan_id=scan.scan_id,
        serial_number=scan.serial_number,
        spectra=tuple(_spectrum(act, point) for point in points),
    )


def _fault(point: PointRecord) -> str:
    """Return why a point keeps its scan from being a reference, or nothing."""
    if point.state is not PointState.STORED or point.failed_since:
        return f"{point.state.value} {point.error}".strip()
    if point.decision is not None and point.decision.decision is DecisionKind.FLAGGED:
        return f"flagged: {point.decision.reason}"
    if point.verdict is None:
        return "not judged"
    is_good = point.verdict.verdict in GOOD_VERDICTS
    return "" if is_good else f"{point.verdict.verdict.value}: {point.verdict.summary}"


def _spectrum(act: Act, point: PointRecord) -> ReferenceSpectrum:
    record = None if point.result_id is None else queries.result(act.site.store, point.result_id)
    found = None if record is None else record.result.spectrum_of(SpectrumName.THRESHOLD)
    if found is None:
        raise CommandError(f"{point.point.name} has no spectrum of thresholded charges")
    return ReferenceSpectrum(
        point=point.point.name,
        edges_pc=found.edges_pc,
        counts=tuple(float(count) for count in found.counts),
    )


def _scan(act: Act, scan_id: str) -> ScanRecord:
    scan = queries.scan(act.site.store, scan_id)
    if scan is None or scan.site != act.site.name:
        raise CommandError(f"no scan {scan_id} at site {act.site.name}")
    return scan
