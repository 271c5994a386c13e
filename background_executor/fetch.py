"""Bring published folders here: fetch, verify, put in place, judge, store.

Many folders travel as one stream. Nothing of the server is believed: a folder
is checked against its manifest as it lies on this disk under a temporary name,
the manifest against the hash that the journal told, the result against the
plan. Only then does it get its own name, and only then a row. What is wrong
with one folder does not hold up the others. A server that cannot read what it
has, because a disk of it is away, has said nothing against a folder: it is
asked again until the folder came, or is known to be gone.
"""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby
from pathlib import PurePosixPath

from background_executor import queries
from background_executor.crash_points import CrashPoint, reach
from background_executor.errors import (
    LocalDiskError,
    NoAnswerError,
    RemoteFileError,
    UntrustedFileError,
)
from background_executor.following import LONGEST_RETRY, PublicationRecord
from background_executor.judging.stored_results import judge_new, judge_others
from background_executor.local_copy import TakeCopy, put_in_place
from background_executor.site import Site
from background_executor.transport import FetchedFile
from server_side.layout import take_folder_name

log = logging.getLogger(__name__)

MAX_TAKE_BYTES = 16 << 20
"""A published folder holds two documents, a picture and two numbers: far less than this."""
MAX_BATCH_BYTES = 4 * MAX_TAKE_BYTES
"""What is held in memory at once; a batch that is larger comes folder by folder."""
BATCH = 32
RETRY_AFTER = timedelta(seconds=10)
UNREADABLE_ARE_ENOUGH = 2
"""One folder may be spoilt; when the server can read this many not, the others wait as well."""
LOOK_FOR_IT_AFTER = 5
"""Of a folder that was announced and cannot be read so often it is asked whether it is there."""


class Fetching(StrEnum):
    """What became of a folder that was asked for alone."""

    STORED = "stored"
    """Its result is in the store."""
    REFUSED = "refused"
    """It is not what it may be, or it is gone."""
    UNREADABLE = "unreadable"
    """The server could not read it, which may be the fault of the disk and not of the folder."""


class Fetches:
    """Fetches the published folders that wait: new ones together, what failed before alone.

    So a folder at which the server hangs spoils no batch but its first, and keeps nothing
    that is new waiting. What failed waits together as long as the server can read nothing
    of it: a disk that is away is asked once or twice at a time, not once for each folder.
    What it remembers of that may be lost.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._vain_rounds = 0
        self._last_round: datetime | None = None

    def fetch_waiting(self, now: datetime) -> int:
        """Fetch and store every published folder that waits; returns how many were stored.

        Raises
        ------
        TransportError
            When the server could not be asked; what was stored until then stays.
        LocalDiskError
            When this disk refused a copy; it is noted and tried again.
        """
        site, stored = self._site, 0
        waiting = queries.waiting_publications(site.store, site.name, now)
        new = [publication for publication in waiting if publication.tries == 0]
        for scan_id, of_scan in groupby(sorted(new, key=_scan_id), key=_scan_id):
            stored += fetch_from(site, site.layout(scan_id).results_folder, list(of_scan), now)
        failed = [publication for publication in waiting if publication.tries > 0]
        return stored + self._retry(failed, now)

    def _retry(self, failed: Sequence[PublicationRecord], now: datetime) -> int:
        """Ask for what failed before, each alone, first what was asked for least often."""
        if not failed or not self._may_retry(now):
            return 0
        found: list[Fetching] = []
        for each in sorted(failed, key=lambda publication: publication.tries)[:BATCH]:
            folder = self._site.layout(each.scan_id).results_folder
            found.append(_fetch_single(self._site, folder, each, now))
            if found.count(Fetching.UNREADABLE) == UNREADABLE_ARE_ENOUGH:
                break
        self._last_round = now
        self._vain_rounds = self._vain_rounds + 1 if Fetching.UNREADABLE in found else 0
        return found.count(Fetching.STORED)

    def _may_retry(self, now: datetime) -> bool:
        pause = min(RETRY_AFTER * self._vain_rounds, LONGEST_RETRY)
        return self._last_round is None or abs(now - self._last_round) >= pause


def fetch_from(
    site: Site, folder: PurePosixPath, publications: Sequence[PublicationRecord], now: datetime
) -> int:
    """Fetch and store published folders that lie in a folder; returns how many were stored.

    Raises
    ------
    TransportError
        When the server could not be asked; what was stored until then stays.
    """
    batches = (publications[first : first + BATCH] for first in range(0, len(publications), BATCH))
    return sum(_fetch_batch(site, folder, batch, now) for batch in batches)


def _scan_id(publication: PublicationRecord) -> str:
    return publication.scan_id


def _fetch_batch(
    site: Site, folder: PurePosixPath, batch: Sequence[PublicationRecord], now: datetime
) -> int:
    """Fetch a batch as one stream; when one folder spoils it, each folder on its own."""
    try:
        fetched = _fetch(site, folder, batch)
    except NoAnswerError as error:
        for publication in batch:
            _note_failure(site, publication, error, now)
        raise
    except (UntrustedFileError, RemoteFileError):
        return _fetch_singly(site, folder, batch, now)
    reach(CrashPoint.FILES_FETCHED)
    return sum(_store_one(site, each, fetched[each.folder], now) for each in batch)


def _fetch_singly(
    site: Site,
    folder: PurePosixPath,
    batch: Sequence[PublicationRecord],
    now: datetime,
) -> int:
    """Fetch each folder of a batch that failed, until the server has read nothing often enough."""
    found: list[Fetching] = []
    for publication in batch:
        if found.count(Fetching.UNREADABLE) < UNREADABLE_ARE_ENOUGH:
            found.append(_fetch_single(site, folder, publication, now))
        else:
            _put_off(site, publication, now)
    return found.count(Fetching.STORED)


def _fetch_single(
    site: Site, folder: PurePosixPath, publication: PublicationRecord, now: datetime
) -> Fetching:
    """Fetch one folder on its own."""
    try:
        fetched = _fetch(site, folder, [publication])
    except NoAnswerError as error:
        _note_failure(site, publication, error, now)
        raise
    except (UntrustedFileError, RemoteFileError) as error:
        complaint = _if_gone(site, folder, publication) or error
        _note_failure(site, publication, complaint, now)
        is_answer = isinstance(complaint, UntrustedFileError)
        return Fetching.REFUSED if is_answer else Fetching.UNREADABLE
    reach(CrashPoint.FILES_FETCHED)
    is_stored = _store_one(site, publication, fetched[publication.folder], now)
    return Fetching.STORED if is_stored else Fetching.REFUSED


def _fetch(
    site: Site, source: PurePosixPath, batch: Sequence[PublicationRecord]
) -> dict[str, list[FetchedFile]]:
    """Return the files of each folder asked for; a file of any other folder is refused."""
    for publication in batch:
        if publication.folder != take_folder_name(publication.take):
            raise UntrustedFileError(
                f"{publication.folder!r} was announced for {publication.take.name}: "
                f"expected {take_folder_name(publication.take)!r}; nothing was fetched"
            )
    folders: dict[str, list[FetchedFile]] = {publication.folder: [] for publication in batch}
    stream = site.transport.fetch(
        source,
        [PurePosixPath(folder) for folder in folders],
        max_bytes=MAX_BATCH_BYTES if len(batch) > 1 else MAX_TAKE_BYTES,
    )
    for file in stream:
        folder = file.path.parts[0] if file.path.parts else ""
        if folder not in folders:
            raise UntrustedFileError(f"{file.path} came without being asked for")
        folders[folder].append(file)
    for folder, files in folders.items():
        size = sum(len(file.content) for file in files)
        if size > MAX_TAKE_BYTES:
            raise UntrustedFileError(f"{folder} holds {size} bytes, no published folder does")
    return folders


def _store_one(
    site: Site, publication: PublicationRecord, files: Iterable[FetchedFile], now: datetime
) -> bool:
    """Verify and store one folder; tells whether it is in the store now."""
    scan_id = publication.scan_id
    copy = TakeCopy(
        site.store.results_folder / site.layout(scan_id).scan_name,
        publication.folder,
        publication.take,
        site.plan(scan_id),
        publication.manifest_sha256,
    )
    try:
        placed = put_in_place(copy, files)
    except UntrustedFileError as error:
        _note_failure(site, publication, error, now)
        return False
    except OSError as error:
        refusal = _of_this_disk(copy, error)
        _note_failure(site, publication, refusal, now)
        raise refusal from error
    reach(CrashPoint.RESULT_IN_PLACE)
    plan, health = site.plan(scan_id), site.config.health
    judgement = judge_new(site.store, plan, placed.result, health, now)
    # Points that came before were judged without what this one tells of them.
    others = judge_others(site.store, plan, placed.result, health, now)
    with site.store.writing(now) as writer:
        writer.add_result(placed.result, placed.folder, placed.manifest_sha256, judgement)
        for other in others:
            writer.add_verdict(other.record.result_id, other.judgement)
    reach(CrashPoint.RESULT_STORED)
    log.info("Stored %s of scan %s: %s.", publication.take.name, scan_id, judgement.verdict.summary)
    return True


def _of_this_disk(copy: TakeCopy, error: OSError) -> LocalDiskError:
    return LocalDiskError(
        f"{copy.folder} cannot be kept on this machine, in {copy.target.parent}: "
        f"{error.strerror or error}; it stays on the server and is tried again"
    )


def _if_gone(
    site: Site, folder: PurePosixPath, publication: PublicationRecord
) -> UntrustedFileError | None:
    """Return what is to be said of a folder that is away while its neighbours can be listed."""
    if publication.tries + 1 < LOOK_FOR_IT_AFTER:
        return None
    try:
        there = {entry.path.name for entry in site.transport.list_tree(folder, depth=1)}
    except (RemoteFileError, NoAnswerError):  # nothing can be read: that speaks against no folder
        return None
    if publication.folder in there:
        return None
    return UntrustedFileError(
        f"{publication.folder} was published and is not in {folder} any more: "
        "put it back and ask for 'reset', or retake the point"
    )


def _note_failure(
    site: Site, publication: PublicationRecord, error: Exception, now: datetime
) -> None:
    """Refuse what must not be trusted or is gone; all else is tried again until it comes."""
    text = str(error)
    if text != publication.error:  # said once, not with each try
        log.warning("Folder %s of scan %s: %s", publication.folder, publication.scan_id, text)
    with site.store.writing(now) as writer:
        if isinstance(error, UntrustedFileError):
            writer.refuse_publication(publication.scan_id, publication.take, text)
        else:
            next_try = now + _pause_after(site, publication, error)
            writer.retry_publication(publication.scan_id, publication.take, text, next_try)


def _put_off(site: Site, publication: PublicationRecord, now: datetime) -> None:
    """Let a folder wait for its next try; of itself nothing is known that could be said."""
    with site.store.writing(now) as writer:
        writer.retry_publication(
            publication.scan_id, publication.take, publication.error, now + RETRY_AFTER
        )


def _pause_after(site: Site, publication: PublicationRecord, error: Exception) -> timedelta:
    """Return how long after the beginning of this turn a folder is due again."""
    # What this disk refuses is not the folder's fault: it is due with every next try.
    times = 1 if isinstance(error, LocalDiskError) else publication.tries + 1
    waited_s = site.timeout_s if isinstance(error, NoAnswerError) else 0.0
    return timedelta(seconds=waited_s) + min(RETRY_AFTER * times, LONGEST_RETRY)
