"""Who stopped a scan and why, kept on the server beside the scan.

A stopped scan looks there like one that nobody works on. The record lets a
store that is made again from the server know the one from the other.
"""

from datetime import datetime, timedelta
from typing import Literal

from pydantic import AwareDatetime

from background_executor import queries
from background_executor.audit import EventFilter
from background_executor.records import ScanRecord, ScanState
from background_executor.site import Site
from background_executor.writing.scans import scan_subject
from server_side.boundary import BoundaryModel
from server_side.scan import ScanId, SiteName


class StopRecord(BoundaryModel):
    """Content of ``STOPPED_<stamp>.json``."""

    format_version: Literal[1] = 1
    site: SiteName
    scan_id: ScanId
    stopped_at: AwareDatetime
    operator: str
    reason: str


class StopRecords:
    """Writes the missing records; what it has seen once it does not look for again."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._written: set[tuple[str, datetime | None]] = set()

    def write_missing(self, _now: datetime) -> None:
        """Write the record of every stopped scan that has none.

        Raises
        ------
        TransportError
            When the server could not be asked.
        """
        for scan_id in queries.scan_ids(self._site.store, self._site.name, ScanState.STOPPED):
            scan = queries.scan(self._site.store, scan_id)
            if scan is None or (scan_id, scan.ended_at) in self._written:
                continue
            write_stop_record(self._site, scan)
            self._written.add((scan_id, scan.ended_at))


def write_stop_record(site: Site, scan: ScanRecord) -> None:
    """Write who stopped a scan and why, unless it is there or the scan is not on the server.

    Raises
    ------
    TransportError
        When the server could not be asked.
    """
    if scan.state is not ScanState.STOPPED or scan.ended_at is None:
        return
    layout = site.layout(scan.scan_id)
    path = layout.stop_record(scan.ended_at)
    if site.transport.exists(path) or not site.transport.exists(layout.plan_file):
        return
    record = _describe(site, scan, scan.ended_at)
    site.transport.write(path, record.model_dump_json(indent=1).encode() + b"\n")


def _describe(site: Site, scan: ScanRecord, stopped_at: datetime) -> StopRecord:
    # Only of that moment: whoever takes a retake back stops the scan again, too.
    after = stopped_at + timedelta(microseconds=1)
    subject, act = scan_subject(scan.scan_id), "scan stopped"
    wanted = EventFilter(subject=subject, act=act, since=stopped_at, until=after)
    stops = queries.events(site.store, site.name, wanted, limit=1)
    return StopRecord(
        site=scan.site,
        scan_id=scan.scan_id,
        stopped_at=stopped_at,
        operator=stops[0].actor if stops else "",
        reason=scan.message,
    )
