"""Takes that lie in an old tree more than once: it was copied into folders of other layouts.

The same serial number, point and date with the same files are one acquisition, in
whichever folder they lie. It is taken once, as part of the scan under which it became
known first; within one import that is the scan whose folder says most of it.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from background_executor.imported import ImportedRecord, ImportedResult
from background_executor.old_data.tree import OldScan, OldTake
from server_side.scan import Point

Content = frozenset[tuple[str, int]]
"""Checksum and size of each file; the layouts name the same file differently."""


@dataclass(frozen=True)
class Copy:
    """A take that is in the store as that of another scan."""

    old: OldTake
    known: ImportedResult

    @property
    def words(self) -> str:
        """Say what lies where, and as what it was taken."""
        known = self.known
        return (
            f"{self.old.folder}, {self.old.stamp}: the same files as {known.take.name} of scan "
            f"{known.scan_id}, read from {known.source_folder}"
        )


class KnownElsewhere:
    """What the store holds of a PMT in other scans than the one in hand.

    Parameters
    ----------
    records
        Results of that PMT, of all its imported scans or of the others alone.
    """

    def __init__(self, records: Iterable[ImportedRecord], scan_id: str) -> None:
        self._known: dict[tuple[Point, str], list[ImportedResult]] = defaultdict(list)
        for record in sorted(records, key=lambda each: each.result_id):
            result = record.result
            if result.scan_id != scan_id:
                self._known[result.take.point, result.stamp].append(result)

    def find_copy(self, old: OldTake) -> Copy | None:
        """Return what a take is a copy of: all its files are there already."""
        content = frozenset((file.sha256, file.size_bytes) for file in old.files)
        for result in self._known.get((old.point, old.stamp), ()):
            if content <= _content_of(result):
                return Copy(old, result)
        return None


def _content_of(result: ImportedResult) -> Content:
    return frozenset((file.sha256, file.size_bytes) for file in result.files)


def most_telling_first(scans: Iterable[OldScan]) -> list[OldScan]:
    """Sort scans by what their folder says of them: that it is one scan, a day, or nothing."""
    return sorted(scans, key=lambda scan: (not scan.is_named, not scan.container))
