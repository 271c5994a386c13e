"""One scan, looked at again and again until it is done.

``ScanWatch.step`` looks once, says in the journal what is new, and analyses at
most one point. It never waits and never ends by itself: that is ``watch``.
A failing point is recorded and does not stop the others.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from server_side.candidates import Candidate, RawView
from server_side.chosen_files import ChosenFiles
from server_side.errors import RawDataError, ServerSideError
from server_side.follow import PointFollower
from server_side.gain_fit import GainFitter
from server_side.interrupt import EndRequested
from server_side.journal_writer import JournalWriter
from server_side.layout import ScanLayout
from server_side.live import LiveFile, Stage
from server_side.order import JobOrder
from server_side.pipeline import process_point
from server_side.point_work import PointWork
from server_side.readiness import Moment, has_expected_events
from server_side.scan import Take
from server_side.takes import RawIdentity
from server_side.worklist import WorkList

log = logging.getLogger(__name__)

LIVE_PACE_S = 0.5
"""The live file is not written more often, unless the stage changes."""


@dataclass(frozen=True)
class Step:
    """What one look gave."""

    has_news: bool
    """Raw files changed, or a point was published or failed."""
    was_published: bool


class ScanWatch:
    """The state of one job's work on one scan.

    Parameters
    ----------
    check_end
        Called between steps of the work; raises ``EndRequested``.
    """

    def __init__(
        self,
        order: JobOrder,
        *,
        layout: ScanLayout,
        journal: JournalWriter,
        live: LiveFile,
        fitter: GainFitter,
        check_end: Callable[[], None],
    ) -> None:
        self._order = order
        self._layout = layout
        self._journal = journal
        self._live = live
        self._fitter = fitter
        self._check_end = check_end
        self._view = RawView(Path(order.raw_base), order.plan)
        self._list = WorkList(order, layout, journal)
        self._follower: PointFollower | None = None
        self._unreadable: set[RawIdentity] = set()
        self._has_work = True
        self._is_idle = False
        self._blind_because = ""

    @property
    def is_done(self) -> bool:
        """Every point has an outcome, and nothing that is there is left to do."""
        return self._list.is_done and not self._has_work

    @property
    def points_left(self) -> int:
        """Points of the plan that have no outcome yet."""
        return self._list.points_left

    def step(self, moment: Moment) -> Step:
        """Look at the raw folders once, and analyse at most one point."""
        try:
            candidates = self._view.look(moment)
        except RawDataError as error:
            self._say_blind(str(error))
            return Step(has_news=False, was_published=False)
        self._say_blind("")
        work = self._list.of(candidates)
        self._has_work = bool(work)
        ready = next((c for c in work if c.complete_because), None) or self._follow(work)
        if ready is not None:
            self._is_idle = False
            return Step(has_news=True, was_published=self._do(ready))
        self._say_idle(work)
        has_news = any(candidate.has_changed for candidate in candidates)
        return Step(has_news, was_published=False)

    def _do(self, candidate: Candidate) -> bool:
        """Analyse a candidate; every error is recorded and shown, and is its point's alone."""
        self._follower = None
        try:
            self._analyse(candidate)
        except EndRequested:
            raise
        except ServerSideError as error:
            self._list.note_failure(candidate, str(error))
        except Exception as error:
            log.exception("The analysis of %s failed", candidate.folder)
            self._list.note_failure(candidate, f"{type(error).__name__}: {error}")
        else:
            return True
        return False

    def _analyse(self, candidate: Candidate) -> None:
        if candidate.chosen is None or candidate.raw is None:
            raise RawDataError(candidate.fault)
        take = self._list.next_take(candidate, candidate.raw)
        work = PointWork(
            plan=self._order.plan,
            layout=self._layout,
            take=take,
            raw_point=candidate.raw_point,
            chosen=candidate.chosen,
            generation=candidate.raw.generation,
            complete_because=candidate.complete_because or "",
            job=self._order.job,
        )
        published = process_point(
            work, self._fitter, _StageReport(self._live, take, self._check_end)
        )
        self._list.note_published(candidate, take, published)

    def _follow(self, work: Sequence[Candidate]) -> Candidate | None:
        """Look into the newest files that grow; return their candidate when it has all events."""
        growing = [c for c in work if c.is_announceable and c.raw not in self._unreadable]
        if not growing:
            self._follower = None
            return None
        newest = max(growing, key=lambda c: c.raw_point.modified_at or c.raw_point.began_at)
        if newest.chosen is None or newest.raw is None:
            return None
        try:
            follower = self._follower_of(newest.chosen)
            follower.advance()
        except (RawDataError, OSError) as error:
            log.warning("%s cannot be followed: %s", newest.folder, error)
            self._unreadable.add(newest.raw)
            self._follower = None
            return None
        self._show(follower, self._list.next_take(newest, newest.raw))
        expected = self._order.plan.settings.watch.expected_events
        because = has_expected_events(follower.events, newest.chosen, expected)
        return replace(newest, complete_because=because) if because else None

    def _follower_of(self, chosen: ChosenFiles) -> PointFollower:
        if self._follower is None or self._follower.paths != tuple(f.path for f in chosen.all):
            self._follower = PointFollower(chosen, self._order.plan, self._fitter)
        return self._follower

    def _show(self, follower: PointFollower, take: Take) -> None:
        self._live.show(
            "acquiring",
            take.point,
            take.take,
            events=follower.events[follower.chosen.pmt.channel],
            spectrum=follower.spectrum,
            fit=follower.fit,
        )

    def _say_blind(self, error: str) -> None:
        """Log once that nothing can be seen, and once that it can again."""
        if error and error != self._blind_because:
            log.warning("Nothing can be seen for now: %s", error)
        elif self._blind_because and not error:
            log.info("The raw folders can be seen again")
        self._blind_because = error

    def _say_idle(self, work: Sequence[Candidate]) -> None:
        """Say once that all that is there is done."""
        if work or self.is_done:
            self._is_idle = False
        elif not self._is_idle:
            self._is_idle = True
            self._journal.idle(self._list.points_left)
            self._live.show_waiting()


class _StageReport:
    """Shows the stage of a point in the live file, and ends the work when asked to."""

    def __init__(self, live: LiveFile, take: Take, check_end: Callable[[], None]) -> None:
        self._live = live
        self._take = take
        self._check_end = check_end
        self._stage: Stage | None = None
        self._shown_s = 0.0
        self._lock = threading.Lock()

    def __call__(self, stage: Stage, events: int) -> None:
        """Show a stage; called from the threads that read the channels."""
        with self._lock:
            self._check_end()
            now_s = time.monotonic()
            if stage != self._stage or now_s - self._shown_s >= LIVE_PACE_S:
                self._stage, self._shown_s = stage, now_s
                self._live.show(stage, self._take.point, self._take.take, events=events)
