"""What of a scan is still to be done: takes, their tries, questions, analyses asked for again.

Everything is decided from the raw folders as they are, the published folders
and the journals, so that a job that is started anew goes on where the one
before it was killed.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from server_side.candidates import Candidate
from server_side.journal import DataSeen, PointPublished
from server_side.journal_writer import JournalWriter
from server_side.layout import MANIFEST_FILE, ScanLayout
from server_side.order import JobOrder
from server_side.publish import Published, manifest_sha256
from server_side.raw_data import question_about
from server_side.readiness import Fingerprint
from server_side.scan import PositionPoint, Take, VoltagePoint
from server_side.takes import (
    InputSizes,
    PublishedTake,
    RawIdentity,
    TakeBook,
    journal_lines,
    published_takes,
)

log = logging.getLogger(__name__)

AnyPoint = PositionPoint | VoltagePoint


@dataclass(frozen=True)
class _Failure:
    """How often the data of a raw folder failed, as they were then."""

    attempts: int
    is_final: bool
    fingerprint: Fingerprint


class WorkList:
    """What one job still has to do."""

    def __init__(self, order: JobOrder, layout: ScanLayout, journal: JournalWriter) -> None:
        self._plan = order.plan
        self._journal = journal
        self._announced: set[RawIdentity] = set()
        self._failures: dict[Path, _Failure] = {}
        self._failed_points: set[AnyPoint] = set()
        self._questions: dict[AnyPoint, str] = {}
        lines = tuple(journal_lines(Path(layout.scan_folder)))
        here = tuple(published_takes(Path(layout.results_folder)))
        flagged = tuple(published_takes(Path(layout.flagged_folder(order.flag_folder))))
        self._awaited = {entry.point: entry for entry in order.awaited}
        seen = [line for line in lines if isinstance(line, DataSeen)]
        self._book = TakeBook([*here, *flagged], seen, order.awaited)
        self._again = {
            (point, take)
            for point in order.reanalyse
            if (take := self._book.newest_published(point)) > 0
        }
        told = {line.take for line in lines if isinstance(line, PointPublished)}
        self._tell_of([entry for entry in here if entry.take not in told])

    @property
    def points_left(self) -> int:
        """Points of the plan that have neither a result nor failed for good."""
        return sum(self._is_left(point) for point in self._plan.points)

    def _is_left(self, point: AnyPoint) -> bool:
        awaited = self._awaited.get(point)
        wanted = 1 if awaited is None else awaited.take
        return self._book.newest_published(point) < wanted and point not in self._failed_points

    @property
    def is_done(self) -> bool:
        """Every point of the plan has an outcome, and so has every analysis asked for."""
        return self.points_left == 0 and not self._again

    def of(self, candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
        """Return the candidates that are to be done, and tell the journal what is new of them."""
        self._give_up_what_is_gone(candidates)
        work = tuple(
            c for c in candidates if self._is_to_do(c) and not self._is_asked(c, candidates)
        )
        for candidate in work:
            self._announce(candidate)
        return work

    def next_take(self, candidate: Candidate, raw: RawIdentity) -> Take:
        """Return the name of the next result of a candidate."""
        number = self._book.give_number(raw)
        revision = self._book.newest_revision(candidate.point, number) + 1
        return Take(point=candidate.point, take=number, revision=revision)

    def note_published(self, candidate: Candidate, take: Take, published: Published) -> None:
        """Record and tell that a take's folder is in place."""
        self._book.note_published(take, _sizes(candidate))
        self._again.discard((take.point, take.take))
        self._failures.pop(candidate.folder, None)
        self._failed_points.discard(take.point)
        self._journal.point_published(take, published.folder.name, published.manifest_sha256)

    def note_failure(self, candidate: Candidate, error: str) -> None:
        """Record and tell that a candidate could not be analysed."""
        before = self._failures.get(candidate.folder)
        fingerprint = candidate.sighting.fingerprint
        # Other data than those that failed before begin with a first try.
        attempts = before.attempts if before and before.fingerprint == fingerprint else 0
        is_final = attempts + 1 >= self._plan.settings.watch.max_tries
        self._failures[candidate.folder] = _Failure(attempts + 1, is_final, fingerprint)
        take = self._number(candidate)
        if is_final:
            self._failed_points.add(candidate.point)
            self._again.discard((candidate.point, take))
        self._journal.point_failed(
            candidate.point, take, attempt=attempts + 1, final=is_final, error=error
        )

    def _number(self, candidate: Candidate) -> int:
        """Return the take's number, or the one that it would get."""
        known = None if candidate.raw is None else self._book.number_of(candidate.raw)
        return self._book.newest_take(candidate.point) + 1 if known is None else known

    def _tell_of(self, published: Sequence[PublishedTake]) -> None:
        """Announce what a killed job put in place without having said so."""
        for entry in published:
            manifest = (entry.folder / MANIFEST_FILE).read_bytes()
            self._journal.point_published(entry.take, entry.folder.name, manifest_sha256(manifest))

    def _is_to_do(self, candidate: Candidate) -> bool:
        if self._is_before_retake(candidate):
            return False
        failure = self._failures.get(candidate.folder)
        if failure and failure.is_final and failure.fingerprint == candidate.sighting.fingerprint:
            return False
        if candidate.raw is None:
            return candidate.holds_something
        if not self._book.is_published(candidate.raw):
            return True
        is_again = (candidate.point, self._book.number_of(candidate.raw)) in self._again
        return is_again or self._book.has_grown(candidate.raw, _sizes(candidate))

    def _is_before_retake(self, candidate: Candidate) -> bool:
        """Tell whether data are those of a take that is to be taken again."""
        awaited = self._awaited.get(candidate.point)
        if awaited is None:
            return False
        number = None if candidate.raw is None else self._book.number_of(candidate.raw)
        if number is not None:
            is_asked_again = (candidate.point, number) in self._again
            return number < awaited.take and not is_asked_again
        written_at = candidate.raw_point.modified_at
        return written_at is not None and written_at < awaited.asked_at

    def _is_asked(self, candidate: Candidate, candidates: Sequence[Candidate]) -> bool:
        """Put to the operator what cannot be told apart; once for each question."""
        question = question_about(candidate.raw_point, [c.raw_point for c in candidates])
        if question is None:
            self._questions.pop(candidate.point, None)
            return False
        if self._questions.get(candidate.point) != question:
            self._questions[candidate.point] = question
            self._failed_points.add(candidate.point)
            take = self._number(candidate)
            self._journal.point_failed(candidate.point, take, attempt=1, final=True, error=question)
        return True

    def _announce(self, candidate: Candidate) -> None:
        raw = candidate.raw
        if raw is None or raw in self._announced or not candidate.is_announceable:
            return
        self._announced.add(raw)
        number = self._book.give_number(raw)
        self._journal.data_seen(raw.point, number, raw.folder, raw.generation)

    def _give_up_what_is_gone(self, candidates: Sequence[Candidate]) -> None:
        """Say of analyses asked for again that their raw data are not there any more."""
        present = {candidate.raw for candidate in candidates}
        for point, take in sorted(self._again, key=lambda entry: entry[0].name):
            raw = self._book.raw_of(point, take)
            if raw in present:
                continue
            self._again.discard((point, take))
            where = "an unknown folder" if raw is None else raw.folder
            self._journal.point_failed(
                point,
                take,
                attempt=1,
                final=True,
                error=f"cannot analyse again: the raw data of take {take} are not in {where} "
                "any more; the results there are stay valid",
            )


def _sizes(candidate: Candidate) -> InputSizes:
    if candidate.chosen is None:
        return {}
    return {str(file.path): file.size_bytes for file in candidate.chosen.all}
