"""The verb ``scans``: every scan of a site with its id, which other verbs and addresses take."""

import argparse
import contextlib
from datetime import datetime
from zoneinfo import ZoneInfo

from background_executor import queries
from background_executor.asking import EXIT_DONE, EXIT_REFUSED, Arguments
from background_executor.config import load_config
from background_executor.imported import Provenance
from background_executor.records import ScanRecord
from background_executor.scan_filter import ScanFilter
from background_executor.terminal import say
from server_side.scan import ScanKind


def scans_arguments(parser: argparse.ArgumentParser) -> None:
    """Add which scans."""
    parser.add_argument(
        "--serial",
        default="",
        help="part of a serial number, or the beginning of an id; all without",
    )
    kinds = [kind.value for kind in ScanKind]
    parser.add_argument("--kind", choices=kinds, help="position scans or HV checks alone")


def list_scans(given: Arguments) -> int:
    """Print the scans of a site, newest first, archived and imported ones too."""
    config = load_config(given.settings)
    if not config.has_store:
        where = f"site {config.site.name} has no store yet, below {config.site.state_dir}"
        say(f"{where}: no scan was ever begun with {given.settings}", is_error=True)
        return EXIT_REFUSED
    kind = ScanKind(given.kind) if given.kind else None
    wanted = ScanFilter(text=given.serial, kind=kind)
    with contextlib.closing(config.open_store()) as store:
        found = queries.scans(store, config.site.name, limit=None, wanted=wanted)
    zone = ZoneInfo(config.site.zone)
    say(*(_line(scan, zone) for scan in found))
    if not found:
        say("no scan is so; without --serial and --kind all are listed", is_error=True)
    return EXIT_DONE


def _line(scan: ScanRecord, zone: ZoneInfo) -> str:
    is_imported = scan.provenance is Provenance.IMPORTED
    state = f"imported, {scan.state.value}" if is_imported else scan.state.value
    dates = f"begun {_day(scan.started_at, zone)}"
    if scan.ended_at is not None:
        dates += f", ended {_day(scan.ended_at, zone)}"
    points = f"{scan.points_stored} of {scan.points_planned} points"
    aside = ", kept aside" if scan.is_kept_aside else ""
    return (
        f"{scan.scan_id} {scan.serial_number} {scan.kind.value}: {state}{aside}, {dates}, {points}"
    )


def _day(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M %Z}"
