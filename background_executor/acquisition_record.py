"""The row of an acquisition that could be processed."""

from dataclasses import dataclass
from datetime import datetime

from server_side.scan import ScanKind


@dataclass(frozen=True)
class AcquisitionRecord:
    """An acquisition on the server that could be processed: one line of the list to pick from."""

    folder: str
    serial_number: str
    kind: ScanKind
    points: int
    modified_at: datetime
    seen_at: datetime
