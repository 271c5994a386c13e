"""Which scans are wanted, for the pickers of the pages and the verb ``scans``."""

from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from background_executor import tables
from server_side.scan import ScanKind

_scans = tables.scans.c


@dataclass(frozen=True)
class ScanFilter:
    """Which scans of a site are wanted; an empty field asks for nothing."""

    text: str = ""
    """Part of a serial number or the beginning of an id, in small or capital letters."""
    kind: ScanKind | None = None


ALL_SCANS = ScanFilter()


def scan_conditions(wanted: ScanFilter) -> Iterator[sa.ColumnElement[bool]]:
    """Yield what the rows of the wanted scans fulfil."""
    if wanted.kind is not None:
        yield _scans.kind == wanted.kind
    if wanted.text:
        yield sa.or_(
            _scans.serial_number.icontains(wanted.text, autoescape=True),
            _scans.scan_id.istartswith(wanted.text, autoescape=True),
        )
