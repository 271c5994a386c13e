"""Which number each date of a point has as a take: known ones keep theirs, new ones follow."""

from collections import defaultdict
from collections.abc import Iterable

from background_executor.imported import ImportedRecord
from background_executor.old_data.tree import OldTake
from server_side.scan import Point, Take


class TakeNumbers:
    """Which take and revision each date of each point is."""

    def __init__(self, known: Iterable[ImportedRecord]) -> None:
        self._takes: dict[Point, dict[str, int]] = defaultdict(dict)
        self._revisions: dict[tuple[Point, str], list[frozenset[tuple[str, str]]]]
        self._revisions = defaultdict(list)
        for record in sorted(known, key=lambda entry: entry.result.take.revision):
            result = record.result
            files = frozenset((file.name, file.sha256) for file in result.files)
            self._takes[result.take.point][result.stamp] = result.take.take
            self._revisions[result.take.point, result.stamp].append(files)

    def number(self, old: OldTake) -> Take | None:
        """Return the number for a take with these files, None when it has one."""
        seen = self._revisions[old.point, old.stamp]
        if _files_of(old) in seen:
            return None
        of_point = self._takes[old.point]
        take = of_point.get(old.stamp, max(of_point.values(), default=0) + 1)
        return Take(point=old.point, take=take, revision=len(seen) + 1)

    def note(self, old: OldTake, number: Take) -> None:
        """Remember that a take got its number."""
        self._takes[old.point][old.stamp] = number.take
        self._revisions[old.point, old.stamp].append(_files_of(old))

    def take_of(self, old: OldTake) -> int | None:
        """Return which take a date of a point is, None when it could not be copied."""
        return self._takes[old.point].get(old.stamp)


def _files_of(old: OldTake) -> frozenset[tuple[str, str]]:
    return frozenset((file.name, file.sha256) for file in old.files)
