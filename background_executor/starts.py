"""Begin scans: what a command asks for becomes a plan, a scan and the intent of its first job.

The previous scan of the same kind and PMT goes first, by the rules of the archive;
until it is out of the way nothing begins.
"""

import secrets
import uuid
from dataclasses import dataclass
from datetime import timedelta

from pydantic import ValidationError

from background_executor.acquisitions import points_of_acquisition
from background_executor.commanding import Act, Outcome
from background_executor.commands import ProcessExisting, StartHvCheck, StartScan
from background_executor.decisions import decision_queries
from background_executor.decisions.scan_acts import make_way, refuse_unless_seen_before
from background_executor.errors import CommandError
from background_executor.scan_words import NAME_OF_KIND
from background_executor.scans_here import refuse_when_busy
from background_executor.writing import StoreWriter
from server_side.scan import (
    ExistingAcquisition,
    NewAcquisitions,
    Point,
    RawSource,
    ScanKind,
    ScanPlan,
)

StartCommand = StartScan | StartHvCheck | ProcessExisting


@dataclass(frozen=True)
class _Wish:
    """What is to begin."""

    kind: ScanKind
    points: tuple[Point, ...]
    raw: RawSource


def start(act: Act, command: StartCommand) -> Outcome:
    """Begin what a command asks for, or first see to the previous scan of its PMT.

    Raises
    ------
    CommandError
        When something stands in the way.
    """
    wish = _read(act, command)
    site = act.site
    refuse_when_busy(site, wish.kind, command.serial_number, command.slot)
    previous = decision_queries.previous_scan(
        site.store, site.name, wish.kind, command.serial_number
    )
    refuse_unless_seen_before(act, previous, command.previous_seen)
    if previous is None:
        return _begin(act, command, wish)
    return make_way(act, previous, command.previous, command.previous_reason)


def start_after(act: Act, command: StartCommand) -> Outcome:
    """Begin what a command asks for, now that the previous scan is out of the way.

    Raises
    ------
    CommandError
        When something else stands in the way.
    """
    wish = _read(act, command)
    refuse_when_busy(act.site, wish.kind, command.serial_number, command.slot)
    return _begin(act, command, wish)


def _read(act: Act, command: StartCommand) -> _Wish:
    match command:
        case StartScan():
            points = act.site.config.position_points()
            return _Wish(ScanKind.POSITION, points, _new_data(act))
        case StartHvCheck():
            return _Wish(ScanKind.HV, _voltage_points(act, command), _new_data(act))
        case ProcessExisting():
            kind = ScanKind(command.scan_kind)
            return _Wish(
                kind,
                points_of_acquisition(act.site, command.acquisition, command.serial_number, kind),
                ExistingAcquisition(folder=command.acquisition),
            )


def _voltage_points(act: Act, command: StartHvCheck) -> tuple[Point, ...]:
    try:
        return act.site.config.voltage_points(command.nominal_v)
    except ValidationError as error:
        raise CommandError(
            f"no HV check around {command.nominal_v} V: a step of plan.hv_steps_v leaves the "
            "voltages that a point may have (1 to 5000 V)"
        ) from error


def _new_data(act: Act) -> NewAcquisitions:
    grace = timedelta(seconds=act.site.config.site.grace_s)
    return NewAcquisitions(began_after=act.now - grace)


def _begin(act: Act, command: StartCommand, wish: _Wish) -> Outcome:
    """Add a scan and the intent of its first job."""
    site, serial_number, slot = act.site, command.serial_number, command.slot
    plan = ScanPlan(
        scan_id=secrets.token_hex(6),
        site=site.name,
        kind=wish.kind,
        serial_number=serial_number,
        slot=slot,
        started_at=act.now,
        zone=site.config.site.zone,
        points=wish.points,
        raw=wish.raw,
        settings=site.config.measurement,
    )
    job = str(uuid.uuid4())

    def change(writer: StoreWriter) -> None:
        writer.add_scan(plan, act.record.operator)
        writer.add_job(job, plan.scan_id, job, site.scheduler.name)

    what = f"{NAME_OF_KIND[wish.kind]} {plan.scan_id} of {serial_number} in slot {slot.value}"
    return Outcome(f"{what} begins with {len(wish.points)} points", change)
