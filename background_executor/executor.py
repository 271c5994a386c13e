"""One turn of everything: what was asked, jobs, journals, results, scans, and a sign of life.

``Executor.step`` holds no state that the store does not: it may die between
any two of its lines. It waits for nothing but the server's answers, each of
which has a time-out, and gives a sign of life before what may wait. Who calls
it again and again, and what becomes of an error that nobody expected, is in
``instance``.
"""

import logging
import os
import re
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from background_executor import queries
from background_executor.acts import do_next_command
from background_executor.beating import BeatingTransport
from background_executor.commanding import Afterwards
from background_executor.config import TransportName
from background_executor.decisions.clean_up import empty_trash
from background_executor.decisions.late_results import intend_late_flags
from background_executor.decisions.outcomes import conclude
from background_executor.decisions.pending_moves import PendingMoves
from background_executor.decisions.stop_records import StopRecords
from background_executor.errors import RefusedError, SettingsError, TransportError
from background_executor.fetch import Fetches
from background_executor.following import FollowedJobRecord
from background_executor.jobs.idle_scans import IdleScans
from background_executor.jobs.job_logs import JobLogs
from background_executor.jobs.job_queue import JobQueue
from background_executor.jobs.submit import Intents
from background_executor.jobs.successors import settle_scans
from background_executor.jobs.unwanted import UnwantedJobs
from background_executor.judging.hv_files import HvFiles
from background_executor.records import ExecutorRecord, ExecutorState, LinkState
from background_executor.site import Site
from background_executor.sweep import Sweeps
from background_executor.sync import Journals
from background_executor.work import Work
from server_side import __version__

log = logging.getLogger(__name__)

MAX_COMMANDS_A_TURN = 20
SWEEP_EVERY = timedelta(seconds=60)
EMPTY_TRASH_EVERY = timedelta(hours=1)
LOOK_FOR_RAW_DATA_EVERY = timedelta(seconds=60)
BEAT_EVERY = timedelta(seconds=5)
"""Within a turn a sign of life is given so often, as far as no call waits for an answer."""


@dataclass(frozen=True)
class Rhythm:
    """How often the server is asked; the scheduler's own comes from settings."""

    journals: timedelta
    live_files: timedelta


RHYTHM = {
    TransportName.LOCAL: Rhythm(journals=timedelta(0), live_files=timedelta(seconds=1)),
    # Each question is a round trip, and login nodes count them.
    TransportName.SSH: Rhythm(journals=timedelta(seconds=1.4), live_files=timedelta(seconds=4)),
}


@dataclass(frozen=True)
class Link:
    """What is known of the connection."""

    state: LinkState
    message: str
    synced_at: datetime | None


class Executor:
    """Works for one site, a turn at a time.

    Parameters
    ----------
    clock
        Monotonic seconds, for the time that passes within a turn.
    """

    def __init__(
        self, site: Site, started_at: datetime, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        # So that it is silent for no longer than one call may take, however many there are.
        site = replace(site, transport=BeatingTransport(site.transport, self._keep_beating))
        self._site = site
        self._started_at = started_at
        self._clock = clock
        self._turn_at, self._turn_began_s = started_at, clock()
        self._beat_at: datetime | None = None
        self._hv_files = HvFiles(site)
        self._sweeps = Sweeps(site)
        self._link = Link(LinkState.DISCONNECTED, "no answer yet since the start", None)
        self._live_seen_at: datetime | None = None
        self._rhythm = RHYTHM[site.config.site.transport]
        self._sweep_work = self._work(self._sweep, SWEEP_EVERY)
        self._move_work = self._work(self._carry_on_moves)
        self._intents = Intents(site)
        self._unwanted = UnwantedJobs(site)
        self._journals = Journals(site, self._sweep_work.hasten)
        self._queue = JobQueue(site)
        self._fetches = Fetches(site)
        self._pending_moves = PendingMoves(site, conclude)
        self._works = self._all_works()

    def _all_works(self) -> tuple[Work, ...]:
        """Return what is done in a turn, in its order."""
        site, poll = self._site, timedelta(seconds=self._site.config.site.scheduler_poll_s)
        return (
            self._work(self._submit),
            self._work(self._end_unwanted),
            self._work(self._follow, self._rhythm.journals),
            self._work(self._look, poll),
            self._work(JobLogs(site).look, poll),
            self._sweep_work,
            self._work(self._fetch),
            self._move_work,
            self._work(self._empty_trash, EMPTY_TRASH_EVERY),
            self._work(IdleScans(site).look, LOOK_FOR_RAW_DATA_EVERY),
            self._work(StopRecords(site).write_missing),
        )

    def _work(self, act: Callable[[datetime], None], every: timedelta = timedelta(0)) -> Work:
        return Work(act, every, clock=self._clock)

    def step(self, now: datetime) -> bool:
        """Do one turn of everything; False when the executor was asked to end."""
        self._begin(now)
        goes_on = self._do_commands(now)
        if goes_on:
            self._work_with_server(now)
            if settle_scans(self._site, now, self._sweeps.listed_at):
                self._sweep_work.hasten()
            self._hv_files.keep_up()
        self._beat(ExecutorState.RUNNING if goes_on else ExecutorState.STOPPING)
        return goes_on

    def end(self, now: datetime, message: str) -> None:
        """Say that the executor has ended, and why."""
        self._begin(now)
        self._hv_files.end()
        self._beat(ExecutorState.STOPPED, message)

    def _begin(self, now: datetime) -> None:
        self._turn_at, self._turn_began_s = now, self._clock()

    def _do_commands(self, now: datetime) -> bool:
        for _ in range(MAX_COMMANDS_A_TURN):
            self._keep_beating()
            afterwards = do_next_command(self._site, now, self._started_at)
            if afterwards is Afterwards.STOP:
                return False
            if afterwards is Afterwards.SYNC:
                self._sweeps.look_everywhere()
                for work in self._works:
                    work.hasten()
            if afterwards is None:
                break
            self._move_work.hasten()  # whatever is in the way of another scan's act
        return True

    def _work_with_server(self, now: datetime) -> None:
        """Do all that needs the server; without an answer, all of it waits for the next turn."""
        try:
            self._site.transport.connect()
            for work in self._works:
                self._keep_beating()
                work.do_when_due(now)
        except (TransportError, SettingsError) as error:
            if _without_numbers(str(error)) != _without_numbers(self._link.message):
                log.warning("The server cannot be asked: %s", error)
            refused = isinstance(error, RefusedError | SettingsError)
            state = LinkState.REFUSED if refused else LinkState.DISCONNECTED
            self._link = Link(state, str(error), self._link.synced_at)
        else:
            self._link = Link(LinkState.CONNECTED, "", now)

    def _open_jobs(self) -> tuple[FollowedJobRecord, ...]:
        return queries.open_jobs(self._site.store, self._site.name)

    def _submit(self, now: datetime) -> None:
        self._intents.submit(self._open_jobs(), now)

    def _end_unwanted(self, now: datetime) -> None:
        self._unwanted.end(self._open_jobs(), now)

    def _follow(self, now: datetime) -> None:
        seen_at = self._live_seen_at
        with_live = seen_at is None or abs(now - seen_at) >= self._rhythm.live_files
        if with_live:
            self._live_seen_at = now
        self._journals.follow(self._open_jobs(), now, with_live=with_live)

    def _look(self, now: datetime) -> None:
        self._queue.look(self._open_jobs(), now)

    def _fetch(self, now: datetime) -> None:
        self._fetches.fetch_waiting(now)

    def _carry_on_moves(self, now: datetime) -> None:
        intend_late_flags(self._site, now)
        self._pending_moves.carry_on(now)

    def _empty_trash(self, now: datetime) -> None:
        empty_trash(self._site, now)

    def _sweep(self, now: datetime) -> None:
        """Look for folders that no line told of: everywhere after a start or a reset."""
        running = queries.running_scans(self._site.store, self._site.name)
        followed = {job.record.scan_id for job in self._open_jobs()}
        self._sweeps.sweep(sorted({scan.scan_id for scan in running} | followed), now)

    def _keep_beating(self) -> None:
        """Give a sign of life when the last one is a while ago: what comes next may wait."""
        if self._beat_at is None or abs(self._moment() - self._beat_at) >= BEAT_EVERY:
            self._beat(ExecutorState.RUNNING)

    def _moment(self) -> datetime:
        """Return the moment within the turn."""
        return self._turn_at + timedelta(seconds=self._clock() - self._turn_began_s)

    def _beat(self, state: ExecutorState, message: str = "") -> None:
        if self._link.state is LinkState.REFUSED and state is ExecutorState.RUNNING:
            state, message = ExecutorState.BLOCKED, self._link.message
        self._beat_at = self._moment()
        record = ExecutorRecord(
            site=self._site.name,
            state=state,
            pid=os.getpid(),
            host=socket.gethostname(),
            version=__version__,
            message=message or "; ".join(work.trouble for work in self._works if work.trouble),
            link=self._link.state,
            link_message=self._link.message,
            started_at=self._started_at,
            beat_at=self._beat_at,
            synced_at=self._link.synced_at,
        )
        with self._site.store.writing(self._beat_at) as writer:
            writer.executor_heartbeat(record)


def _without_numbers(text: str) -> str:
    """Leave out what counts down, so that a log does not repeat itself in every turn."""
    return re.sub(r"\d+", "", text)
