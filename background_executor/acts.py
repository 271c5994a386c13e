"""Do what commands ask for, one after the other, each once.

An act looks first and decides; what it changes is committed together with the
command's answer. An executor that dies in between finds the command in hand
and nothing done, and does it then.
"""

import logging
import secrets
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from pydantic import ValidationError

from background_executor import queries
from background_executor.acquisitions import list_acquisitions, points_of_acquisition
from background_executor.commanding import Act, Afterwards, Outcome
from background_executor.commands import (
    COMMAND,
    Command,
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
from background_executor.errors import CommandError, SchedulerError, TransportError
from background_executor.quality_acts import act_on_quality
from background_executor.quality_commands import JudgeAgain, MakeReference
from background_executor.records import (
    ENDED_JOB_STATES,
    CommandState,
    JobRecord,
    ScanRecord,
    ScanState,
)
from background_executor.site import Site
from background_executor.successors import add_successor, lacks_job
from background_executor.writing import StoreWriter
from server_side.scan import (
    ExistingAcquisition,
    NewAcquisitions,
    Point,
    RawSource,
    ScanKind,
    ScanPlan,
    Slot,
)

log = logging.getLogger(__name__)

StartCommand = StartScan | StartHvCheck | ProcessExisting

_NAME_OF_KIND = {ScanKind.POSITION: "scan", ScanKind.HV: "HV check"}


def do_next_command(site: Site, now: datetime, executor_started_at: datetime) -> Afterwards | None:
    """Do the oldest waiting command and answer it; None when there is none."""
    with site.store.writing(now) as writer:
        record = writer.claim_next_command(site.name)
    if record is None:
        return None
    reach(CrashPoint.COMMAND_CLAIMED)
    state = CommandState.DONE
    try:
        command = COMMAND.validate_json(record.arguments)
        outcome = _do(Act(site, record, now, executor_started_at), command)
    except (CommandError, TransportError, SchedulerError) as error:
        state, outcome = CommandState.REFUSED, Outcome(str(error))
    except ValidationError as error:
        state, outcome = CommandState.REFUSED, Outcome(f"the command cannot be read: {error}")
    with site.store.writing(now) as writer:
        outcome.change(writer)
        writer.answer_command(record.command_id, state, outcome.answer)
    reach(CrashPoint.COMMAND_ANSWERED)
    log.info("Command %d, %s: %s", record.command_id, record.kind, outcome.answer)
    return outcome.afterwards


def _do(act: Act, command: Command) -> Outcome:
    match command:
        case StartScan() | StartHvCheck() | ProcessExisting():
            return _start(act, command)
        case StopScan() | ResumeScan():
            return _stop_or_resume(act, command)
        case ListAcquisitions():
            return refresh_acquisitions(act)
        case SyncNow() | Reset():
            return _read_everything(act, command)
        case MakeReference() | JudgeAgain():
            return act_on_quality(act, command)
        case StopExecutor():
            return stop_executor(act)


def _start(act: Act, command: StartCommand) -> Outcome:
    match command:
        case StartScan():
            return start_scan(act, command)
        case StartHvCheck():
            return start_hv_check(act, command)
        case ProcessExisting():
            return process_existing(act, command)


def _stop_or_resume(act: Act, command: StopScan | ResumeScan) -> Outcome:
    return stop_scan(act, command) if isinstance(command, StopScan) else resume_scan(act, command)


def start_scan(act: Act, command: StartScan) -> Outcome:
    """Begin a position scan with the points that settings plan."""
    points = act.site.config.position_points()
    return _begin(act, command, ScanKind.POSITION, points, _new_data(act))


def start_hv_check(act: Act, command: StartHvCheck) -> Outcome:
    """Begin an HV check around a nominal voltage."""
    try:
        points = act.site.config.voltage_points(command.nominal_v)
    except ValidationError as error:
        raise CommandError(
            f"no HV check around {command.nominal_v} V: a step of plan.hv_steps_v leaves the "
            "voltages that a point may have (1 to 5000 V)"
        ) from error
    return _begin(act, command, ScanKind.HV, points, _new_data(act))


def process_existing(act: Act, command: ProcessExisting) -> Outcome:
    """Make a scan of exactly the points that an acquisition holds."""
    kind = ScanKind(command.scan_kind)
    points = points_of_acquisition(act.site, command.acquisition, command.serial_number, kind)
    raw = ExistingAcquisition(folder=command.acquisition)
    return _begin(act, command, kind, points, raw)


def _new_data(act: Act) -> NewAcquisitions:
    grace = timedelta(seconds=act.site.config.site.grace_s)
    return NewAcquisitions(began_after=act.now - grace)


def _begin(
    act: Act,
    command: StartCommand,
    kind: ScanKind,
    points: tuple[Point, ...],
    raw: RawSource,
) -> Outcome:
    """Add a scan and the intent of its first job, unless something stands in the way."""
    site, serial_number, slot = act.site, command.serial_number, command.slot
    _refuse_when_busy(site, kind, serial_number, slot)
    plan = ScanPlan(
        scan_id=secrets.token_hex(6),
        site=site.name,
        kind=kind,
        serial_number=serial_number,
        slot=slot,
        started_at=act.now,
        zone=site.config.site.zone,
        points=points,
        raw=raw,
        settings=site.config.measurement,
    )
    job = str(uuid.uuid4())

    def change(writer: StoreWriter) -> None:
        writer.add_scan(plan, act.record.operator)
        writer.add_job(job, plan.scan_id, job, site.scheduler.name)

    what = f"{_NAME_OF_KIND[kind]} {plan.scan_id} of {serial_number} in slot {slot.value}"
    return Outcome(f"{what} begins with {len(points)} points", change)


def _refuse_when_busy(site: Site, kind: ScanKind, serial_number: str, slot: Slot) -> None:
    for running in queries.running_scans(site.store, site.name):
        what = f"{_NAME_OF_KIND[running.kind]} {running.scan_id} of {running.serial_number}"
        place = f"runs in slot {running.slot} since {running.started_at:%Y-%m-%d %H:%M} UTC"
        if running.serial_number == serial_number and running.kind is kind:
            raise CommandError(f"{what} {place}: stop it first, or wait until it is complete")
        if running.slot == slot and running.serial_number != serial_number:
            raise CommandError(f"slot {slot.value} is taken: {what} {place}")
        if running.serial_number == serial_number and running.slot != slot:
            raise CommandError(f"{serial_number} cannot stand in slot {slot.value}: {what} {place}")


def stop_scan(act: Act, command: StopScan) -> Outcome:
    """End a scan; its job is asked to end in the same turn."""
    scan = _scan_here(act, command.scan_id)
    what = _in_words(scan)
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
    scan = _scan_here(act, command.scan_id)
    what = _in_words(scan)
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


def _scan_here(act: Act, scan_id: str) -> ScanRecord:
    scan = queries.scan(act.site.store, scan_id)
    if scan is None or scan.site != act.site.name:
        raise CommandError(f"no scan {scan_id} at site {act.site.name}")
    return scan


def _in_words(scan: ScanRecord) -> str:
    return f"{_NAME_OF_KIND[scan.kind]} {scan.scan_id} of {scan.serial_number}"


def refresh_acquisitions(act: Act) -> Outcome:
    """Look on the server which acquisitions there are."""
    found = list_acquisitions(act.site, act.now)

    def change(writer: StoreWriter) -> None:
        writer.replace_acquisitions(act.site.name, found)

    return Outcome(f"{len(found)} acquisitions found below {act.site.config.site.raw_base}", change)


def _read_everything(act: Act, command: SyncNow | Reset) -> Outcome:
    """Have everything new read at once, or everything again; nothing is deleted anywhere."""
    if isinstance(command, SyncNow):
        return Outcome("everything new is being read", afterwards=Afterwards.SYNC)

    def change(writer: StoreWriter) -> None:
        writer.reset_cursors(act.site.name)

    return Outcome("everything is being read again; nothing was deleted", change, Afterwards.SYNC)


def stop_executor(act: Act) -> Outcome:
    """End the executor, unless the wish is older than this executor."""
    if act.record.asked_at < act.executor_started_at:
        raise CommandError("this was asked of an executor that had ended before it was read")
    return Outcome("the executor ends; jobs on the server go on", afterwards=Afterwards.STOP)
