"""Which takes and results of a scan there are already: what makes a restart safe.

A take is one acquisition of a point, known by its raw folder and the generation
of its file. Its number is given once. It is read back from two records: the
``result.json`` of every published folder, also of those that were flagged and
moved, and the ``data_seen`` lines of the journals of earlier jobs, which also
know the takes that failed.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from server_side.boundary import faults_in_words
from server_side.errors import NameFormatError
from server_side.journal import BadLine, DataSeen, JournalLine, read_past_bad_lines
from server_side.layout import MANIFEST_FILE, RESULT_FILE, parse_take_folder
from server_side.order import AwaitedTake
from server_side.result import PointResult
from server_side.scan import PositionPoint, Take, VoltagePoint

log = logging.getLogger(__name__)

InputSizes = Mapping[str, int]


@dataclass(frozen=True)
class RawIdentity:
    """What tells one acquisition of a point from another."""

    point: PositionPoint | VoltagePoint
    folder: str
    generation: str


@dataclass(frozen=True)
class PublishedTake:
    """A published folder, with what its result says of its raw data."""

    take: Take
    folder: Path
    raw: RawIdentity | None
    """None when the result cannot be read."""
    input_sizes: InputSizes
    """Sizes of the raw files when they were read, by path."""


class TakeBook:
    """Numbers of the takes of one scan, and their revisions."""

    def __init__(
        self,
        published: Iterable[PublishedTake],
        seen: Iterable[DataSeen],
        awaited: Iterable[AwaitedTake] = (),
    ) -> None:
        self._awaited = {entry.point: entry.take for entry in awaited}
        self._numbers: dict[RawIdentity, int] = {}
        self._revisions: dict[tuple[PositionPoint | VoltagePoint, int], int] = {}
        self._sizes: dict[tuple[PositionPoint | VoltagePoint, int], InputSizes] = {}
        for line in seen:
            raw = RawIdentity(line.point, line.folder, line.generation)
            self._numbers[raw] = line.take
        for entry in published:
            if entry.raw is not None:
                self._numbers[entry.raw] = entry.take.take
            self.note_published(entry.take, entry.input_sizes)

    def number_of(self, raw: RawIdentity) -> int | None:
        """Return the number that was given to an acquisition, or None."""
        return self._numbers.get(raw)

    def give_number(self, raw: RawIdentity) -> int:
        """Return the number of an acquisition; a new one gets the next of its point."""
        if raw not in self._numbers:
            self._numbers[raw] = self.newest_take(raw.point) + 1
        return self._numbers[raw]

    def note_published(self, take: Take, input_sizes: InputSizes) -> None:
        """Remember that a folder is in place, and how large its raw files were."""
        key = (take.point, take.take)
        if take.revision > self._revisions.get(key, 0):
            self._revisions[key] = take.revision
            self._sizes[key] = input_sizes

    def has_grown(self, raw: RawIdentity, sizes: InputSizes) -> bool:
        """Tell whether files are larger than when the newest result was made of them."""
        number = self._numbers.get(raw)
        before = {} if number is None else self._sizes.get((raw.point, number), {})
        return any(size > before.get(path, size) for path, size in sizes.items())

    def is_published(self, raw: RawIdentity) -> bool:
        """Tell whether an acquisition has a result."""
        number = self._numbers.get(raw)
        return number is not None and self.newest_revision(raw.point, number) > 0

    def newest_take(self, point: PositionPoint | VoltagePoint) -> int:
        """Return the highest number given for a point; 0 before the first.

        Numbers below that of an awaited take are given, whatever became of them.
        """
        numbered = [number for raw, number in self._numbers.items() if raw.point == point]
        published = (take for p, take in self._revisions if p == point)
        return max([self._awaited.get(point, 1) - 1, *numbered, *published])

    def newest_published(self, point: PositionPoint | VoltagePoint) -> int:
        """Return the highest take of a point that has a result; 0 without one."""
        return max((take for p, take in self._revisions if p == point), default=0)

    def newest_revision(self, point: PositionPoint | VoltagePoint, take: int) -> int:
        """Return the highest revision of a take; 0 when it has no result."""
        return self._revisions.get((point, take), 0)

    def raw_of(self, point: PositionPoint | VoltagePoint, take: int) -> RawIdentity | None:
        """Return which acquisition a take was made from, or None when it is not known."""
        for raw, number in self._numbers.items():
            if raw.point == point and number == take:
                return raw
        return None


def published_takes(results_folder: Path) -> Iterator[PublishedTake]:
    """Yield the published takes in a folder; one that is not there holds none.

    What has the name of a take and no manifest was not published, and is passed over.
    """
    if not results_folder.is_dir():
        return
    for folder in sorted(results_folder.iterdir()):
        try:
            take = parse_take_folder(folder.name)
        except NameFormatError:
            continue
        if not (folder / MANIFEST_FILE).is_file():
            log.warning("%s has no %s: it is no published take", folder, MANIFEST_FILE)
            continue
        yield _published_take(take, folder)


def journal_lines(scan_folder: Path) -> Iterator[JournalLine]:
    """Yield the lines of all journals of a scan that can be read, journals by their age."""
    journals = sorted(scan_folder.glob("journal-*.jsonl"), key=lambda path: path.stat().st_mtime)
    for journal in journals:
        for read in read_past_bad_lines(journal.read_bytes()):
            if isinstance(read, BadLine):
                log.warning("Passed over in %s: %s", journal, read.message)
            else:
                yield read.line


def _published_take(take: Take, folder: Path) -> PublishedTake:
    path = folder / RESULT_FILE
    try:
        provenance = PointResult.model_validate_json(path.read_bytes()).provenance
    except (OSError, ValidationError) as error:
        log.warning(
            "%s cannot be read; its take keeps its number: %s", path, faults_in_words(error)
        )
        return PublishedTake(take, folder, None, {})
    acquisition = provenance.acquisition
    raw = RawIdentity(take.point, acquisition.folder, acquisition.generation)
    return PublishedTake(
        take, folder, raw, {file.path: file.size_bytes for file in provenance.inputs}
    )
