"""Which raw data are on the server: asked of the cluster part, which knows their names."""

from datetime import datetime

from pydantic import ValidationError

from background_executor.acquisition_record import AcquisitionRecord
from background_executor.errors import CommandError
from background_executor.scheduler.script import run_in_job_environment
from background_executor.site import Site
from server_side.acquisitions import ACQUISITION_LIST, AcquisitionListing
from server_side.boundary import faults_in_words
from server_side.scan import Point, ScanKind, parse_point


def list_acquisitions(site: Site, now: datetime) -> tuple[AcquisitionRecord, ...]:
    """Return the acquisitions on the server.

    Raises
    ------
    CommandError
        When the cluster part could not list them; the message is its own.
    TransportError
        When the server could not be asked.
    """
    return tuple(
        AcquisitionRecord(
            folder=listing.folder,
            serial_number=listing.serial_number,
            kind=listing.kind,
            points=listing.points,
            modified_at=listing.modified_at,
            seen_at=now,
        )
        for listing in _listings(site)
    )


def points_of_acquisition(
    site: Site, folder: str, serial_number: str, kind: ScanKind
) -> tuple[Point, ...]:
    """Return the points that an acquisition holds of a PMT, in the order of a scan.

    Raises
    ------
    CommandError
        When there is no such acquisition, or the cluster part could not list them.
    TransportError
        When the server could not be asked.
    """
    wanted = (folder, serial_number, kind)
    for listing in _listings(site):
        if (listing.folder, listing.serial_number, listing.kind) == wanted:
            points = (parse_point(name) for name in listing.point_names)
            return tuple(sorted(points, key=_order))
    raise CommandError(
        f"no acquisition {folder} with {kind.value} points of {serial_number} below "
        f"{site.config.site.raw_base}: refresh the list and choose one of it"
    )


def _order(point: Point) -> tuple[int, int]:
    if point.kind == "position":
        return point.theta_deg, point.phi_deg
    return point.voltage_v, 0


def _listings(site: Site) -> tuple[AcquisitionListing, ...]:
    settings = site.config.measurement.model_dump_json().encode()
    section = site.config.site
    argv = [section.python, "-m", "server_side", "acquisitions", "--json"]
    argv += ["--raw-base", str(section.raw_base), "--settings", "-"]
    output = run_in_job_environment(
        site.transport, section, argv, timeout_s=site.timeout_s, stdin=settings
    )
    if output.exit_status != 0:
        said = output.stderr.strip()[-500:] or f"exit status {output.exit_status}"
        raise CommandError(f"the acquisitions on the server cannot be listed: {said}")
    try:
        return ACQUISITION_LIST.validate_json(output.stdout)
    except ValidationError as error:
        raise CommandError(
            f"the list of acquisitions cannot be read: {faults_in_words(error)}"
        ) from error
