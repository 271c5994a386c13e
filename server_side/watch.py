"""Run one job order: claim the work, watch the scan, leave a last word.

The first act is to make the claim folder: of two jobs for one piece of work
the second ends at once and writes nothing where the first writes. From then on
every end that the process can survive is a line in the journal.
"""

import logging
import platform
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from server_side import __version__
from server_side.errors import JournalError, PublishError, ServerSideError
from server_side.interrupt import EndRequested, Interrupt
from server_side.journal import EndReason
from server_side.journal_writer import JournalWriter, utc_now
from server_side.layout import ScanLayout
from server_side.live import LiveFile
from server_side.order import JobOrder
from server_side.publish import remove_leftovers
from server_side.readiness import Moment

if TYPE_CHECKING:
    from server_side.scan_watch import ScanWatch

log = logging.getLogger(__name__)

SCHEDULER_VARIABLES = ("SLURM_JOB_ID", "PJM_JOBID")
"""Environment variables in which batch systems tell a job its id."""


def run_order(
    order: JobOrder, signalled: threading.Event, environment: Mapping[str, str]
) -> EndReason:
    """Do what an order says; return why the job ended.

    Parameters
    ----------
    signalled
        Set by the process's signal handler when the job is to end.
    environment
        Of the process: tells the scheduler's id of the job.

    Raises
    ------
    PublishError
        When the scan's folder is not there or cannot be written.
    """
    layout = ScanLayout(PurePosixPath(order.base_folder), order.plan)
    if not _take_claim(Path(layout.claim_folder(order.claim))):
        _say_duplicate(order, layout)
        return EndReason.DUPLICATE
    with JournalWriter(Path(layout.journal_file(order.job)), order.job) as journal:
        journal.job_start(
            scan_id=order.plan.scan_id,
            software_version=__version__,
            host=platform.node(),
            scheduler_job=_scheduler_job(environment),
        )
        interrupt = Interrupt(signalled, Path(layout.stop_file(order.job)), order.time_limit_s)
        with _heartbeat(journal, order.plan.settings.watch.heartbeat_s):
            reason, message = _work_to_the_end(order, layout, journal, interrupt)
        journal.job_end(reason, message)
    return reason


def _take_claim(folder: Path) -> bool:
    try:
        folder.mkdir()
    except FileExistsError:
        return False
    except OSError as error:
        raise PublishError(f"cannot claim the work by making {folder}: {error.strerror}") from error
    return True


def _say_duplicate(order: JobOrder, layout: ScanLayout) -> None:
    """Leave a last word, unless this job's journal is the first one's too."""
    log.warning("The work %s was claimed by another job; nothing was done", order.claim)
    if order.claim == order.job:
        return
    try:
        with JournalWriter(Path(layout.journal_file(order.job)), order.job) as journal:
            journal.job_end(EndReason.DUPLICATE, f"another job has claimed {order.claim}")
    except JournalError:
        log.warning("The journal of job %s is there already and was left alone", order.job)


def _scheduler_job(environment: Mapping[str, str]) -> str:
    return next((environment[name] for name in SCHEDULER_VARIABLES if name in environment), "")


@contextmanager
def _heartbeat(journal: JournalWriter, pace_s: float) -> Iterator[None]:
    """Write a heartbeat now and then, also while the work is in a long calculation."""
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(pace_s):
            try:
                journal.heartbeat()
            except OSError:
                log.exception("No heartbeat could be written")

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _work_to_the_end(
    order: JobOrder, layout: ScanLayout, journal: JournalWriter, interrupt: Interrupt
) -> tuple[EndReason, str]:
    """Watch the scan; whatever ends that becomes the reason of the last word."""
    try:
        _tidy(layout, order.flag_folder)
        return _watch(_start(order, layout, journal, interrupt), order, interrupt), ""
    except EndRequested as request:
        return request.reason, request.message
    except ServerSideError as error:
        log.exception("The job cannot go on")
        return EndReason.FAILED, str(error)
    except Exception as error:
        log.exception("The job cannot go on")
        return EndReason.FAILED, f"{type(error).__name__}: {error}"


def _tidy(layout: ScanLayout, flag_folder: str) -> None:
    """Take away what killed jobs of this scan left half done."""
    # Loads uproot: after the claim and the first line.
    from server_side.root_publish import remove_root_leftovers  # noqa: PLC0415

    results = remove_leftovers(Path(layout.results_folder))
    for name in (*results, *remove_root_leftovers(layout, flag_folder)):
        log.info("Took away %s, which a killed job had left half done", name)


def _start(
    order: JobOrder, layout: ScanLayout, journal: JournalWriter, interrupt: Interrupt
) -> "ScanWatch":
    # zfit takes ten seconds to load: after the claim and the first line, and only once.
    from server_side.gain_fit import GainFitter  # noqa: PLC0415
    from server_side.scan_watch import ScanWatch  # noqa: PLC0415

    settings = order.plan.settings
    live = LiveFile(Path(layout.live_file(order.job)), order.job, settings.watch.expected_events)
    return ScanWatch(
        order,
        layout=layout,
        journal=journal,
        live=live,
        fitter=GainFitter(settings.analysis.min_charges),
        check_end=interrupt.check,
    )


def _watch(scan: "ScanWatch", order: JobOrder, interrupt: Interrupt) -> EndReason:
    settings = order.plan.settings.watch
    news_at_s = time.monotonic()
    while True:
        interrupt.check()
        moment = Moment(utc_now(), time.monotonic())
        step = scan.step(moment)
        if scan.is_done:
            return EndReason.DONE
        if step.has_news:
            news_at_s = moment.steady_s
        elif moment.steady_s - news_at_s >= settings.idle_limit_s:
            return EndReason.IDLE
        if not step.was_published:
            interrupt.wait(settings.poll_s)
