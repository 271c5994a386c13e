"""Do what commands ask for, one after the other, each once.

An act looks first and decides; what it changes is committed together with the
command's answer. An executor that dies in between finds the command in hand
and nothing done, and does it then.
"""

import logging
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from background_executor import queries
from background_executor.acquisitions import list_acquisitions
from background_executor.commanding import Act, Afterwards, Outcome
from background_executor.commands import (
    COMMAND,
    Command,
    ImportTree,
    ListAcquisitions,
    ProcessExisting,
    Reset,
    ResumeScan,
    StartHvCheck,
    StartScan,
    StopExecutor,
    StopScan,
    SyncNow,
)
from background_executor.crash_points import CrashPoint, reach
from background_executor.decisions.clean_up import clean_up
from background_executor.decisions.decision_commands import (
    ArchiveScan,
    CleanUp,
    CleanUpCommand,
    KeepAside,
    NoLongerAside,
    PlanCleanUp,
    RestoreScan,
    ScanCommand,
    TakesCommand,
)
from background_executor.decisions.scan_acts import decide_scan
from background_executor.decisions.take_acts import decide_takes
from background_executor.decisions.turns import waiting_their_turn
from background_executor.errors import (
    CommandError,
    SchedulerError,
    StoreUnavailableError,
    TransportError,
)
from background_executor.jobs.successors import add_successor, lacks_job
from background_executor.judging.quality_acts import act_on_quality
from background_executor.judging.quality_commands import JudgeAgain, MakeReference
from background_executor.old_data.importing import SHOWN_UNREAD, import_tree
from background_executor.records import ENDED_JOB_STATES, CommandState, JobRecord, ScanState
from background_executor.scan_words import scan_words
from background_executor.scans_here import scan_here
from background_executor.site import Site
from background_executor.starts import start
from background_executor.writing import StoreWriter
from server_side.boundary import faults_in_words

log = logging.getLogger(__name__)

JudgingCommand = TakesCommand | ScanCommand | CleanUpCommand | MakeReference | JudgeAgain


def do_next_command(site: Site, now: datetime, executor_started_at: datetime) -> Afterwards | None:
    """Do the oldest command whose turn it is and answer it; None when there is none."""
    waiting = waiting_their_turn(site)
    with site.store.writing(now) as writer:
        record = writer.claim_next_command(site.name, waiting)
    if record is None:
        return None
    reach(CrashPoint.COMMAND_CLAIMED)
    act = Act(site, record, now, executor_started_at)
    try:
        outcome = _look_and_decide(act)
        _commit(act, outcome)
    except StoreUnavailableError:
        raise  # the command stays in hand and is done when the store is there again
    except Exception as error:
        # Left in hand, it would end this executor and every one that is started after it.
        log.exception("Command %d, %s, failed as none ever should.", record.command_id, record.kind)
        outcome = _refused(f"it failed, which is a fault of this program: {_in_words(error)}")
        _commit(act, outcome)
    reach(CrashPoint.COMMAND_ANSWERED)
    log.info("Command %d, %s: %s", record.command_id, record.kind, outcome.answer)
    return outcome.afterwards


def _look_and_decide(act: Act) -> Outcome:
    try:
        return _do(act, COMMAND.validate_json(act.record.arguments))
    except (CommandError, TransportError, SchedulerError) as error:
        return _refused(str(error))
    except ValidationError as error:
        return _refused(f"the command cannot be read: {faults_in_words(error)}")


def _commit(act: Act, outcome: Outcome) -> None:
    """Keep what an act changes, with its answer, in one transaction."""
    state = CommandState.REFUSED if outcome.is_refused else CommandState.DONE
    with act.site.store.writing(act.now) as writer:
        outcome.change(writer)
        if outcome.is_answered:
            writer.answer_command(act.record.command_id, state, outcome.answer)


def _refused(why: str) -> Outcome:
    return Outcome(why, is_refused=True)


def _in_words(error: Exception) -> str:
    """Name an error, whatever bytes its message holds."""
    told = f"{type(error).__name__}: {error}; its traceback is in the executor's log"
    return told.encode("utf-8", "backslashreplace").decode("utf-8")


def _do(act: Act, command: Command) -> Outcome:
    match command:
        case StartScan() | StartHvCheck() | ProcessExisting():
            return start(act, command)
        case StopScan() | ResumeScan():
            return _stop_or_resume(act, command)
        case ListAcquisitions() | SyncNow() | Reset():
            return _read_server(act, command)
        case ImportTree():
            return import_old_tree(act, command)
        case StopExecutor():
            return stop_executor(act)
        case _:
            return _decide(act, command)


def _decide(act: Act, command: JudgingCommand) -> Outcome:
    match command:
        case MakeReference() | JudgeAgain():
            return act_on_quality(act, command)
        case ArchiveScan() | RestoreScan() | KeepAside() | NoLongerAside():
            return decide_scan(act, command)
        case PlanCleanUp() | CleanUp():
            return clean_up(act, command)
        case _:
            return decide_takes(act, command)


def _stop_or_resume(act: Act, command: StopScan | ResumeScan) -> Outcome:
    return stop_scan(act, command) if isinstance(command, StopScan) else resume_scan(act, command)


def stop_scan(act: Act, command: StopScan) -> Outcome:
    """End a scan; its job is asked to end in the same turn."""
    scan = scan_here(act, command.scan_id)
    what = scan_words(scan)
    if scan.state is ScanState.STOPPED:
        return Outcome(f"{what} was stopped already")
    if scan.state is not ScanState.RUNNING:
        raise CommandError(f"{what} is {scan.state.value}: there is nothing to stop")
    reason = command.reason or f"stopped by {act.record.operator}"

    def change(writer: StoreWriter) -> None:
        writer.set_scan_state(scan.scan_id, ScanState.STOPPED, act.record.operator, reason)

    kept = f"{scan.points_stored} of {scan.points_planned} points are stored"
    return Outcome(f"{what} is stopped; {kept}", change)


def resume_scan(act: Act, command: ResumeScan) -> Outcome:
    """Go on with a scan whose jobs have ended: another job is submitted in the same turn."""
    scan = scan_here(act, command.scan_id)
    what = scan_words(scan)
    if scan.state is not ScanState.RUNNING:
        raise CommandError(f"{what} is {scan.state.value}: only a running scan can go on")
    points = queries.points(act.site.store, scan.scan_id)
    jobs = queries.jobs(act.site.store, scan.scan_id)
    if not lacks_job(points, jobs):
        raise CommandError(f"{what} needs no other job: {_why_no_job(jobs)}")
    reason = f"asked for by {act.record.operator}"
    if command.reason:
        reason = f"{reason}: {command.reason}"

    def change(writer: StoreWriter) -> None:
        writer.note_resumed(scan.scan_id, act.record.operator, command.reason)
        add_successor(writer, scan, act.site.scheduler.name, reason)

    left = scan.points_planned - scan.points_stored - scan.points_failed
    return Outcome(f"{what} goes on with another job; {left} points are left", change)


def _why_no_job(jobs: Sequence[JobRecord]) -> str:
    at_work = [job for job in jobs if job.state not in ENDED_JOB_STATES]
    if at_work:
        return f"job {at_work[0].scheduler_id or at_work[0].job} is {at_work[0].state.value}"
    return "all its points are measured and on their way here"


def refresh_acquisitions(act: Act) -> Outcome:
    """Look on the server which acquisitions there are."""
    found = list_acquisitions(act.site, act.now)

    def change(writer: StoreWriter) -> None:
        writer.replace_acquisitions(act.site.name, found)

    return Outcome(f"{len(found)} acquisitions found below {act.site.config.site.raw_base}", change)


def _read_server(act: Act, command: ListAcquisitions | SyncNow | Reset) -> Outcome:
    """Have everything new read at once, or everything again; nothing is deleted anywhere."""
    if isinstance(command, ListAcquisitions):
        return refresh_acquisitions(act)
    if isinstance(command, SyncNow):
        return Outcome("everything new is being read", afterwards=Afterwards.SYNC)

    def change(writer: StoreWriter) -> None:
        writer.reset_cursors(act.site.name)

    return Outcome("everything is being read again; nothing was deleted", change, Afterwards.SYNC)


def import_old_tree(act: Act, command: ImportTree) -> Outcome:
    """Read a result tree of the old system; scan by scan, so that a death in between costs one."""
    site, operator = act.site, act.record.operator
    report = import_tree(site.store, site.config, Path(command.folder), operator, act.now)
    return Outcome("\n".join(report.lines(SHOWN_UNREAD)))


def stop_executor(act: Act) -> Outcome:
    """End the executor, unless the wish is older than this executor."""
    if act.record.asked_at < act.executor_started_at:
        raise CommandError("this was asked of an executor that had ended before it was read")
    return Outcome("the executor ends; jobs on the server go on", afterwards=Afterwards.STOP)
